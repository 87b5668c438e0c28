"""A user who changes tools: old photographs carry one cloak, new ones another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from poisonlib.attacks.base import Cloak
from poisonlib.attacks.control import Unperturbed
from poisonlib.progress import Progress


@dataclass(frozen=True)
class Mixture:
    """Part of a user's photographs from one tool, the rest from another.

    The old ones have already been collected and cannot be withdrawn. This is the gallery of a user
    who hopes to regain privacy with a newer tool ("Data Poisoning Won't Save You From Facial
    Recognition", ICLR 2022, on users who switch). Called like any attack.

    Both tools cloak all of the photographs, so that a cached tool serves every share. Which of them
    are new is drawn by the seed, and a larger share contains the photographs of a smaller one.

    Args:
        old, new: attacks, plain or cached; None stands for photographs published without a cloak.
        share: of the photographs that carry the new cloak, in [0, 1], rounded to whole ones.

    Raises:
        ValueError: a share outside [0, 1].

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Mixture, Unperturbed
        >>> half = Mixture(Unperturbed(), Unperturbed(), share=0.5)
        >>> len(half(torch.rand(4, 3, 32, 32), seed=0))
        4
    """

    old: Callable[..., Cloak] | None
    new: Callable[..., Cloak] | None
    _: KW_ONLY
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be in [0, 1], got {self.share!r}; 0.5 is half of them")

    def __call__(self, images: Tensor, *, seed: int, progress: Progress | None = None) -> Cloak:
        """Protect the photographs ``(n, 3, h, w)`` of one user; see ``Attack.__call__``."""
        old, new = (
            (tool or Unperturbed())(images, seed=seed, progress=progress)
            for tool in (self.old, self.new)
        )
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        is_new = torch.zeros(len(images), dtype=torch.bool)
        is_new[order[: round(self.share * len(images))]] = True

        def pick(field: str) -> Tensor:
            values = getattr(old, field).clone()
            values[is_new] = getattr(new, field)[is_new]
            return values

        parts = {field: pick(field) for field in ("images", "dssim", "lpips", "linf")}
        settings = f"Mixture({old.attack}, {new.attack}, share={self.share})"
        return Cloak(**parts, steps=max(old.steps, new.steps), attack=settings)

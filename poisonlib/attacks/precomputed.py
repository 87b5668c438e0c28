"""Cloaks that were crafted earlier, looked up by their clean photographs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.attacks.base import Attack, Cloak, round_to_8_bits
from poisonlib.attacks.cache import Cached
from poisonlib.attacks.mixture import Mixture
from poisonlib.hashing import sha256_of_tensors
from poisonlib.progress import Progress


class PrecomputedCloaks:
    """An attack whose cloaks were crafted before: it looks up the cloaked copy of a photograph.

    For photographs that some tool has cloaked elsewhere, and for cloaks that are crafted once and
    evaluated many times. Called like any attack, with any of the clean photographs in any order;
    they are identified by their content, as 8-bit files store it.

    Args:
        clean: ``(n, 3, h, w)`` float32 in [0, 1].
        cloaked: ``(n, 3, h, w)``, their cloaked copies; or a
            :class:`~poisonlib.attacks.Cloak` of them, whose measures are then used.
        otherwise: an attack that crafts the cloaks of photographs that are none of these.

    Raises:
        TypeError, ValueError: bad images, two different shapes, or a clean photograph that comes
            twice with different cloaks.

    Example:
        >>> import torch
        >>> from poisonlib.attacks.precomputed import PrecomputedCloaks
        >>> clean = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
        >>> darker = PrecomputedCloaks(clean, 0.9 * clean)
        >>> torch.allclose(darker(clean[[1]], seed=0).images, 0.9 * clean[[1]], atol=1 / 255)
        True
    """

    def __init__(
        self, clean: Tensor, cloaked: Tensor | Cloak, *, otherwise: Attack | Cached | None = None
    ) -> None:
        checks.images(clean, name="clean")
        images = cloaked.images if isinstance(cloaked, Cloak) else cloaked
        checks.images(images, name="cloaked")
        if images.shape != clean.shape:
            raise ValueError(
                "each clean photograph needs a cloaked copy of the same size, got "
                f"{tuple(clean.shape)} clean and {tuple(images.shape)} cloaked"
            )
        clean = round_to_8_bits(clean)
        is_measured = isinstance(cloaked, Cloak)
        self.otherwise = otherwise
        self.cloak = cloaked if is_measured else _Fixed(images)(clean, seed=0)
        self._index: dict[str, int] = {}
        for index, image in enumerate(clean):
            first = self._index.setdefault(sha256_of_tensors(image), index)
            if not torch.equal(self.cloak.images[first], self.cloak.images[index]):
                raise ValueError(
                    f"clean photographs {first + 1} and {index + 1} are the same, and their cloaks "
                    "are not; give each photograph once"
                )

    def __len__(self) -> int:
        return len(self.cloak)

    def __repr__(self) -> str:
        return f"PrecomputedCloaks({len(self)} photographs, {self.cloak.attack})"

    def __call__(self, images: Tensor, *, seed: int, progress: Progress | None = None) -> Cloak:
        """The cloaks of ``(n, 3, h, w)`` clean photographs; nothing is drawn from the seed.

        Raises:
            ValueError: bad images, or a photograph whose cloak was not given.
        """
        checks.images(images)
        digests = [sha256_of_tensors(image) for image in round_to_8_bits(images)]
        if self.otherwise is not None and not all(digest in self._index for digest in digests):
            return self.otherwise(images, seed=seed, progress=progress)
        for number, digest in enumerate(digests, start=1):
            if digest not in self._index:
                raise ValueError(
                    f"photograph {number} of {len(images)} is none of the {len(self)} clean ones "
                    "whose cloaks were given; give a cloak of every photograph that its user shares"
                )
        places = [self._index[digest] for digest in digests]
        cloak = self.cloak
        names = ("images", "dssim", "lpips", "linf")
        parts = {name: getattr(cloak, name)[places] for name in names}
        return Cloak(**parts, steps=cloak.steps, attack=cloak.attack)


@dataclass(frozen=True)
class WithCleanPhotographs:
    """A user who has published a few photographs without a cloak, and all others with one.

    Attributes:
        attack: called like any attack.
        photographs: how many are clean, drawn by the seed; all of them, if there are no more.
    """

    attack: PrecomputedCloaks | Attack
    photographs: int = 1

    def __call__(self, images: Tensor, *, seed: int, progress: Progress | None = None) -> Cloak:
        """See ``Attack.__call__``."""
        share = min(1.0, self.photographs / len(images))
        return Mixture(self.attack, None, share=share)(images, seed=seed, progress=progress)


@dataclass(frozen=True, eq=False, repr=False)
class _Fixed(Attack):
    """Returns the given images, rounded and measured."""

    images: Tensor

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        return self.images

    def __repr__(self) -> str:
        return "cloaked elsewhere"


def concatenate(cloaks: list[Cloak]) -> Cloak:
    """Several users' cloaks as one.

    Raises:
        ValueError: none given.
    """
    if not cloaks:
        raise ValueError("expected at least one user's cloaks, got none")
    names = [field.name for field in fields(Cloak) if field.name not in ("steps", "attack")]
    parts = {name: torch.cat([getattr(cloak, name) for cloak in cloaks]) for name in names}
    return Cloak(**parts, steps=max(cloak.steps for cloak in cloaks), attack=cloaks[0].attack)

"""Cloaks that exist already, looked up by the photograph they were made of."""

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
    """An attack that knows its cloaks: for each clean photograph the cloaked one beside it.

    For photographs that some tool has cloaked elsewhere, and for cloaks that are to be made once
    and played many times. Called like any attack, with any of the clean photographs in any order;
    photographs are told apart by their content, as 8-bit files hold it.

    Args:
        clean: ``(n, 3, h, w)`` float32 in [0, 1].
        cloaked: ``(n, 3, h, w)``, what became of each of them; or a
            :class:`~poisonlib.attacks.Cloak` of them, whose measures are then used.
        otherwise: an attack that crafts the cloaks of photographs that are none of these.

    Raises:
        TypeError, ValueError: bad images, two different shapes, or a clean photograph that comes
            twice with different cloaks.

    Example:
        >>> import torch
        >>> from poisonlib.attacks.precomputed import PrecomputedCloaks
        >>> clean = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
        >>> given = PrecomputedCloaks(clean, 0.9 * clean)
        >>> torch.allclose(given(clean[[1]], seed=0).images, 0.9 * clean[[1]], atol=1 / 255)
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
                "each clean photograph needs its cloaked one of the same size, got "
                f"{tuple(clean.shape)} clean and {tuple(images.shape)} cloaked"
            )
        clean = round_to_8_bits(clean)
        is_measured = isinstance(cloaked, Cloak)
        self.otherwise = otherwise
        self.cloak = cloaked if is_measured else _Fixed(images)(clean, seed=0)
        self._place: dict[str, int] = {}
        for at, image in enumerate(clean):
            first = self._place.setdefault(sha256_of_tensors(image), at)
            if not torch.equal(self.cloak.images[first], self.cloak.images[at]):
                raise ValueError(
                    f"clean photographs {first + 1} and {at + 1} are the same, and their cloaks "
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
        if self.otherwise is not None and not all(digest in self._place for digest in digests):
            return self.otherwise(images, seed=seed, progress=progress)
        for at, digest in enumerate(digests):
            if digest not in self._place:
                raise ValueError(
                    f"photograph {at + 1} of {len(images)} is none of the {len(self)} clean ones "
                    "whose cloaks were given; give a cloak of every photograph that its user shares"
                )
        rows = [self._place[digest] for digest in digests]
        cloak = self.cloak
        parts = {name: getattr(cloak, name)[rows] for name in ("images", "dssim", "lpips", "linf")}
        return Cloak(**parts, steps=cloak.steps, attack=cloak.attack)


@dataclass(frozen=True)
class WithCleanPhotographs:
    """A user who cloaks everything but for a photograph or two, which are out as they were taken.

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
    """Returns the same images whatever it is called with: rounds and measures them, that is."""

    made: Tensor

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        return self.made

    def __repr__(self) -> str:
        return "cloaked elsewhere"


def all_of(cloaks: list[Cloak]) -> Cloak:
    """Several users' cloaks as one.

    Raises:
        ValueError: none given.
    """
    if not cloaks:
        raise ValueError("expected at least one user's cloaks, got none")
    names = [field.name for field in fields(Cloak) if field.name not in ("steps", "attack")]
    parts = {name: torch.cat([getattr(cloak, name) for cloak in cloaks]) for name in names}
    return Cloak(**parts, steps=max(cloak.steps for cloak in cloaks), attack=cloaks[0].attack)

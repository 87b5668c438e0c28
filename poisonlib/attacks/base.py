"""What every cloaking tool has in common: how it is called, checked, rounded and measured."""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.attacks import lpips, ssim
from poisonlib.hashing import sha256_of_tensors
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress

Extractor = Callable[[Tensor], Tensor]
"""Images ``(n, 3, h, w)`` in [0, 1] to unit embeddings ``(n, d)``, differentiable.

May carry ``fingerprint``, a string that changes with its weights; caching needs it."""


@dataclass(frozen=True, eq=False)
class Cloak:
    """Protected photographs and how much they differ from the originals.

    Attributes:
        images: ``(n, 3, h, w)`` float32 in [0, 1], each value a multiple of 1/255: photographs are
            published as 8-bit files, so that is what a tracker gets.
        dssim: ``(n,)`` structural dissimilarity to the originals, in [0, 1].
        lpips: ``(n,)`` perceptual distance to the originals; see ``poisonlib.attacks.lpips``.
        linf: ``(n,)`` largest change of any value, in [0, 1].
        steps: optimisation steps taken.
        attack: the attack with all its settings, as text.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Unperturbed
        >>> cloak = Unperturbed()(torch.rand(2, 3, 32, 32), seed=0)
        >>> bool(cloak.linf.max() < 0.51 / 255)  # rounding moves a value by half a level at most
        True
        >>> cloak.attack
        'Unperturbed()'
    """

    images: Tensor
    dssim: Tensor
    lpips: Tensor
    linf: Tensor
    steps: int
    attack: str

    def __len__(self) -> int:
        return len(self.images)


class Attack(ABC):
    """A tool that perturbs photographs before they are published.

    Subclasses are frozen dataclasses: their fields are their settings, keyword-only after the
    extractors, and ``repr`` prints all of them.

    Example:
        A tool that brightens, with one setting:

        >>> from dataclasses import dataclass
        >>> import torch
        >>> from poisonlib.attacks import Attack
        >>> @dataclass(frozen=True, repr=False)
        ... class Brighter(Attack):
        ...     by: float = 0.1
        ...     def _perturb(self, images, seed, progress):
        ...         return images + self.by
        >>> Brighter()
        Brighter(by=0.1)
        >>> Brighter()(torch.zeros(1, 3, 32, 32), seed=0).linf.round(decimals=2)
        tensor([0.1000])
    """

    extractors: Sequence[Extractor] = ()
    steps: int = 0

    def __call__(self, images: Tensor, *, seed: int, progress: Progress | None = None) -> Cloak:
        """Protect the photographs of one user.

        Args:
            images: ``(n, 3, h, w)`` float32 in [0, 1]; not modified.
            seed: of everything random in the attack.
            progress: called with (steps done, steps in all, the attack's name) after each step.

        Returns:
            the protected photographs, rounded to 8 bits, with the measures of the rounded ones.

        Raises:
            TypeError, ValueError: bad images or seed, or an extractor that is in training mode, not
                differentiable, or returns NaN or the wrong shape.
        """
        checks.images(images)
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed must be a whole number >= 0, got {seed!r}")
        with torch.inference_mode(False):
            clean = images.detach().clone()
            with torch.enable_grad():
                perturbed = self._perturb(clean, seed, progress or no_progress)
            self._check_finite(perturbed)
            return self._measure(round_to_8_bits(perturbed), clean)

    @abstractmethod
    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        """The perturbed images before rounding, ``(n, 3, h, w)``."""

    def _check_finite(self, perturbed: Tensor) -> None:
        if not bool(perturbed.isfinite().all()):
            raise ValueError(
                f"{type(self).__name__} reached NaN: an extractor's output or gradient was not "
                "finite on the way; look for a division by zero or a square root of zero in it"
            )

    def _measure(self, images: Tensor, original: Tensor) -> Cloak:
        linf = (images - original).abs().amax(dim=(1, 2, 3))
        dissimilarity, perceptual = torch.zeros_like(linf), torch.zeros_like(linf)
        with torch.no_grad():
            changed = linf.nonzero()[:, 0]
            for rows in changed.split(64) if len(changed) else ():
                dissimilarity[rows] = ssim.dssim(images[rows], original[rows])
                perceptual[rows] = lpips.default()(images[rows], original[rows])
        return Cloak(images, dissimilarity, perceptual, linf, self.steps, repr(self))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Every setting by name, as plain values that print and hash the same in every process."""
        fields = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        return {field.name: _plain(getattr(self, field.name)) for field in fields}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{type(self).__name__}({settings})"


def round_to_8_bits(images: Tensor) -> Tensor:
    """The nearest images that an 8-bit file can hold, clipped to [0, 1]."""
    return images.clamp(0, 1).mul(255).round().div(255)


def check_extractors(extractors: object) -> tuple[Extractor, ...]:
    """One extractor or several as a tuple.

    Raises:
        TypeError: something that cannot be called.
        ValueError: none given, or one in training mode.
    """
    given = (extractors,) if callable(extractors) else extractors
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            "extractors must be one extractor or a list of them, "
            f"got {type(extractors).__name__}; use poisonlib.extractors.load"
        )
    if not given:
        raise ValueError("extractors must hold at least one extractor, got none")
    for extractor in given:
        if not callable(extractor):
            raise TypeError(
                "an extractor must be callable on images (n, 3, h, w), "
                f"got {type(extractor).__name__}; use poisonlib.extractors.load"
            )
        if getattr(extractor, "training", False):
            raise ValueError(
                f"extractor {name_of(extractor)} is in training mode, where results depend on the "
                "batch; call its .eval() first"
            )
    return tuple(given)


def resolve_mode(attack: Attack, modes: Mapping[str, Mapping[str, float]]) -> None:
    """Fill the settings that were left at None with those of the attack's mode.

    Raises:
        ValueError: unknown mode, or a setting that is not positive.
    """
    if attack.mode not in modes:
        raise ValueError(f"mode must be one of {', '.join(modes)}, got {attack.mode!r}")
    for name, value in modes[attack.mode].items():
        chosen = getattr(attack, name)
        object.__setattr__(attack, name, value if chosen is None else chosen)
        if not getattr(attack, name) > 0:
            raise ValueError(f"{name} must be positive, got {chosen!r}; leave it to the mode")


def clean_features(extractor: Extractor, images: Tensor) -> Tensor:
    """Features ``(n, d)`` of unperturbed images, with the checks that one pass is enough for.

    Raises:
        ValueError: not a tensor of shape (n, d), or not finite.
    """
    with torch.no_grad():
        features = extractor(images)
    shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(images):
        raise ValueError(
            f"extractor {name_of(extractor)} must return shape ({len(images)}, d) for "
            f"{len(images)} images, got {shape}; flatten its output to one row an image"
        )
    if not bool(features.isfinite().all()):
        raise ValueError(
            f"extractor {name_of(extractor)} returned NaN or infinity; expected finite unit rows. "
            "Check its weights, and that it normalises by more than zero"
        )
    return features.detach()


def differentiable_features(extractor: Extractor, images: Tensor) -> Tensor:
    """Features ``(n, d)`` of images under optimisation.

    Raises:
        ValueError: the features carry no gradient.
    """
    features = extractor(images)
    if not features.requires_grad:
        raise ValueError(
            f"extractor {name_of(extractor)} is not differentiable: no gradient reaches the "
            "images; remove torch.no_grad, .detach() and .numpy() from its forward pass"
        )
    return features


def noise_like(images: Tensor, *, seed: int, radius: float) -> Tensor:
    """Uniform noise in [-radius, radius], drawn for each image from the seed and its content.

    So an image gets the same noise in whatever batch it comes.
    """
    noise = torch.empty_like(images)
    for row, image in zip(noise, images, strict=True):
        digest = hashlib.sha256(f"{seed}:".encode() + image.numpy().tobytes()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        row.uniform_(-radius, radius, generator=generator)
    return noise


def name_of(extractor: Extractor) -> str:
    """How an extractor is called in messages and settings."""
    card = getattr(extractor, "card", None)
    named = getattr(card, "name", None) or getattr(extractor, "__name__", None)
    return str(named or type(extractor).__name__)


def _plain(value: Any) -> Any:
    if isinstance(value, Photos):
        digest = sha256_of_tensors(value.images, value.labels)[:16]
        return f"{len(value)} photographs of {len(value.people)} people, {digest}"
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return name_of(value) if callable(value) else value

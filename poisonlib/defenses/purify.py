"""Purification: the trainer transforms every photograph to remove what may be a cloak.

A cloak is a small perturbation. Smoothing, compressing or reconstructing a photograph may remove
it, and also removes some of what recognisers need; both effects have to be measured. JPEG, blur and
similar transformations are the oldest defences against perturbations (Dziugaite, Ghahramani and
Roy, "A study of the effect of JPG compression on adversarial images", 2016; Xu, Evans and Qi,
"Feature squeezing", NDSS 2018). A learned one is in :mod:`poisonlib.defenses.denoiser`.
"""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from poisonlib import checks
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.extractors import Extractor
from poisonlib.extractors.card import Card
from poisonlib.hashing import sha256


class Purifier(ABC):
    """A transformation of photographs that is meant to remove cloaks.

    Subclasses are frozen dataclasses: their fields are their settings, and ``repr`` prints them.

    Example:
        >>> from dataclasses import dataclass
        >>> import torch
        >>> from poisonlib.defenses import Purifier
        >>> @dataclass(frozen=True)
        ... class Darker(Purifier):
        ...     factor: float = 0.5
        ...     def _purify(self, images):
        ...         return images * self.factor
        >>> Darker()(torch.ones(1, 3, 8, 8)).amax() * 255  # rounded to 8 bits, as files are
        tensor(128.)
    """

    def __call__(self, images: Tensor) -> Tensor:
        """Purify photographs, each on its own.

        Args:
            images: ``(n, 3, h, w)`` float32 in [0, 1]; not modified.

        Returns:
            ``(n, 3, h, w)`` float32 in [0, 1], each value a multiple of 1/255: the trainer stores
            photographs as 8-bit files. Rounding has no gradient, so none is kept.

        Raises:
            TypeError, ValueError: bad images.
        """
        checks.images(images)
        with torch.no_grad():
            parts = [self._purify(part) for part in images.detach().split(64)]  # fits in memory
            return round_to_8_bits(torch.cat(parts))

    @abstractmethod
    def _purify(self, images: Tensor) -> Tensor:
        """The purified images before rounding, ``(n, 3, h, w)``."""

    @property
    def fingerprint(self) -> str:
        """Hex digest that changes whenever the purified images could."""
        return sha256(repr(self))


@dataclass(frozen=True)
class JPEG(Purifier):
    """Compress and decompress, as platforms do with every photograph that is uploaded.

    Attributes:
        quality: of libjpeg, 1 (worst) to 95; colours are stored at half the resolution.

    Raises:
        ValueError: another quality.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import JPEG
        >>> picture = torch.rand(1, 3, 32, 32)
        >>> def roughness(image):
        ...     return float(image.diff(dim=3).abs().mean())
        >>> roughness(JPEG(10)(picture)) < roughness(JPEG(90)(picture))
        True
    """

    quality: int = 75

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 95:
            raise ValueError(f"quality must be between 1 and 95, got {self.quality}")

    def _purify(self, images: Tensor) -> Tensor:
        return torch.stack([self._reopened(image) for image in images]).to(images.device)

    def _reopened(self, image: Tensor) -> Tensor:
        values = (image * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        file = io.BytesIO()
        Image.fromarray(values).save(file, "JPEG", quality=self.quality, subsampling="4:2:0")
        with Image.open(file) as opened:
            pixels = np.array(opened.convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


@dataclass(frozen=True)
class Resize(Purifier):
    """Downsample, which averages neighbouring pixels, and upsample to the original size.

    Attributes:
        factor: of the side, in (0, 1): 0.5 keeps a quarter of the pixels.

    Raises:
        ValueError: another factor.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Resize
        >>> picture = torch.rand(1, 3, 32, 32)
        >>> def roughness(image):
        ...     return float(image.diff(dim=3).abs().mean())
        >>> roughness(Resize(0.25)(picture)) < roughness(Resize(0.75)(picture)) < roughness(picture)
        True
    """

    factor: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be between 0 and 1, got {self.factor}")

    def _purify(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        smaller = max(1, round(self.factor * height)), max(1, round(self.factor * width))
        small = F.interpolate(images, smaller, mode="bilinear", antialias=True)
        return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Blur(Purifier):
    """A Gaussian blur, the edges mirrored.

    Attributes:
        sigma: standard deviation in pixels, more than 0.

    Raises:
        ValueError: another sigma, or (when called) images too small to be mirrored.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Blur
        >>> picture = torch.rand(1, 3, 32, 32)
        >>> def roughness(image):
        ...     return float(image.diff(dim=3).abs().mean())
        >>> roughness(Blur(2.0)(picture)) < roughness(Blur(0.5)(picture)) < roughness(picture)
        True
    """

    sigma: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma < math.inf:
            raise ValueError(f"sigma must be more than 0 pixels, got {self.sigma}")

    def _purify(self, images: Tensor) -> Tensor:
        reach = math.ceil(3 * self.sigma)
        _check_room(images, reach, f"a blur of sigma {self.sigma}")
        kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1.0) / self.sigma).square())
        kernel = (kernel / kernel.sum()).to(images.device).expand(3, 1, 1, -1)
        mirrored = F.pad(images, (reach,) * 4, mode="reflect")
        along = F.conv2d(mirrored, kernel, groups=3)
        return F.conv2d(along, kernel.transpose(2, 3), groups=3)


@dataclass(frozen=True)
class Median(Purifier):
    """The median of each value's neighbourhood: preserves edges and removes outliers.

    Attributes:
        size: side of the square neighbourhood in pixels, odd, at least 3.

    Raises:
        ValueError: another size, or (when called) images too small to be mirrored.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Median
        >>> speck = torch.zeros(1, 3, 9, 9)
        >>> speck[..., 4, 4] = 1.0
        >>> Median(3)(speck).max()
        tensor(0.)
    """

    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 3 or self.size % 2 == 0:
            raise ValueError(f"size must be odd and at least 3 pixels, got {self.size}")

    def _purify(self, images: Tensor) -> Tensor:
        _check_room(images, self.size // 2, f"a median over {self.size} pixels")
        mirrored = F.pad(images, (self.size // 2,) * 4, mode="reflect")
        windows = mirrored.unfold(2, self.size, 1).unfold(3, self.size, 1)
        parts = [part.flatten(4).median(dim=4).values for part in windows.split(32)]
        return torch.cat(parts)


@dataclass(frozen=True, eq=False)
class Purified:
    """An extractor that purifies every photograph first, in the gallery and in tests alike.

    Both must be purified in the same way: otherwise the recogniser would measure the effect of the
    purifier instead of the difference between people. A trial against a trainer who purifies is
    ``Trial(attack, Purified(extractor, JPEG(50)))``.

    (PuFace itself, Wen 2024, purifies the *training* photographs, cloaked and clean, and trains
    a network on them. A nearest neighbour has no training in which to adapt to purified
    photographs, so here the test photographs are purified, too.)

    Attributes:
        extractor: embeds the purified photographs.
        purifier: is applied first.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import JPEG, Purified
        >>> purified = Purified(extractors.load("softmax-2014"), JPEG(50))
        >>> purified.card.name
        'softmax-2014 + JPEG(quality=50)'
        >>> extractors.embed(purified, torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 128])
    """

    extractor: Extractor
    purifier: Purifier

    @property
    def card(self) -> Card:
        """The extractor's card, with the purifier added to its name; not differentiable."""
        card = self.extractor.card
        notes = f"{card.notes} Photographs go through {self.purifier!r} first.".strip()
        name = f"{card.name} + {self.purifier!r}"
        return replace(card, name=name, notes=notes, differentiable=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both parts."""
        return sha256(f"{self.extractor.fingerprint} {self.purifier.fingerprint}")

    def __call__(self, images: Tensor) -> Tensor:
        """Purify ``(n, 3, h, w)`` images in [0, 1] and embed them: ``(n, d)``, of length 1.

        Raises:
            ValueError: a gradient is needed.
        """
        if images.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                f"extractor {self.card.name!r} is not differentiable: purified photographs are "
                "rounded to 8 bits, which has no gradient. Craft cloaks on "
                f"{self.extractor.card.name!r} itself, and use this one to recognise"
            )
        return self.extractor(self.purifier(images))

    def __repr__(self) -> str:
        return f"Purified({self.extractor!r}, {self.purifier!r})"


def _check_room(images: Tensor, reach: int, what: str) -> None:
    smallest = min(images.shape[-2:])
    if smallest <= reach:
        raise ValueError(
            f"{what} needs images of more than {reach} pixels a side, got {smallest}; "
            "purify whole photographs, or choose a smaller one"
        )


NOT_PURIFIED = "none"
"""Name of the condition in which the trainer does not purify."""


def purifiers() -> Mapping[str, Purifier | None]:
    """The book's purifiers by name; the first is None, no purification.

    Example:
        >>> from poisonlib.defenses import purifiers
        >>> list(purifiers())[:3]
        ['none', 'JPEG 75', 'JPEG 30']
    """
    from poisonlib.defenses import denoiser  # which is a purifier itself

    return {
        NOT_PURIFIED: None,
        "JPEG 75": JPEG(75),
        "JPEG 30": JPEG(30),
        "resize to half": Resize(0.5),
        "blur": Blur(1.0),
        "median": Median(3),
        "denoiser": denoiser.load(),
    }

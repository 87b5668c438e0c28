"""Extractors that compute elsewhere: outside torch, or on another device than the photographs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from poisonlib import identity
from poisonlib.extractors.base import ModuleExtractor, Preprocessing, check_features
from poisonlib.extractors.card import Card
from poisonlib.hashing import sha256, sha256_of_tensors


@dataclass(frozen=True, eq=False)
class BlackBoxExtractor:
    """A function of arrays as an :class:`~poisonlib.extractors.Extractor`.

    It has no gradients, so no cloak can be crafted on it.

    Attributes:
        compute: maps preprocessed images ``(n, 3, h, w)`` float32 to features ``(n, d)``.
        card: its metadata, with ``differentiable=False``.
        preprocessing: from images in [0, 1] to what the function expects.
        origin: what its embeddings depend on, for the fingerprint: a hash of its weights.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import Card, Preprocessing
        >>> from workbench.extractors import BlackBoxExtractor
        >>> about = ("means", 2026, "none", "none", "none", 8, 3, "CC0-1.0")
        >>> card = Card(*about, differentiable=False)
        >>> small = Preprocessing(size=8)
        >>> means = BlackBoxExtractor(lambda array: array.mean((2, 3)), card, small, "means-1")
        >>> means(torch.ones(2, 3, 16, 16)).norm(dim=1).round(decimals=4)
        tensor([1., 1.])
    """

    compute: Callable[[NDArray], NDArray]
    card: Card
    preprocessing: Preprocessing
    origin: str

    def __post_init__(self) -> None:
        if self.card.differentiable:
            raise ValueError(f"the card of {self.card.name!r} must say differentiable=False")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over origin, preprocessing and the function with all that it refers to.

        Where there is no origin and the function holds what cannot be looked into, also over what
        it makes of a fixed picture.
        """
        settings = "".join(self.preprocessing.described)
        known = identity.of(self.compute)
        parts = f"{self.card.name}{settings}{self.origin}{known.digest}"
        if known.opaque and not self.origin:
            side = self.preprocessing.size or self.card.input_size
            picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
            parts += sha256_of_tensors(self(picture))
        return sha256(parts)

    def __call__(self, images: Tensor) -> Tensor:
        """Embed ``(n, 3, h, w)`` images in [0, 1] as ``(n, d)`` embeddings of length 1.

        Raises:
            ValueError: a gradient is needed; or the function returns something else than
                ``(n, d)``, d as the card says.
        """
        if images.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                f"extractor {self.card.name!r} is not differentiable: it computes outside torch. "
                "Craft cloaks on another extractor and use this one to recognise"
            )
        with torch.no_grad():
            prepared = self.preprocessing(images.detach()).cpu().numpy()
        made = self.compute(prepared)
        made = torch.from_numpy(made) if isinstance(made, np.ndarray) else made
        features = check_features(made, self.card, len(images))
        return F.normalize(features.to(images.device, torch.float32), dim=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name!r}, {self.fingerprint[:8]})"


@dataclass(frozen=True, eq=False)
class OnDevice:
    """A torch extractor on a GPU that takes photographs and returns embeddings on the CPU.

    It is differentiable, so cloaks can be crafted on it; its fingerprint is the extractor's, as the
    cloaks are the same but for the devices' rounding. The extractor itself stays on its device.

    Attributes:
        extractor: a :class:`ModuleExtractor`.
        device: where the network's copy computes.

    Raises:
        TypeError: an extractor that computes outside torch.

    Example:
        >>> import torch
        >>> from workbench.extractors import OnDevice
        >>> from poisonlib import extractors, people
        >>> moved = OnDevice(extractors.load("softmax-2014"), torch.device("cpu"))
        >>> moved(people.load("users").images[:2]).device
        device(type='cpu')
    """

    extractor: ModuleExtractor
    device: torch.device
    _moved: ModuleExtractor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.extractor, ModuleExtractor):
            raise TypeError(
                "only a torch network moves to another device, got "
                f"{type(self.extractor).__name__}; run this extractor where it is"
            )
        inner = self.extractor
        module = copy.deepcopy(inner.module).to(self.device)
        moved = ModuleExtractor(module, inner.card, inner.preprocessing, inner.origin)
        object.__setattr__(self, "_moved", moved)

    @property
    def card(self) -> Card:
        """The extractor's card."""
        return self.extractor.card

    @property
    def fingerprint(self) -> str:
        """The extractor's fingerprint."""
        return self.extractor.fingerprint

    def __call__(self, images: Tensor) -> Tensor:
        """Embed ``(n, 3, h, w)`` images in [0, 1] as ``(n, d)`` embeddings of length 1."""
        return self._moved(images.to(self.device)).to(images.device)

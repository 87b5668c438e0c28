"""Extractors that compute outside torch: no gradients, so no cloak is crafted on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from poisonlib.extractors.base import Preprocessing
from poisonlib.extractors.card import Card
from poisonlib.hashing import sha256


@dataclass(frozen=True, eq=False)
class BlackBoxExtractor:
    """A function of arrays as an :class:`~poisonlib.extractors.Extractor`.

    Attributes:
        compute: maps preprocessed images ``(n, 3, h, w)`` float32 to features ``(n, d)``.
        card: its metadata, with ``differentiable=False``.
        preprocessing: from images in [0, 1] to what the function expects.
        origin: what its embeddings depend on, for the fingerprint: a hash of its weights.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import Card, Preprocessing
        >>> from workbench.extractors import BlackBoxExtractor
        >>> said = ("means", 2026, "none", "none", "none", 8, 3, "CC0-1.0")
        >>> card = Card(*said, differentiable=False)
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

    @property
    def fingerprint(self) -> str:
        """SHA-256 over origin and preprocessing."""
        return sha256(f"{self.card.name}{self.preprocessing!r}{self.origin}")

    def __call__(self, images: Tensor) -> Tensor:
        """Embed ``(n, 3, h, w)`` images in [0, 1] as ``(n, d)`` rows of length 1.

        Raises:
            ValueError: a gradient is asked for.
        """
        if images.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                f"extractor {self.card.name!r} is not differentiable: it computes outside torch. "
                "Craft cloaks on another extractor and use this one to recognise"
            )
        with torch.no_grad():
            prepared = self.preprocessing(images.detach()).cpu().numpy()
        features = torch.from_numpy(self.compute(prepared)).to(images.device, torch.float32)
        return F.normalize(features, dim=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name!r}, {self.fingerprint[:8]})"

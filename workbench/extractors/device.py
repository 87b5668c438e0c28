"""An extractor whose network computes on another device than its photographs are on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from poisonlib.extractors.base import ModuleExtractor
from poisonlib.extractors.card import Card


@dataclass(frozen=True, eq=False)
class OnDevice:
    """A torch extractor on a GPU, called with photographs on the CPU, where its rows come back.

    Gradients find their way, so cloaks can be crafted on it; its fingerprint is the extractor's,
    so those are the same cloaks but for the devices' rounding. The extractor itself stays where it
    is.

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
        """Embed ``(n, 3, h, w)`` images in [0, 1] as ``(n, d)`` rows of length 1."""
        return self._moved(images.to(self.device)).to(images.device)

"""Toys for the core rooms: tiny coloured people, and extractors that can or cannot see them."""

from __future__ import annotations

import pytest
import torch

from poisonlib.attacks import Cloak
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
from poisonlib.photos import Photos


def card(name: str = "toy", size: int = 8, embedding_size: int | None = None) -> Card:
    length = 3 * size * size if embedding_size is None else embedding_size
    return Card(name, 2000, "toy", "none", "none", size, length, "CC0-1.0")


def toy_extractor(module: torch.nn.Module | None = None, *, size: int = 8) -> ModuleExtractor:
    """A network in an extractor whose card says how many features it returns."""
    module = module or torch.nn.Flatten()
    with torch.no_grad():
        length = module.eval()(torch.full((1, 3, size, size), 0.5)).shape[1]
    return ModuleExtractor(module, card(size=size, embedding_size=length), Preprocessing(size))


def toy_photos(people: int = 5, each: int = 10, *, noise: float = 0.05, seed: int = 0) -> Photos:
    """Each person is a random 16 x 16 pattern, each photograph that pattern under noise."""
    generator = torch.Generator().manual_seed(seed)
    faces = torch.rand(people, 3, 16, 16, generator=generator)
    labels = torch.arange(people).repeat_interleave(each)
    shaken = faces[labels] + noise * torch.randn(len(labels), 3, 16, 16, generator=generator)
    names = tuple(f"toy {person}" for person in range(people))
    return Photos(shaken.clamp(0, 1), labels, names)


class Negative:
    """An attack with a known outcome: the negative, which a centred extractor sees far off."""

    def __init__(self, *, strength: float = 1.0) -> None:
        self.strength = strength
        self.calls: list[int] = []

    def __call__(self, images, *, seed, progress=None):
        self.calls.append(len(images))
        moved = images + self.strength * (1 - 2 * images)
        moved = (moved * 255).round() / 255
        nothing = torch.zeros(len(images))
        linf = (moved - images).abs().amax((1, 2, 3))
        return Cloak(moved, nothing, nothing, linf, 0, f"Negative(strength={self.strength})")


@pytest.fixture
def photos() -> Photos:
    return toy_photos()


@pytest.fixture
def extractor() -> ModuleExtractor:
    return toy_extractor()

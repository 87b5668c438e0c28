"""Toys for the audit: people large enough for the measures of visible change, and an evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch

from poisonlib.extractors import CachedExtractor, Card, ModuleExtractor, Preprocessing
from poisonlib.photos import Photos
from poisonlib.trial import as_published
from tests.core.conftest import toy_photos
from workbench.audit import Evaluator, Strategy, others, photographs
from workbench.audit.strategies import naive


@pytest.fixture(autouse=True, scope="module")
def toys_are_what_they_are() -> Iterator[None]:
    """Toys are told apart by a toy, and only the same picture is a duplicate of one."""

    def first_equal(images: torch.Tensor, wholes: torch.Tensor | None = None) -> list[int]:
        equal = (images[:, None] == images[None]).flatten(2).all(2)
        return equal.int().argmax(1).tolist()

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(photographs, "first_of_its_kind", first_equal)
        monkeypatch.setattr(photographs, "knows_faces", lambda: CachedExtractor(toy("knows")))
        monkeypatch.setattr(others, "NEAR_DUPLICATE", 2.0)
        yield


def large(photos: Photos) -> Photos:
    """Each pixel repeated, so that the visible change can be measured."""
    images = photos.images.repeat_interleave(3, 2).repeat_interleave(3, 3)
    return as_published(Photos(images, photos.labels, photos.names))


def toy(name: str = "toy-2014", year: int = 2014) -> ModuleExtractor:
    """Small pictures as rows, centred, so that the negative lies on the other side."""
    card = Card(name, year, "toy", "none", "none", 8, 192, "CC0-1.0")
    return ModuleExtractor(torch.nn.Flatten(), card, Preprocessing(8))


def nothing(images: torch.Tensor) -> torch.Tensor:
    return images


def negative(images: torch.Tensor) -> torch.Tensor:
    return 1 - images


def evaluator(
    strategies: Sequence[Strategy] | None = None, *, people: int = 6, each: int = 24
) -> Evaluator:
    chosen = [naive(toy())] if strategies is None else strategies
    return Evaluator(large(toy_photos(people, each)), strategies=chosen)


@pytest.fixture(scope="module")
def photos() -> Photos:
    return large(toy_photos(6, 24))

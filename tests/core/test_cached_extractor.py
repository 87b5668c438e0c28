"""Embeddings that are computed once, in memory and on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from poisonlib.extractors import CachedExtractor, Card, ModuleExtractor, Preprocessing
from poisonlib.extractors.cached import Once
from poisonlib.recognition import EndToEnd
from tests import toys

IMAGES = toys.faces(3)


class Counted(toys.PooledLinear):
    seen = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        return super().forward(images)


def extractor(seed: int = 0) -> ModuleExtractor:
    card = Card("toy-2020", 2020, "toy", "none", "none", 48, 16, "MIT")
    return ModuleExtractor(Counted(seed=seed), card, Preprocessing(None, 0.0, 1.0))


def test_only_new_photographs_are_computed() -> None:
    seen = []

    def function(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return images.flatten(1).sum(dim=1)

    once = Once(function)
    first = once(IMAGES[:2])
    assert torch.equal(once(IMAGES[[2, 0, 0]])[1], first[0])
    assert seen == [2, 1]


def test_it_is_an_extractor() -> None:
    inner = extractor()
    cached = CachedExtractor(inner)
    assert torch.equal(cached(IMAGES), inner(IMAGES))
    assert (cached.card, cached.fingerprint) == (inner.card, inner.fingerprint)
    assert EndToEnd(cached).extractor is cached, "it can be fine-tuned"
    with pytest.raises(AttributeError, match="CachedExtractor has no attribute 'nothing'"):
        _ = cached.nothing


def test_a_gradient_reaches_the_photographs() -> None:
    cached, images = CachedExtractor(extractor()), IMAGES.clone().requires_grad_()
    cached(IMAGES)
    cached(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_embeddings_are_stored_only_in_a_folder_that_was_given(tmp_path: Path) -> None:
    CachedExtractor(extractor())(IMAGES)
    assert list(tmp_path.iterdir()) == []
    first = CachedExtractor(extractor(), folder=tmp_path)(IMAGES)
    again = CachedExtractor(extractor(), folder=tmp_path)
    looked = again.module.seen  # for the fingerprint
    assert torch.equal(again(IMAGES), first)
    assert again.module.seen == looked, "nothing was computed"
    other = CachedExtractor(extractor(seed=1), folder=tmp_path)
    assert not torch.equal(other(IMAGES), first), "another network has other embeddings"


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    first = CachedExtractor(extractor(), folder=tmp_path)(IMAGES)
    for file in tmp_path.iterdir():
        file.write_bytes(b"damaged")
    assert torch.equal(CachedExtractor(extractor(), folder=tmp_path)(IMAGES), first)


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    first = CachedExtractor(extractor(), folder=blocked / "embeddings")(IMAGES)
    assert first.shape == (3, 16)


def test_a_batch_of_new_photographs_is_not_copied() -> None:
    batches = []
    once = Once(lambda images: batches.append(images) or images.mean(dim=(1, 2, 3)))
    images = torch.rand(3, 3, 4, 4)
    once(images)
    assert batches[0] is images

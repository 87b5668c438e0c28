"""Distillation brings copies back to their originals, and leaves clean photographs in place."""

from __future__ import annotations

import pytest
import torch

from poisonlib.defenses import Pairs
from poisonlib.defenses.adaptive import UNVARIED, VariedCopies
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing, embed
from poisonlib.photos import Photos
from studio.training.augment import Augmentation
from studio.training.distil import distil

PLAIN = Augmentation(flip=0.0)


@pytest.fixture(scope="module")
def tracker() -> ModuleExtractor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 16))
    card = Card("toy-2017", 2017, "linear", "none", "none", 8, 16, "CC0-1.0")
    return ModuleExtractor(module, card, Preprocessing(size=8))


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    generator = torch.Generator().manual_seed(1)
    images = 0.3 + 0.4 * torch.rand(24, 3, 112, 112, generator=generator)
    pattern = torch.zeros(3, 112, 112)
    pattern[:, :56] = 0.3  # one cloak for all: the upper half is lighter
    photos = Photos(images, torch.arange(24) // 4, tuple("abcdef"))
    cloaked = (images + pattern).clamp(0, 1)
    tool = torch.zeros(24, dtype=torch.int64)
    return Pairs(photos, torch.arange(24), cloaked, tool, ("lighter",))


def test_copies_come_back_to_their_originals(tracker, pairs) -> None:
    seen = []
    adapted = distil(
        tracker, pairs.photos, pairs, seed=0, epochs=40, learning_rate=0.01,
        augmentation=PLAIN, progress=lambda done, epochs, loss: seen.append(loss),
    )  # fmt: skip
    goal = embed(tracker, pairs.photos.images)
    before = (embed(tracker, pairs.cloaked) - goal).norm(dim=1)
    after = (embed(adapted, pairs.cloaked) - goal).norm(dim=1)
    clean = (embed(adapted, pairs.photos.images) - goal).norm(dim=1)
    assert after.max() < 0.5 * before.min() and clean.mean() < 0.5 * before.mean()
    assert seen[-1] < seen[0] / 4 and len(seen) == 40
    assert adapted.card.name == "adapted-toy-2017" and "lighter" in adapted.card.data
    assert torch.equal(goal, embed(tracker, pairs.photos.images)), "the teacher stays as it was"


def test_the_same_seed_gives_the_same_network(tracker, pairs) -> None:
    one, two, other = (
        distil(tracker, pairs.photos, pairs, seed=seed, epochs=1) for seed in (0, 0, 1)
    )
    assert one.fingerprint == two.fingerprint != other.fingerprint


def test_the_goal_of_a_copy_is_its_original(pairs) -> None:
    copies = VariedCopies(pairs.photos, pairs, UNVARIED, size=16)
    every = torch.arange(2 * len(pairs))
    originals, shown = copies.originals_of(every), copies(every, torch.Generator())
    assert torch.equal(originals[24:], originals[:24])
    assert torch.equal(shown[:24], originals[:24]), "clean ones are their own"
    assert (shown[24:, :, :8] > originals[24:, :, :8]).all()

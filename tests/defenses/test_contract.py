"""What every defence has in common: a trial of it is one line, and the line is safe to repeat."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pandas
import pytest
import torch

from poisonlib import defenses
from poisonlib.attacks import Unperturbed
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import (
    JPEG,
    Blur,
    ConfidenceThreshold,
    Denoiser,
    Filtered,
    Growing,
    Median,
    Purified,
    Resize,
    Top2,
    WithCopies,
    collect,
)
from poisonlib.defenses.denoiser import DenoiserCard, ResidualUNet
from poisonlib.extractors import Card, Extractor, ModuleExtractor, Preprocessing
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import MakeRecogniser, Trial, as_published
from studio.training import adapt
from tests.core.conftest import Negative, toy_photos

PHOTOS = as_published(toy_photos(people=6, each=10))
PUBLIC = as_published(toy_photos(people=4, each=6, seed=5))


class Rounded(Negative):
    """The negative, published in 8 bits."""

    def __call__(self, images, *, seed, progress=None):
        cloak = super().__call__(images, seed=seed)
        object.__setattr__(cloak, "images", round_to_8_bits(cloak.images))
        return cloak


class Bright:
    """A detector that takes whatever is bright on average for cloaked."""

    def scores(self, images):
        return images.mean(dim=(1, 2, 3))


def ordinary(*, seed: int = 0) -> ModuleExtractor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 12))
    card = Card("toy-2000", 2000, "toy", "none", "none", 16, 12, "CC0-1.0")
    return ModuleExtractor(module, card, Preprocessing(16))


def adapted() -> ModuleExtractor:
    pairs = collect({"negative": Rounded()}, PUBLIC, people=[0, 1], seed=0, each=2)
    return adapt(ordinary(), PUBLIC, pairs, seed=0, epochs=1)


def copies_of_others() -> WithCopies:
    pairs = collect({"negative": Rounded()}, PHOTOS, people=[4, 5], seed=0, each=2)
    return WithCopies(pairs, NearestNeighbour)


def denoiser() -> Denoiser:
    """Untrained, which takes nothing away."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Denoiser(ResidualUNet(8), DenoiserCard("toy", "none", "none", 0, "toy"))


Defence = tuple[Extractor, MakeRecogniser]
DEFENCES: dict[str, Callable[[], Defence]] = {
    "adapt": lambda: (adapted(), NearestNeighbour),
    "WithCopies": lambda: (ordinary(), copies_of_others()),
    "Filtered": lambda: (ordinary(), Filtered(Bright(), threshold=0.55)),
    "Growing": lambda: (ordinary(), Growing((PUBLIC.images,), threshold=0.2)),
    "Top2": lambda: (ordinary(), Top2.over(ordinary(seed=1))),
    "ConfidenceThreshold": lambda: (
        ordinary(),
        ConfidenceThreshold.over(ordinary(seed=1), threshold=0.2),
    ),
    "JPEG": lambda: (Purified(ordinary(), JPEG(50)), NearestNeighbour),
    "Resize": lambda: (Purified(ordinary(), Resize(0.5)), NearestNeighbour),
    "Blur": lambda: (Purified(ordinary(), Blur(1.0)), NearestNeighbour),
    "Median": lambda: (Purified(ordinary(), Median(3)), NearestNeighbour),
    "Denoiser": lambda: (Purified(ordinary(), denoiser()), NearestNeighbour),
}


def run(defence: Defence, photos: Photos) -> pandas.DataFrame:
    return Trial(Rounded(), *defence).run(photos, users=[0, 1], seed=0).table


@pytest.mark.parametrize("name", DEFENCES)
def test_a_trial_of_it_is_one_line_that_can_be_repeated(name: str) -> None:
    before = PHOTOS.images.clone()
    state = torch.random.get_rng_state()
    defence = DEFENCES[name]()
    table = run(defence, PHOTOS)
    assert torch.equal(PHOTOS.images, before), "the photographs were changed"
    assert torch.equal(torch.random.get_rng_state(), state), "a global random state was used"
    assert len(table) == 2 * 2 * 2
    assert set(table["condition"]) == {"control", "cloaked"}
    assert table["error"].between(0, 1).all()
    pandas.testing.assert_frame_equal(run(defence, PHOTOS), table)
    pandas.testing.assert_frame_equal(run(DEFENCES[name](), PHOTOS), table)


@pytest.mark.parametrize("name", DEFENCES)
def test_its_extractor_keeps_the_extractors_contract(name: str) -> None:
    extractor, _ = DEFENCES[name]()
    rows = extractor(PHOTOS.images[:3])
    assert rows.shape == (3, extractor.card.embedding_size)
    assert torch.allclose(rows.norm(dim=1), torch.ones(3), atol=1e-4)
    alone = torch.cat([extractor(image[None]) for image in PHOTOS.images[:3]])
    assert torch.allclose(rows, alone, atol=1e-5), "an embedding depends on the batch"
    again, _ = DEFENCES[name]()
    assert extractor.fingerprint == again.fingerprint
    if name not in ("WithCopies", "Filtered", "Growing", "Top2", "ConfidenceThreshold"):
        assert extractor.fingerprint != ordinary().fingerprint


def test_a_defence_that_does_nothing_here_changes_nothing() -> None:
    control = Trial(Unperturbed(), ordinary()).run(PHOTOS, users=[0], seed=0).table
    lenient = Trial(Unperturbed(), ordinary(), Filtered(Bright(), threshold=1.0))
    shy = Trial(Unperturbed(), ordinary(), Growing((PUBLIC.images,), threshold=0.0))
    untrained = Trial(Unperturbed(), Purified(ordinary(), denoiser()))
    never = Trial(
        Unperturbed(), ordinary(), ConfidenceThreshold.over(ordinary(seed=1), threshold=2)
    )
    twice = Trial(Unperturbed(), ordinary(), Top2.over(ordinary()))
    for trial in (lenient, shy, untrained, never, twice):
        table = trial.run(PHOTOS, users=[0], seed=0).table
        assert table["errors"].tolist() == control["errors"].tolist()


@pytest.mark.parametrize("name", defenses.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(defenses, name))

"""The map keeps its places, and what it cannot show is counted in the space itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from poisonlib.figures import projection
from poisonlib.figures.projection import NO_CLOAK, Scenario, Space
from poisonlib.trial import Trial, split
from tests.core.conftest import Negative, toy_extractor, toy_photos

EACH = 7  # of ten photographs, seven are for training: the gallery is that of a trial


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    tools = {"Negative": Negative(), "Nothing": Negative(strength=0.0)}
    return Scenario.of(toy_photos(), tools, users=[1, 3], each=EACH, seed=0)


@pytest.fixture(scope="module")
def space(scenario) -> Space:
    return Space.of(toy_extractor(), scenario, seed=0)


def test_photographs_are_shared_as_in_a_trial(scenario):
    photos = toy_photos()
    test = split(photos.labels, seed=0)
    assert len(scenario.photos) == 5 * EACH and len(scenario.probes) == int(test.sum())
    assert scenario.users == (1, 3) and scenario.tools == (NO_CLOAK, "Negative", "Nothing")
    cloak = scenario.cloaks[1, "Negative"]
    assert torch.allclose(cloak, 1 - scenario.photos.of(1), atol=1 / 255)


def test_it_misnames_what_a_trial_misnames(space):
    photos = toy_photos()
    for tool, strength in (("Negative", 1.0), ("Nothing", 0.0)):
        trial = Trial(Negative(strength=strength), toy_extractor())
        table = trial.run(photos, users=[1, 3], seed=0).table
        rows = table[table["whose"] == "user"].set_index(["condition", "user"])
        for user in (1, 3):
            name = photos.names[user]
            assert space.view(user, tool).misnamed == rows.loc[("cloaked", name), "errors"]
            assert space.view(user).misnamed == rows.loc[("control", name), "errors"]
    assert space.view(1, "Negative").misnamed == len(space.view(1).probes), "a cloak that works"


def test_a_cloak_moves_what_is_shared_and_nothing_else(space):
    clean, cloaked = space.view(1), space.view(1, "Negative")
    # Placed in one batch or another, by one thread or two: the same but for rounding.
    torch.testing.assert_close(clean.clean, clean.shared, atol=1e-5, rtol=0)
    torch.testing.assert_close(clean.clean, cloaked.clean, atol=1e-5, rtol=0)
    torch.testing.assert_close(clean.probes, cloaked.probes, atol=1e-5, rtol=0)
    assert (cloaked.shared - cloaked.clean).norm(dim=1).min() > 0.1
    assert not cloaked.correct.any()
    assert (space.scenario.photos.labels[cloaked.nearest] != 1).all()
    places = space.place(space.gallery)
    torch.testing.assert_close(cloaked.neighbours, places[cloaked.nearest], atol=1e-5, rtol=0)


def test_the_map_is_fixed_when_it_is_fitted():
    rows = F.normalize(torch.randn(30, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    fitted = projection.fit(rows, seed=0, perplexity=5)
    sharp = projection.fit(rows, seed=0, perplexity=5, temperature=1e-4)(rows)
    assert sharp.abs().max() == pytest.approx(1, abs=1e-3)
    together = fitted(torch.cat([rows[:3], -rows]))
    assert torch.allclose(together[:3], fitted(rows[:3]), atol=1e-6)
    again = projection.fit(rows, seed=0, perplexity=5)
    assert torch.equal(fitted(rows), again(rows))
    blunt = projection.fit(rows, seed=0, perplexity=5, temperature=1e6)
    assert torch.allclose(blunt(rows), sharp.mean(dim=0).expand(30, 2), atol=1e-3)


def test_faithfulness_compares_the_map_with_the_space(space):
    clean, cloaked = space.faithfulness(cloaked=False), space.faithfulness(cloaked=True)
    assert clean.n == len(space.probes) and clean.value == 1
    assert cloaked.n == 2 * 2 * len(space.view(1).probes)
    lost = space.faithfulness(cloaked=False, place=lambda rows: torch.zeros(len(rows), 2))
    assert lost.value < 0.5, "where all stand in one place, nothing can be read off"
    other = space.view(1, place=lambda rows: rows[:, :2])
    assert torch.equal(other.probes, space.probes[space.scenario.probes.labels == 1][:, :2])
    assert other.misnamed == space.view(1).misnamed, "the map names nobody"

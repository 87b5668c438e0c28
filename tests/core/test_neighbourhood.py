"""The map keeps its places, and what it cannot show is counted in the space itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from poisonlib.figures import projection
from poisonlib.figures.projection import NO_CLOAK
from poisonlib.trial import Trial, split
from tests.core.conftest import Negative, toy_extractor, toy_photos

EACH = 7  # of ten photographs, seven are for training: the gallery is that of a trial


@pytest.fixture(scope="module")
def shared() -> projection.Shared:
    tools = {"Negative": Negative(), "Nothing": Negative(strength=0.0)}
    return projection.share(toy_photos(), tools, users=[1, 3], each=EACH, seed=0)


@pytest.fixture(scope="module")
def view(shared) -> projection.Neighbourhood:
    return projection.seen_by(toy_extractor(), shared, seed=0, name="toy-2000")


def test_photographs_are_shared_as_in_a_trial(shared):
    photos = toy_photos()
    test = split(photos.labels, seed=0)
    assert len(shared.photos) == 5 * EACH and len(shared.probes) == int(test.sum())
    assert shared.users == (1, 3) and shared.tools == (NO_CLOAK, "Negative", "Nothing")
    cloak = shared.cloaks[1, "Negative"]
    assert torch.allclose(cloak, 1 - shared.photos.of(1), atol=1 / 255)


def test_it_misnames_what_a_trial_misnames(view):
    photos = toy_photos()
    for tool, strength in (("Negative", 1.0), ("Nothing", 0.0)):
        trial = Trial(Negative(strength=strength), toy_extractor())
        table = trial.run(photos, users=[1, 3], seed=0).table
        rows = table[table["whose"] == "user"].set_index(["condition", "user"])
        for user in (1, 3):
            name = photos.names[user]
            assert view.look(user, tool).misnamed == rows.loc[("cloaked", name), "errors"]
            assert view.look(user).misnamed == rows.loc[("control", name), "errors"]
    assert view.look(1, "Negative").misnamed == len(view.look(1).probes), "a cloak that works"


def test_a_cloak_moves_what_is_shared_and_nothing_else(view):
    clean, cloaked = view.look(1), view.look(1, "Negative")
    # Placed in one batch or another, by one thread or two: the same but for rounding.
    torch.testing.assert_close(clean.before, clean.shared, atol=1e-5, rtol=0)
    torch.testing.assert_close(clean.before, cloaked.before, atol=1e-5, rtol=0)
    torch.testing.assert_close(clean.probes, cloaked.probes, atol=1e-5, rtol=0)
    assert (cloaked.shared - cloaked.before).norm(dim=1).min() > 0.1
    elsewhere = view.labels != 1
    assert torch.equal(cloaked.found[~cloaked.right], cloaked.found)
    assert elsewhere[cloaked.found].all()
    rows = view.place(view.gallery)
    torch.testing.assert_close(cloaked.nearest, rows[cloaked.found], atol=1e-5, rtol=0)


def test_the_map_is_fixed_when_it_is_fitted():
    rows = F.normalize(torch.randn(30, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    fitted = projection.fit(rows, seed=0, perplexity=5)
    again = projection.fit(rows, seed=0, perplexity=5)
    assert torch.equal(fitted.places, again.places)
    assert fitted.places.abs().max() == 1
    together = projection(torch.cat([rows[:3], -rows]))
    assert torch.allclose(together[:3], projection(rows[:3]), atol=1e-6)
    sharp = projection.Projection(rows, projection.places, 1e-4)
    assert torch.allclose(sharp(rows), projection.places, atol=1e-3)
    blunt = projection.Projection(rows, projection.places, 1e6)
    middle = projection.places.mean(dim=0)
    assert torch.allclose(blunt(rows), middle.expand(30, 2), atol=1e-3)


def test_faithfulness_compares_the_map_with_the_space(view):
    clean, cloaked = view.faithfulness(cloaked=False), view.faithfulness(cloaked=True)
    assert clean.n == len(view.probes) and clean.value == 1
    per_user = len(view.look(1).probes)
    assert cloaked.n == 2 * 2 * per_user
    lost = view.faithfulness(cloaked=False, place=lambda rows: torch.zeros(len(rows), 2))
    assert lost.value < 0.5, "where all stand in one place, nothing can be read off"
    given = view.look(1, place=lambda rows: rows[:, :2])
    assert torch.equal(given.probes, view.probes[view.asked == 1][:, :2])
    assert given.misnamed == view.look(1).misnamed, "the map names nobody"


def test_what_cannot_be_shared_is_refused():
    photos = toy_photos()
    with pytest.raises(ValueError, match="none of them called 'no cloak'"):
        projection.share(photos, {}, users=1, each=1, seed=0)
    with pytest.raises(ValueError, match="between 1 and the 7 training photographs"):
        projection.share(photos, {"tool": Negative()}, users=1, each=8, seed=0)


def test_what_cannot_be_mapped_is_refused(view):
    rows = torch.eye(4)
    with pytest.raises(ValueError, match="below the 4 rows"):
        projection.fit(rows, seed=0)
    with pytest.raises(ValueError, match="temperature must be positive"):
        projection.fit(rows, seed=0, perplexity=2, temperature=0)
    with pytest.raises(ValueError, match="there are: Negative of 1"):
        view.look(2, "Negative")
    with pytest.raises(ValueError, match="nobody of label 99"):
        view.look(99)

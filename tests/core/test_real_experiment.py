"""The studies with real recognisers: who meets whom, and what a row says."""

from __future__ import annotations

import re

import pandas
import pytest
import torch

from poisonlib import generations, provenance
from poisonlib.photos import Photos
from studio.studies import Run, Study, lfw, precompute_cloaks, real, study
from tests.core.conftest import Negative, toy_extractor, toy_photos
from workbench import photos as read

USERS = 2
RUN = Run(users=USERS, seed=0)
STRONGEST = f"LowKey on {real.REAL}"


class Colourless(torch.nn.Module):
    """Sees brightness only, and no difference between a picture and its negative."""

    def forward(self, images):
        return images.mean(dim=1).square().flatten(1)


@pytest.fixture
def toy_world(monkeypatch):
    """Two sets of people, four tools, the extractor that they are crafted on and one they miss."""
    family = {real.REAL: toy_extractor(), "edgeface-2023": toy_extractor(Colourless())}
    on_real = {name: Negative(strength=0.98) for name in real.ON_REAL}
    ours = {"negative": Negative()}
    gallery, public = toy_photos(9, seed=1), toy_photos(40, seed=2)
    monkeypatch.setattr(real, "line_up", lambda run: family)
    monkeypatch.setattr(real, "tools_on_both", lambda public, cache=None: ours | on_real)
    monkeypatch.setattr(real, "tools_on_real", lambda public, cache=None: on_real)
    monkeypatch.setattr(real, "shipped_tools", lambda public, cache=None: ours)
    monkeypatch.setattr(real.people, "load", lambda split: toy_photos(9))
    monkeypatch.setattr(lfw, "gallery", lambda: gallery)
    monkeypatch.setattr(lfw, "public", lambda: public)
    monkeypatch.setattr(real, "RENDERED_USERS", 1)
    return {"people": toy_photos(9), "LFW": gallery}


@pytest.fixture
def table(toy_world) -> pandas.DataFrame:
    return pandas.DataFrame(real.both_worlds(RUN))


def test_every_tool_meets_every_extractor_on_real_faces(table):
    alone = table[table["recogniser"].isin(["1-NN", "linear"])]
    protected = alone[(alone["condition"] == "cloaked") & (alone["photographs"] == "LFW")]
    # Four tools, two extractors, two recognisers.
    assert len(protected) == 4 * 2 * 2 * USERS
    rendered = alone[(alone["condition"] == "cloaked") & (alone["photographs"] == "people")]
    assert set(rendered["attack"]) == {"negative", STRONGEST}
    few = rendered[rendered["attack"] == STRONGEST]
    assert few["user"].nunique() == 1, "this tool is for fewer users of the rendered set"


def test_a_row_says_who_was_fooled(table):
    bare = table[(table["condition"] == "control") & (table["recogniser"] == "1-NN")]
    assert bare["error"].max() == 0.0 and set(bare["whose"]) == {"user", "others"}
    cloaked = table[(table["condition"] == "cloaked") & (table["attack"] == "negative")]
    assert set(cloaked["whose"]) == {"user"}, "others are told of once"
    assert cloaked[cloaked["recogniser"] == "1-NN"]["error"].max() == 1.0


def test_the_table_is_one_that_the_figures_understand(table):
    one = table[table["recogniser"] == "1-NN"].assign(extractor=real.REAL)
    rows = generations.judged(one, by=["photographs"])
    assert set(real.by_photographs(table)["photographs"]) == {"people", "LFW"}
    assert set(rows["attack"]) == {"negative", *real.ON_REAL}


def test_two_models_are_fooled_only_together(table):
    cloaked = table[(table["condition"] == "cloaked") & (table["attack"] == STRONGEST)]
    errors = cloaked.groupby("recogniser")["error"].mean()
    pair = table[table["recogniser"].str.contains(" with ")]
    assert set(pair["recogniser"]) == {"Top-2 with edgeface-2023", "threshold with edgeface-2023"}
    alone = cloaked[(cloaked["recogniser"] == "linear")]["error"].mean()
    assert errors["Top-2 with edgeface-2023"] == 0.0 < alone
    assert errors["threshold with edgeface-2023"] <= alone
    assert pair["threshold"].between(0, 2).all() and pair["threshold"].nunique() == 1


def test_the_threshold_is_chosen_on_people_who_are_in_no_gallery(toy_world, monkeypatch):
    seen = []

    def remember(extractor, public, **settings):
        seen.append(public)
        return 0.5

    monkeypatch.setattr(real, "choose_threshold", remember)
    list(real.both_worlds(RUN))
    assert seen and all(photos is lfw.public() for photos in seen)


def test_fine_tuning_is_for_the_strongest_tool_on_the_real_extractor(toy_world, monkeypatch):
    toy = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 16))
    monkeypatch.setattr(real.others, "load", lambda name: toy_extractor(toy))
    table = pandas.DataFrame(real.real_end_to_end(RUN))
    assert set(table["recogniser"]) == {"end-to-end"} and set(table["photographs"]) == {"LFW"}
    assert set(table["attack"]) == {STRONGEST}


def test_cloaks_are_made_ahead_for_every_user_and_tool(monkeypatch):
    made = []
    monkeypatch.setattr(study, "_cloak_one", lambda *job: made.append(job) or "a cloak")
    sets = {"people": toy_photos(), "LFW": toy_photos()}
    attacks = {"one": Negative(), "other": Negative()}
    toy = Study(lambda run: (), lambda public, cache=None: attacks, lambda: sets)
    precompute_cloaks(toy, Run(users=3, seed=0), processes=1)
    assert len(made) == 2 * 2 * 3


def test_lfw_is_divided_by_person_and_its_people_have_no_names(monkeypatch):
    known = toy_photos(50, 4)
    named = Photos(known.images, known.labels, tuple(f"Name {n}" for n in range(50)))
    monkeypatch.setattr(read, "lfw", lambda: named)
    lfw._numbered.cache_clear()
    try:
        public, gallery = lfw.public(), lfw.gallery()
        again = lfw.public()
    finally:
        lfw._numbered.cache_clear()
    assert len(public.people) == lfw.PUBLIC and len(gallery.people) == 50 - lfw.PUBLIC
    assert not set(public.people) & set(gallery.people)
    assert public.people == again.people
    assert all(re.fullmatch(r"LFW \d\d", name) for name in gallery.names)


def test_without_lfw_the_study_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    lfw._numbered.cache_clear()
    with pytest.raises(FileNotFoundError, match=r"no LFW photographs.*lfw\(download=True\)"):
        real.photographs()


@pytest.mark.parametrize("name", ["real", "real-end-to-end"])
def test_no_name_of_a_real_person_is_in_a_record(name):
    users = provenance.load(name).table["user"].unique()
    assert all(re.fullmatch(r"p\d{5}|LFW \d\d", user) for user in users)

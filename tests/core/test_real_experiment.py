"""The studies with real recognisers: who meets whom, and what a row says."""

from __future__ import annotations

import re

import pandas
import pytest
import torch

from poisonlib import generations, people, provenance
from studio.studies import STUDIES, Run, Study, precompute_cloaks, real, study
from tests.core.conftest import Negative, toy_extractor, toy_photos
from workbench.extractors import pretrained

USERS = 2
RUN = Run(users=USERS, seed=0)


class Colourless(torch.nn.Module):
    """Sees brightness only, and no difference between a picture and its negative."""

    def forward(self, images):
        return images.mean(dim=1).square().flatten(1)


@pytest.fixture
def toy_world(monkeypatch):
    """Two sets of people, two tools, the extractor that cloaks are made on and one they miss."""
    line_up = {real.REAL: toy_extractor(), "edgeface-2023": toy_extractor(Colourless())}
    attacks = {"negative": Negative(), real.ON_REAL: Negative(strength=0.98)}
    sets = {"people": toy_photos(9), "LFW": toy_photos(9, seed=1)}
    monkeypatch.setattr(pretrained, "available", lambda: tuple(line_up))
    monkeypatch.setattr(pretrained, "is_available", lambda name: name in line_up)
    monkeypatch.setattr(real, "line_up", lambda: list(line_up))
    monkeypatch.setattr(real, "load", lambda name: line_up[name])
    monkeypatch.setattr(real, "tools_with_a_real_one", lambda public, cache=None: attacks)
    monkeypatch.setattr(
        real, "lowkey_on_real", lambda public, cache=None: {real.ON_REAL: attacks[real.ON_REAL]}
    )
    monkeypatch.setattr(real, "photographs", lambda: sets)
    monkeypatch.setattr(real, "real_photographs", lambda: {"LFW": sets["LFW"]})
    monkeypatch.setattr(real, "AT_MOST", {("people", real.ON_REAL): 1})
    return sets


@pytest.fixture
def table(toy_world) -> pandas.DataFrame:
    return pandas.DataFrame(real.both_worlds(RUN))


def test_every_tool_meets_every_extractor_on_every_set(table):
    alone = table[table["recogniser"].isin(["1-NN", "linear"])]
    protected = alone[(alone["condition"] == "cloaked") & (alone["photographs"] == "LFW")]
    # Two extractors by 1-NN, and the real one that a cloak is made on by a linear classifier.
    assert len(protected) == 2 * 3 * USERS
    few = table[(table["photographs"] == "people") & (table["attack"] == real.ON_REAL)]
    assert few["user"].nunique() == 1, "this tool is for fewer users of the rendered set"


def test_a_row_says_who_was_fooled(table):
    bare = table[(table["condition"] == "control") & (table["recogniser"] == "1-NN")]
    assert bare["error"].max() == 0.0 and set(bare["whose"]) == {"user", "others"}
    worn = table[(table["condition"] == "cloaked") & (table["attack"] == "negative")]
    assert set(worn["whose"]) == {"user"}, "others are told of once"
    assert worn[worn["recogniser"] == "1-NN"]["error"].max() == 1.0


def test_the_table_is_one_that_the_figures_understand(table):
    one = table[table["recogniser"] == "1-NN"].assign(extractor=real.REAL)
    rows = generations.judged(one, by=["photographs"])
    assert set(real.by_photographs(table)["photographs"]) == {"people", "LFW"}
    assert set(rows["attack"]) == {"negative", real.ON_REAL}


def test_two_models_are_fooled_only_together(table):
    worn = table[(table["condition"] == "cloaked") & (table["attack"] == real.ON_REAL)]
    errors = worn.groupby("recogniser")["error"].mean()
    pair = table[table["recogniser"].str.contains(" with ")]
    assert set(pair["recogniser"]) == {"Top-2 with edgeface-2023", "threshold with edgeface-2023"}
    alone = worn[(worn["recogniser"] == "linear")]["error"].mean()
    assert errors["Top-2 with edgeface-2023"] == 0.0 < alone
    assert errors["threshold with edgeface-2023"] <= alone
    assert pair["threshold"].between(0, 2).all()
    assert pair.groupby("photographs")["threshold"].nunique().max() == 1


def test_the_threshold_is_chosen_on_people_who_are_no_users(toy_world, monkeypatch):
    seen = []

    def remember(extractor, public, **settings):
        seen.append(set(public.people))
        return 0.5

    monkeypatch.setattr(real, "choose_threshold", remember)
    table = pandas.DataFrame(real.both_worlds(RUN))
    for (source, found), public in zip(toy_world.items(), seen, strict=True):
        pair = table[table["recogniser"].str.contains(" with ")]
        mine = pair[pair["photographs"] == source]["user"]
        users = {found.names.index(name) for name in mine}
        assert users and not users & public


def test_fine_tuning_has_a_gallery_of_its_own_size(toy_world, monkeypatch):
    monkeypatch.setattr(real, "FINE_TUNED", 4)
    toy = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 16))
    monkeypatch.setattr(real, "load", lambda name: toy_extractor(toy))
    table = pandas.DataFrame(real.real_end_to_end(RUN))
    assert set(table["recogniser"]) == {"1-NN", "end-to-end"}
    assert set(table["photographs"]) == {"LFW"}
    bare = table[table["condition"] == "control"]
    sides = bare[bare["recogniser"] == "1-NN"].groupby("user")["n"].sum()
    assert set(sides) == {4 * 3}, "three of ten photographs of four people are asked about"
    again = pandas.DataFrame(real.both_worlds(RUN))
    same = again[(again["recogniser"] == "1-NN") & (again["attack"] == real.ON_REAL)]
    assert set(table["user"]) == set(same["user"]), "other users, so other cloaks"


def test_nobody_to_ask_is_said(monkeypatch):
    monkeypatch.setattr(pretrained, "available", lambda: ())
    with pytest.raises(FileNotFoundError, match="no real extractor is not on.*assets list"):
        list(real.both_worlds(RUN))
    monkeypatch.setattr(pretrained, "is_available", lambda name: False)
    assert real.lowkey_on_real(people.load("public")) == {}
    with pytest.raises(FileNotFoundError, match="mobilefacenet-2019 is not on this machine"):
        list(real.real_end_to_end(RUN))


def test_cloaks_are_made_ahead_for_as_many_users_as_the_tool_has(monkeypatch):
    made = []
    monkeypatch.setattr(study, "_cloak_one", lambda *job: made.append(job) or "a cloak")
    sets = {"people": toy_photos(), "LFW": toy_photos()}
    limits = {("people", "dear"): 1}
    attacks = {"cheap": Negative(), "dear": Negative()}
    toy = Study(lambda run: (), lambda public, cache=None: attacks, lambda: sets, limits)
    precompute_cloaks(toy, Run(users=3, seed=0), processes=1)
    assert len(made) == 3 + 1 + 3 + 3
    assert STUDIES["real"].at_most == real.AT_MOST


def test_lfw_is_left_out_where_it_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert list(real.photographs()) == ["people"]
    with pytest.raises(FileNotFoundError, match="no LFW photographs"):
        real.real_photographs()
    monkeypatch.setattr(real, "lfw", lambda: toy_photos())
    found = real.photographs()
    assert list(found) == ["people", "LFW"]
    assert len(found["people"]) == len(people.load("users"))
    assert found["LFW"].names[:2] == ("LFW 00", "LFW 01"), "names of people are kept out"


@pytest.mark.parametrize("name", ["real", "real-end-to-end"])
def test_no_name_of_a_real_person_is_in_a_record(name):
    users = provenance.load(name).table["user"].unique()
    assert all(re.fullmatch(r"p\d{5}|LFW \d\d", user) for user in users)

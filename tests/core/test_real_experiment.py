"""The experiment with real recognisers: who meets whom, and what a row says."""

from __future__ import annotations

import pandas
import pytest

from poisonlib import people, photos
from poisonlib.experiments import real
from poisonlib.extractors import pretrained
from tests.core.conftest import Negative, toy_extractor, toy_photos


@pytest.fixture
def toy_line_up(monkeypatch):
    monkeypatch.setattr(pretrained, "available", lambda: ("toy",))
    monkeypatch.setattr(pretrained, "load", lambda name: toy_extractor())
    tools = {"negative": Negative(), "half": Negative(strength=0.5)}
    monkeypatch.setattr(real, "paper_tools", lambda public, cache=None: tools)


def test_every_tool_meets_every_extractor_on_every_set(toy_line_up, monkeypatch):
    sets = {"people": toy_photos(), "LFW": toy_photos(seed=1)}
    monkeypatch.setattr(real, "photographs", lambda: sets)
    table = pandas.DataFrame(real.timeline_real(users=2, seed=0))
    keys = ["photographs", "attack", "condition", "whose"]
    assert len(table) == 2 * 2 * 2 * 2 * 2 and len(table.groupby(keys)) == 16
    assert set(table["photographs"]) == {"people", "LFW"}
    clean = table[(table["condition"] == "control") & (table["whose"] == "user")]
    assert clean["error"].max() == 0.0
    protected = table[(table["condition"] == "cloaked") & (table["whose"] == "user")]
    assert protected[protected["attack"] == "negative"]["error"].min() == 1.0


def test_nobody_to_ask_is_said(monkeypatch):
    monkeypatch.setattr(pretrained, "available", lambda: ())
    with pytest.raises(FileNotFoundError, match="no real extractor is on this.*assets list"):
        list(real.timeline_real(users=2, seed=0))


def test_lfw_is_left_out_where_it_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert list(real.photographs()) == ["people"]
    monkeypatch.setattr(photos, "lfw", lambda: toy_photos())
    assert list(real.photographs()) == ["people", "LFW"]
    assert len(real.photographs()["people"]) == len(people.load("users"))

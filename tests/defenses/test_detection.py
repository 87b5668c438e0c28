"""The experiment on detection takes a short cut for speed, and must count what a trial counts."""

import pandas
import pytest

from poisonlib.attacks import Mixture
from poisonlib.defenses import Detector, Filtered
from poisonlib.paper import DETECTOR_PRECISION
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import Trial
from studio.commands.detector import PEOPLE
from studio.studies import EXPERIMENTS, detection
from studio.studies.detection import (
    LEAKS,
    TREATMENTS,
    detection_across,
    file_name,
    gallery,
    summary,
)
from tests.defenses.test_detector import CARD, PHOTOS, Board, Chequered, extractor

JUDGE = Detector(Board(), CARD)


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    tools = {"checks": Chequered()}
    rows = gallery(PHOTOS, tools, JUDGE, extractor(), chosen=[2, 4], seed=0)
    return pandas.DataFrame(list(rows))


@pytest.mark.parametrize("leaks", LEAKS)
@pytest.mark.parametrize("filtered", [False, True])
def test_galleries_are_counted_as_a_trial_counts_them(table, leaks, filtered):
    share = 1 - leaks / 5
    recogniser = Filtered(JUDGE) if filtered else NearestNeighbour
    trial = Trial(Mixture(None, Chequered(), share=share), extractor(), recogniser)
    expected = trial.run(PHOTOS, users=[2, 4], seed=0).table
    expected = expected.query("whose == 'user' and condition == 'cloaked'")
    mine = table[(table["attack"] == "checks") & (table["filtered"] == filtered)]
    mine = mine[mine["leaks"] == leaks]
    assert mine["user"].tolist() == expected["user"].tolist()
    assert mine["errors"].tolist() == expected["errors"].tolist()
    assert mine["n"].tolist() == expected["n"].tolist()


def test_a_fully_flagged_user_is_lost_and_an_unprotected_one_is_not(table):
    by = table.groupby(["attack", "leaks", "filtered"])["errors"].sum()
    assert by["checks", 0, True] == table["n"].iloc[0] * 2
    assert by["clean", 5, True] == by["clean", 5, False] == 0


def test_the_summary_has_a_line_for_each_count_and_gallery(table):
    count = {"part": "counts", "detector": "all tools", "attack": "clean", "treatment": "as is"}
    count |= {"flagged": 1, "n": 10}
    both = pandas.concat([pandas.DataFrame([count]), table])
    lines = summary(both)
    assert len(lines) == 1 + 2 + 2 * len(LEAKS)
    assert lines["rate"].iloc[0].startswith("10.0%")
    assert len(summary(pandas.DataFrame([count]))) == 1


def test_the_experiments_are_recorded_with_their_own_summary():
    for name in ("detection", "detection-across"):
        assert EXPERIMENTS[name].summary is summary
    assert EXPERIMENTS["detection"].rows is detection
    assert None in TREATMENTS.values(), "photographs as published stand beside the others"
    assert PEOPLE == 25 and "25 people" in DETECTOR_PRECISION.statement


def test_detectors_that_miss_a_tool_must_be_trained_first(tmp_path):
    assert file_name("Fawkes v0.3") == "detector-without-fawkes-v0.3"
    with pytest.raises(ValueError, match="detector --without"):
        next(detection_across(users=1, seed=0))
    with pytest.raises(FileNotFoundError, match="poisonlib detector"):
        next(detection_across(users=1, seed=0, weights=tmp_path))

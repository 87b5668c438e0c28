"""The study of detection: galleries with leaks, filtered and not, and what its summary says."""

import pandas
import pytest

from poisonlib.defenses import Detector, Filtered
from poisonlib.paper import DETECTOR_PRECISION
from poisonlib.trial import grid
from studio.commands.detector import PEOPLE
from studio.studies import STUDIES, Run
from studio.studies.detection import (
    LEAKED_PHOTOGRAPHS,
    TREATMENTS,
    detection,
    detection_across,
    file_name,
    galleries,
    of_galleries,
    summary,
)
from tests.defenses.test_detector import CARD, PHOTOS, Board, Chequered, extractor

JUDGE = Detector(Board(), CARD)


COUNT = 5  # training photographs of each user


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    cases = galleries({"checks": Chequered()}, JUDGE, extractor(), count=COUNT)
    return of_galleries(grid(cases, PHOTOS, users=[2, 4], seed=0))


def test_as_many_photographs_are_clean_as_leak():
    for case in galleries({"checks": Chequered()}, JUDGE, extractor(), count=COUNT):
        cloak = case.attack(PHOTOS.images[:COUNT], seed=0)
        assert int((cloak.linf == 0).sum()) == case.columns["leaks"]
        assert isinstance(case.recogniser, Filtered) == case.columns["filtered"]


def test_a_fully_flagged_user_is_lost_and_an_unprotected_one_is_not(table):
    by = table.groupby(["attack", "leaks", "filtered"])["errors"].sum()
    assert by["checks", 0, True] == table["n"].iloc[0] * 2
    assert by["clean", 5, True] == by["clean", 5, False] == 0


def test_the_summary_has_a_line_for_each_count_and_gallery(table):
    count = {"part": "counts", "detector": "all tools", "attack": "clean", "treatment": "as is"}
    count |= {"flagged": 1, "n": 10}
    both = pandas.concat([pandas.DataFrame([count]), table])
    lines = summary(both)
    assert len(lines) == 1 + 2 + 2 * len(LEAKED_PHOTOGRAPHS)
    assert lines["rate"].iloc[0].startswith("10.0%")
    assert len(summary(pandas.DataFrame([count]))) == 1


def test_the_studies_are_recorded_with_their_own_summary():
    for name in ("detection", "detection-across"):
        assert STUDIES[name].summary is summary
    assert STUDIES["detection"].rows is detection
    assert None in TREATMENTS.values(), "photographs as published stand beside the others"
    assert PEOPLE == 25 and "25 people" in DETECTOR_PRECISION.statement


def test_detectors_that_miss_a_tool_must_be_trained_first(tmp_path):
    assert file_name("Fawkes v0.3") == "detector-without-fawkes-v0.3"
    with pytest.raises(ValueError, match="detector --without"):
        next(detection_across(Run(users=1, seed=0)))
    with pytest.raises(FileNotFoundError, match="poisonlib detector"):
        next(detection_across(Run(users=1, seed=0, weights=tmp_path)))

"""Purification figures show the rows they are given: before, after, and the cost."""

from __future__ import annotations

import pandas
import pytest
import torch

from poisonlib.figures import purification
from tests import toys


@pytest.fixture
def table() -> pandas.DataFrame:
    rows = []
    for extractor in ("softmax-2014", "magface-2021"):
        for purifier, cloaked, clean in (("none", 0.9, 0.02), ("blur", 0.3, 0.06)):
            for attack in ("Fawkes v0.3", "LowKey"):
                for condition, whose, error in (
                    ("control", "everybody", clean),
                    ("control", "user", clean),
                    ("cloaked", "user", cloaked),
                    ("cloaked", "others", clean),
                ):
                    rows.append(
                        {"attack": attack, "extractor": extractor, "purifier": purifier}
                        | {"condition": condition, "whose": whose, "error": error}
                        | {"low": error - 0.02, "high": error + 0.02, "n": 140, "users": 20}
                    )
    return pandas.DataFrame(rows)


def test_a_mark_for_each_tool_and_one_for_the_cost(table: pandas.DataFrame) -> None:
    figure = purification.error_by_purifier(table)
    assert [frame.name for frame in figure.frames] == ["softmax-2014", "magface-2021"]
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"no cloak, everybody", "v0.3", "LowKey"}
    assert list(by_name["LowKey"].x) == ["none", "blur"]
    assert list(by_name["LowKey"].y) == [0.9, 0.3]
    assert list(by_name["no cloak, everybody"].y) == [0.02, 0.06]
    assert list(by_name["LowKey"].error_y.array) == pytest.approx([0.02, 0.02])


def test_gains_stand_beside_their_cost(table: pandas.DataFrame) -> None:
    gains = purification.gains(table)
    assert len(gains) == 4, "two tools before two extractors; nothing is no purifier"
    assert (gains["before"] == 0.9).all() and (gains["error"] == 0.3).all()
    assert (gains["clean_before"] == 0.02).all() and (gains["clean"] == 0.06).all()
    assert gains["helps"].all()


def test_faces_change_with_the_slider_where_they_are_washed() -> None:
    clean = toys.faces(2, size=16)
    cloaked = (clean + 0.1).clamp(0, 1)
    figure = purification.before_and_after(
        clean, cloaked, {"nothing": lambda images: images, "all": lambda images: clean}
    )
    assert len(figure.data) == 8
    assert [frame.traces for frame in figure.frames] == [(2, 3, 6, 7)] * 2
    nothing, everything = figure.frames
    assert nothing.data[0].source == figure.data[1].source, "cloaked still"
    assert everything.data[0].source == figure.data[0].source, "clean again"
    grey = purification.before_and_after(
        torch.full((1, 3, 8, 8), 0.25), torch.full((1, 3, 8, 8), 0.25),
        {"a": lambda images: images, "b": lambda images: images},
    )  # fmt: skip
    assert grey.frames[0].data[0].source != grey.frames[0].data[1].source

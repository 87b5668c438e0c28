"""The figures on two models draw what the rules make of the recorded answers."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from poisonlib.defenses import outcomes
from poisonlib.figures import frontier, reviewing
from poisonlib.statistics import wilson

PAIR, TOOL, LIMIT = "old + new", "LowKey", 0.5


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    """Two people, each with two photographs. Only b wears a tool; both models err once on a."""
    both = {"pair": PAIR, "part": "queries"}
    rows = [
        both | {"tool": outcomes.UNPROTECTED, "person": "a", "wearer": False}
        | {"accurate_right": [1, 0], "accurate_distance": [0.2, 0.7]}
        | {"robust_right": [0, 1], "robust_distance": [0.3, 0.4], "same": [0, 0]},
        both | {"tool": outcomes.UNPROTECTED, "person": "b", "wearer": True}
        | {"accurate_right": [1, 1], "accurate_distance": [0.3, 0.6]}
        | {"robust_right": [1, 1], "robust_distance": [0.3, 0.4], "same": [1, 1]},
        both | {"tool": TOOL, "person": "b", "wearer": True}
        | {"accurate_right": [0, 0], "accurate_distance": [0.8, 0.4]}
        | {"robust_right": [1, 0], "robust_distance": [0.5, 0.9], "same": [0, 1]},
    ]  # fmt: skip
    for part in ("absent", "strangers"):
        far = {"accurate_distance": [0.9, 0.45], "robust_distance": [0.8, 0.7]}
        rows.append({"pair": PAIR, "part": part, "person": "c"} | far)
    limits = {"threshold": LIMIT, "low": 0.45, "high": 0.6, "reject": 0.6}
    for share in (outcomes.SHARE, 0.1):
        rows.append({"pair": PAIR, "part": "thresholds", "share": share} | limits)
    return pandas.DataFrame(rows)


def test_the_frontier_runs_from_one_model_to_the_other(table):
    clean, cloaked = outcomes.answers(table, PAIR), outcomes.answers(table, PAIR, TOOL)
    x, y = frontier.curve(clean, cloaked, [0.0, LIMIT, 2.0])
    assert x.tolist() == [0.25, 0.0, 0.25]
    assert y.tolist() == [0.5, 0.5, 1.0]
    figure = frontier.frontier(table, PAIR, steps=[0.0, LIMIT, 2.0])
    drawn = {trace.name: trace for trace in figure.data}
    assert drawn[TOOL].x[0] == 0.25 and drawn[TOOL].y[0] == 0.5, "begins at the robust model"
    assert drawn[TOOL].x[-1] == 0.25 and drawn[TOOL].y[-1] == 1.0, "ends at the accurate one"
    assert (drawn["old"].x[0], drawn["old"].y[0]) == (0.25, 1.0)
    assert (drawn["new"].x[0], drawn["new"].y[0]) == (0.25, 0.5)
    assert (drawn["Top-2"].x[0], drawn["Top-2"].y[0]) == (0.0, 0.5)
    chosen = drawn["chosen"]
    assert (chosen.x[0], chosen.y[0]) == (0.0, 0.5)
    rate = wilson(1, 2)
    assert chosen.error_y.array[0] == pytest.approx(rate.high - 0.5)
    assert chosen.error_y.arrayminus[0] == pytest.approx(0.5 - rate.low)
    assert chosen.error_x.array[0] == pytest.approx(wilson(0, 4).high)
    rings = [(frame.data[-1].x[0], frame.data[-1].y[0]) for frame in figure.frames]
    assert rings == [(0.25, 0.5), (0.0, 0.5), (0.25, 1.0)], "the slider moves the ring"


def test_the_line_says_how_much_lies_left_of_it(table):
    alone = frontier.nearest_distances(table, PAIR, tools=[TOOL], steps=[0.25], bins=4)
    figure = frontier.nearest_distances(table, PAIR, tools=[TOOL], steps=[0.25, 0.5], bins=4)
    assert alone.data == figure.data and not alone.layout.sliders and not alone.frames
    names = [[trace.name for trace in frame.data] for frame in figure.frames]
    assert names[0][:3] == ["clean: 25% answered", "LowKey: 0% answered", "strangers: 0% answered"]
    assert names[1][:3] == [
        "clean: 50% answered",
        "LowKey: 50% answered",
        "strangers: 50% answered",
    ]
    assert [frame.data[-1].x[0] for frame in figure.frames] == [0.25, 0.5]
    assert all(sum(trace.y) == pytest.approx(1) for trace in figure.data[:3])


def test_minutes_follow_from_comparisons_and_an_assumption(table):
    assert reviewing.minutes(1.5, 20) == 500
    rules = {"Top-2": {"clean": 1.5, "cloaked": 2.0}, "Top-2, streamlined": {"clean": 1.0}}
    rules["Top-2, streamlined"]["cloaked"] = 1.5
    figure = reviewing.human_minutes(rules, seconds=[6, 60])
    assert [list(frame.data[0].y) for frame in figure.frames] == [[150, 200], [1500, 2000]]
    assert figure.layout.yaxis.range[1] > 2000, "the longest bar fits at every step"


def test_a_person_who_never_errs_is_the_streamlined_form(table):
    settings = {"accepts": [0.0, 0.5], "refuses": [0.0, 0.5]}
    figure = reviewing.erring_person(table, PAIR, TOOL, **settings)
    first = {trace.name: trace for trace in figure.frames[0].data}
    assert first["clean: not found"].y[0] == 0.0
    assert first["LowKey: not found"].y[0] == 0.5
    assert first["clean: innocent named"].y == (0.0, 0.0)
    assert first["clean, no person"].y[0] == 0.25
    second = {trace.name: trace for trace in figure.frames[1].data}
    # a's two photographs: right first, then wrong first and right second.
    assert second["clean: not found"].y[0] == pytest.approx(0.5 / 4)
    assert second["clean: innocent named"].y[0] == pytest.approx(0.5 / 4)


def test_the_open_set_curve_names_strangers_as_the_limit_grows(table):
    figure = reviewing.open_set(table, PAIR, shares=[outcomes.SHARE, 0.1])
    clean, mark, cloaked, _ = figure.frames[0].data
    least = 0.5 / 2
    # One of two strangers lies within the accurate model's threshold whatever the robust one says.
    assert clean.x[0] == 0.5 and clean.x[-1] == 1.0 and min(clean.x) > least
    assert clean.y[0] == 0.5 and clean.y[-1] == 0.0
    assert (mark.x[0], mark.y[0]) == (0.5, 0.0)
    assert cloaked.name == TOOL and cloaked.y[-1] == 0.5
    assert np.all(np.diff(clean.x) >= 0) and np.all(np.diff(clean.y) <= 0)
    assert [frame.name for frame in figure.frames] == ["2 %", "10 %"]

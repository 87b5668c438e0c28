"""Rendered people against real photographs: the marks, and how far the correlation is trusted."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas
import plotly.graph_objects as go
import pytest
from scipy.stats import spearmanr

from studio.figures import prediction
from studio.studies.ranks import rank_correlation, spearman

N = 10
USERS = tuple(range(6))
EXTRACTORS = ("dlib-2017", "softmax-2014", "adapted-softmax-2014", "arcface-2019")
TOOLS = ("Fawkes v1.0", "LowKey")
CLEAN = {"dlib-2017": 0, "softmax-2014": 7, "adapted-softmax-2014": 1, "arcface-2019": 2}


def rows(photographs, tool, extractor, errors, *, clean, users=USERS):
    shared = {"photographs": photographs, "attack": tool, "extractor": extractor}
    for user in users:
        for condition, whose, k, n in (
            ("control", "user", clean, N),
            ("control", "others", clean * 10, N * 10),
            ("cloaked", "user", errors[user % len(errors)], N),
        ):
            row = {"recogniser": "1-NN", "condition": condition, "user": user, "whose": whose}
            yield shared | row | {"errors": k, "n": n, "error": k / n}


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    made = []
    for place, (tool, extractor) in enumerate(product(TOOLS, EXTRACTORS)):
        made += rows("people", tool, extractor, [place], clean=0)
        clean = CLEAN[extractor]
        made += rows("LFW", tool, extractor, [clean + place // 3, clean], clean=clean)
    made += rows("people", "only rendered", "dlib-2017", [3], clean=0)
    return pandas.DataFrame(made)


def test_a_pair_is_a_tool_and_an_extractor_on_both_sets(table):
    found = prediction.pairs(table)
    assert len(found) == len(TOOLS) * len(EXTRACTORS)
    kinds = found.drop_duplicates("extractor").set_index("extractor")["kind"].to_dict()
    assert kinds == {
        "dlib-2017": prediction.REAL,
        "softmax-2014": prediction.OURS,
        "arcface-2019": prediction.OURS,
        "adapted-softmax-2014": prediction.ADAPTED,
    }
    row = found[(found["attack"] == "LowKey") & (found["extractor"] == "arcface-2019")].iloc[0]
    assert (row["error_people"], row["clean_people"]) == (0.7, 0.0)
    assert (row["error_real"], row["clean_real"]) == (0.3, 0.2)


def test_who_fails_without_a_cloak_does_not_know_real_faces(table):
    knows = prediction.knows_real_faces(table)
    assert [name for name, known in knows.items() if not known] == ["softmax-2014"]


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("over", ["users", "extractors"])
def test_the_correlation_is_scipys_and_lies_in_its_interval(table, over, added):
    found = rank_correlation(table, seed=0, over=over, added=added, draws=200)
    both = prediction.pairs(table)
    off = added * both["clean_real"]
    expected = spearmanr(both["error_people"], (both["error_real"] - off).round(6)).statistic
    assert found.value == pytest.approx(expected) and found.pairs == len(both)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.over == over


def test_equal_users_leave_nothing_to_draw():
    alike = pandas.DataFrame(
        [
            row
            for source, (place, extractor) in product(("people", "LFW"), enumerate(EXTRACTORS))
            for row in rows(source, "LowKey", extractor, [place], clean=0)
        ]
    )
    found = rank_correlation(alike, seed=0, draws=50)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="three pairs or more, got 2"):
        rank_correlation(alike[alike["extractor"].isin(EXTRACTORS[:2])], seed=0)


def test_a_tool_of_few_users_is_left_out_of_draws_without_them(table):
    few = table[(table["attack"] != "LowKey") | (table["user"] < 1)]
    found = rank_correlation(few, seed=0, draws=200)
    assert found.pairs == len(TOOLS) * len(EXTRACTORS) and not math.isnan(found.low)


def test_the_same_seed_draws_the_same(table):
    assert rank_correlation(table, seed=1, draws=50) == rank_correlation(table, seed=1, draws=50)
    assert rank_correlation(table, seed=1, draws=50) != rank_correlation(table, seed=2, draws=50)


def test_ranks_of_what_does_not_vary_say_nothing():
    assert math.isnan(spearman(np.zeros(4), np.arange(4.0)))
    assert spearman(np.array([1, 2, np.nan]), np.array([1.0, 5, 0])) == pytest.approx(1.0)


def test_every_pair_is_a_mark_that_says_its_numbers(table):
    fig = prediction.predicted(table)
    assert isinstance(fig, go.Figure) and [frame.name for frame in fig.frames] == [
        step.label for step in fig.layout.sliders[0].steps
    ]
    marks = [len(frame.data) for frame in fig.frames]
    assert marks == [len(prediction.KINDS) + 1] * 3
    sizes = [sum(len(trace.x) for trace in frame.data[:-1]) for frame in fig.frames]
    assert sizes == [8, 6, 6]
    real = next(trace for trace in fig.frames[0].data if trace.name == "trained on real faces")
    assert "<b>LowKey</b> against <b>dlib-2017</b>" in real.text[1]
    assert "60 photographs, 6 users" in real.text[1]
    less = next(trace for trace in fig.frames[2].data if trace.name == "ours")
    assert list(less.y) == pytest.approx([0.05, 0.1])
    assert "8 pairs, rank correlation" in fig.frames[0].data[-1].text[0]

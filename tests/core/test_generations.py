"""Trials over generations of extractors: order, pooling, and verdicts beside the paper's."""

from __future__ import annotations

import pandas
import pytest

from poisonlib import generations, paper
from poisonlib.figures import theme
from poisonlib.statistics import wilson

USERS = ("ada", "bo", "cleo")
N = 7
EXTRACTORS = ("vit-2025", "softmax-2014", "magface-2021", "clip-2021", "triplet-2015")


def trial(attack, extractor, cloaked, *, clean=(0, 0, 1), others=5, **columns) -> list[dict]:
    """Rows of a trial: errors of each user, cloaked and not, and of everybody else."""
    same = {"attack": attack, "extractor": extractor, "recogniser": "NearestNeighbour"}
    rows = []
    for condition, counts in (("control", clean), ("cloaked", cloaked)):
        for user, errors in zip(USERS, counts, strict=True):
            for whose, k, n in (("user", errors, N), ("others", others, 100)):
                row = {"condition": condition, "user": user, "whose": whose}
                rows.append(same | row | {"errors": k, "n": n, "error": k / n} | columns)
    return rows


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    rows = []
    for extractor in EXTRACTORS:
        old = extractor in ("softmax-2014", "triplet-2015")
        rows += trial("Fawkes v0.3", extractor, (7, 7, 6) if old else (0, 1, 0))
        rows += trial("LowKey", extractor, (7, 0, 3) if extractor == "vit-2025" else (7, 7, 7))
    return pandas.DataFrame(rows)


@pytest.fixture(scope="module")
def mixes() -> pandas.DataFrame:
    rows = []
    for extractor, counts in (("arcface-2019", (0, 4, 7)), ("clip-2021", (0, 0, 1))):
        for share, errors in zip((0.0, 0.5, 1.0), counts, strict=True):
            for old in ("Fawkes v0.3", "nothing"):
                columns = {"share": share, "old": old, "new": "Fawkes v1.0"}
                rows += trial(f"{old} to v1.0", extractor, (errors,) * 3, **columns)
    return pandas.DataFrame(rows)


# Order and pooling


def test_extractors_come_in_order_of_release_and_then_by_name() -> None:
    expected = ["softmax-2014", "triplet-2015", "clip-2021", "magface-2021", "vit-2025"]
    assert generations.by_release(EXTRACTORS * 2) == expected
    assert generations.family("robust-clip-2021") == "robust-clip"
    with pytest.raises(ValueError, match="year"):
        generations.year("mine")


def test_pooling_keeps_experiments_apart(mixes) -> None:
    pooled = generations.pooled(mixes[mixes["whose"] == "user"], by=["old", "share"])
    cloaked = pooled[(pooled["condition"] == "cloaked") & (pooled["extractor"] == "arcface-2019")]
    assert len(cloaked) == 6
    assert set(cloaked[cloaked["share"] == 0.5]["error"]) == {4 / 7}
    assert set(cloaked["n"]) == {21} and set(cloaked["users"]) == {3}


def test_everybody_is_counted_once_when_nobody_cloaks(table) -> None:
    rates = generations.unprotected(table)
    assert list(rates) == generations.by_release(EXTRACTORS)
    assert rates["clip-2021"] == wilson(0 + 5, 7 + 100)


# Verdicts


def test_the_line_lies_between_the_papers_failure_and_its_success() -> None:
    assert paper.UNPROTECTED.high < paper.FOOLED_ABOVE < paper.PROTECTED.low


@pytest.mark.parametrize(
    ("low", "high", "unprotected", "expected"),
    [
        (0.9, 1.0, 0.03, "fooled"),
        (0.0, 0.1, 0.03, "not fooled"),
        (0.2, 0.5, 0.03, "undecided"),
        (0.4, 0.5, 0.6, "undecided"),  # no worse than without a cloak
        (0.5, 0.7, 0.6, "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval(low, high, unprotected, expected) -> None:
    assert paper.verdict(low=low, high=high, unprotected=unprotected) == expected


def test_a_verdict_refuses_bounds_out_of_order() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        paper.verdict(low=0.5, high=0.4, unprotected=0.1)


def test_the_paper_says_one_thing_about_a_pair() -> None:
    pairs = [(said.attack, said.extractor) for said in paper.TRANSFERS]
    assert len(set(pairs)) == len(pairs)
    assert {attack for attack, _ in pairs} == set(paper.RELEASED) == set(theme.TOOLS)
    assert paper.transfer("LowKey", "magface-2021").fooled
    assert not paper.transfer("Fawkes v1.0", "magface-2021").fooled
    assert paper.transfer("LowKey", "vit-2025") is None


def test_agreement_is_our_verdict_beside_the_papers(table) -> None:
    rows = generations.judged(table).set_index(["attack", "extractor"])
    assert list(dict.fromkeys(rows.index.get_level_values(1))) == generations.by_release(EXTRACTORS)
    agreement = rows["agreement"]
    assert set(agreement) <= set(generations.AGREEMENTS)
    assert agreement["Fawkes v0.3", "softmax-2014"] == "as in the paper"
    assert agreement["Fawkes v0.3", "triplet-2015"] == "not as in the paper"
    assert agreement["LowKey", "vit-2025"] == "the paper is silent"
    row = rows.loc[("Fawkes v0.3", "softmax-2014")]
    rate = wilson(20, 21)
    assert (row["error"], row["low"], row["high"]) == (rate.value, rate.low, rate.high)
    assert row["clean"] == 1 / 21

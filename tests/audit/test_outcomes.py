"""The figure of all possible outcomes of a test follows the rule of the audit."""

from __future__ import annotations

import itertools

import pytest

from poisonlib.statistics import paired, wilson
from workbench.audit import CANNOT_TELL, VERDICTS, verdict
from workbench.audit.figures import outcomes, verdicts_by_photographs


@pytest.mark.parametrize("n, without", [(1, 0), (4, 1), (24, 0), (24, 24), (90, 30)])
def test_every_outcome_has_the_verdict_of_the_rule(n: int, without: int) -> None:
    table = outcomes(n, without=without)
    assert table["errors"].tolist() == list(range(without, n + 1))
    for row in table.itertuples():
        assert row.low <= row.error <= row.high
        change, bare = paired(row.errors - without, 0, n), wilson(without, n)
        assert row.verdict == verdict(wilson(row.errors, n), change, without=bare)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 24, 100])
@pytest.mark.parametrize("share", [0, 0.2, 0.6])
def test_a_verdicts_errors_are_consecutive(n: int, share: float) -> None:
    """The legend names the first and the last of them."""
    verdicts = outcomes(n, without=round(share * n))["verdict"]
    runs = [verdict for verdict, _ in itertools.groupby(verdicts)]
    assert len(set(runs)) == len(runs)


def test_the_legend_counts_what_is_drawn() -> None:
    fig = verdicts_by_photographs([4, 24])
    assert [frame.name for frame in fig.frames] == ["4", "24"]
    for frame, n in zip(fig.frames, (4, 24), strict=True):
        assert [trace.name.split(":")[0] for trace in frame.data] == [*VERDICTS, CANNOT_TELL]
        assert sum(len(trace.x) for trace in frame.data) == n + 1
        for trace in frame.data:
            (name, numbers) = trace.name.split(": ")
            if len(trace.x) == 0:
                assert numbers == "never"
            else:
                first, last = round(min(trace.x) * n), round(max(trace.x) * n)
                between = str(first) if first == last else f"{first} to {last}"
                assert numbers == f"{between} of {n}", name


def test_who_recognises_too_few_without_the_cloak_cannot_tell() -> None:
    assert set(outcomes(24, without=8)["verdict"]) == {CANNOT_TELL}
    assert CANNOT_TELL not in set(outcomes(24, without=7)["verdict"])
    known, unknown = (verdicts_by_photographs([24], without=share) for share in (0.0, 0.5))
    assert [trace.showlegend for trace in known.data] == [True] * 4 + [False]
    assert unknown.data[-1].showlegend and len(unknown.data[-1].x) == 13


def test_one_number_has_no_slider() -> None:
    fig = verdicts_by_photographs([12], without=0.25)
    assert not fig.frames and not fig.layout.sliders
    assert sum(len(trace.x) for trace in fig.data) == 10
    with pytest.raises(ValueError, match="at least one"):
        verdicts_by_photographs([])


@pytest.mark.parametrize("n, without", [(0, 0), (4, 5), (4, -1)])
def test_what_is_no_test_is_refused(n: int, without: int) -> None:
    with pytest.raises(ValueError, match="0 <= without <= n"):
        outcomes(n, without=without)

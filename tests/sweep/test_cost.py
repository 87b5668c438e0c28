"""The cost model: exact where it can be counted by hand."""

from __future__ import annotations

import pandas
import pytest

from workbench.sweep import Cost, estimate, measured

COLUMNS = ["kind", "what", "pieces", "seconds"]
TIMINGS = pandas.DataFrame(
    [
        ("cloaks", "LowKey", 10, 20.0),
        ("cloaks", "LowKey", 30, 20.0),
        ("embeddings", "clip-2021", 100, 5.0),
        ("lookups", "1-NN, clip-2021", 3.0, 6.0),
    ],
    columns=COLUMNS,
)


def test_jobs_are_pooled_by_kind() -> None:
    costs = measured(TIMINGS)
    assert costs["cloaks", "LowKey"] == 1.0
    assert costs["embeddings", "clip-2021"] == 0.05
    assert costs["lookups", "1-NN, clip-2021"] == 2.0


def test_an_estimate_counts_the_pieces() -> None:
    cost = estimate(measured(TIMINGS), people=10, photographs=1000, users=4, seeds=2)
    assert cost.cloaks == pytest.approx(4 * 70 * 2)
    assert cost.embeddings == pytest.approx(50)
    assert cost.lookups == pytest.approx((4 + 1) * 300 * 700 / 1e6 * 2 * 2)
    assert cost.total == cost.cloaks + cost.embeddings + cost.lookups


def test_faster_workers_do_not_look_up_faster() -> None:
    cost = Cost(100.0, 20.0, 30.0)
    assert cost.wall(1) == cost.wall(1, efficiency=0.5) == 150
    assert cost.wall(2, efficiency=0.5) == 150
    assert cost.wall(3, faster=4) == pytest.approx((120 / 4 + 30) / 3)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"workers": 1, "efficiency": 1.1}])
def test_impossible_workers_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected workers >= 1"):
        Cost(1.0, 1.0, 1.0).wall(**wrong)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 < users <= people <= photographs"):
        estimate(measured(TIMINGS), people=10, photographs=9)
    with pytest.raises(ValueError, match="no timings"):
        measured(TIMINGS[:0])

"""The cost model: exact where it can be counted by hand."""

from __future__ import annotations

import pytest

from workbench.sweep import Cost, Entry, estimate, measured

LEDGER = [
    Entry("cloaks", "a", "LowKey", 10, 0, 20.0, "cpu"),
    Entry("cloaks", "b", "LowKey", 30, 0, 20.0, "cpu"),
    Entry("rows", "c", "clip-2021", 100, 0, 5.0, "cpu"),
    Entry("turns", "d", "1-NN, clip-2021", 3000, 1000, 6.0, "cpu"),
]


def test_jobs_are_pooled_by_what_they_did() -> None:
    costs = measured(LEDGER)
    assert costs["cloaks", "LowKey"] == 1.0
    assert costs["rows", "clip-2021"] == 0.05
    assert costs["turns", "1-NN, clip-2021"] == 2.0


def test_an_estimate_counts_the_pieces() -> None:
    cost = estimate(measured(LEDGER), people=10, photographs=1000, users=4, seeds=2)
    assert cost.cloaks == pytest.approx(4 * 70 * 2)
    assert cost.rows == pytest.approx(50)
    assert cost.turns == pytest.approx((4 + 1) * 300 * 700 / 1e6 * 2 * 2)
    assert cost.total == cost.cloaks + cost.rows + cost.turns


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
        estimate(measured(LEDGER), people=10, photographs=9)
    with pytest.raises(ValueError, match="ledger is empty"):
        measured([])

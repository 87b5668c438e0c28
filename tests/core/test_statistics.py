"""Rates and their differences come with the interval that fits them."""

import pandas
import pytest

from poisonlib.statistics import paired, wilson, with_intervals


def test_a_table_of_counts_gets_the_interval_of_each_row():
    table = pandas.DataFrame({"tool": ["a", "b"], "flagged": [3, 20], "n": [20, 20]})
    rated = with_intervals(table, "flagged")
    expected = [wilson(3, 20), wilson(20, 20)]
    assert rated["error"].tolist() == [rate.value for rate in expected]
    assert rated["low"].tolist() == [rate.low for rate in expected]
    assert rated["high"].tolist() == [rate.high for rate in expected]
    assert list(table.columns) == ["tool", "flagged", "n"], "the table itself is left alone"
    with pytest.raises(ValueError, match="25 of 20"):
        with_intervals(table.assign(flagged=25), "flagged")


def test_a_paired_difference_is_bonett_and_prices():
    # By hand: p12 = 17 / 102, p21 = 5 / 102, difference 12 / 102, z = 1.959964.
    found = paired(16, 4, 100)
    middle = 12 / 102
    reach = 1.959964 * ((22 / 102 - middle**2) / 102) ** 0.5
    assert found.value == pytest.approx(0.12)
    assert (found.low, found.high) == pytest.approx((middle - reach, middle + reach), abs=1e-6)


def test_a_paired_difference_is_the_same_seen_from_the_other_side():
    here, there = paired(7, 2, 50), paired(2, 7, 50)
    assert (here.value, here.low, here.high) == pytest.approx(
        (-there.value, -there.high, -there.low)
    )


def test_equal_models_differ_by_nothing_but_not_surely():
    found = paired(0, 0, 30)
    assert found.value == 0 and found.low < 0 < found.high
    assert found.high > paired(0, 0, 300).high


@pytest.mark.parametrize("counts", [(0, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_counts_must_fit_the_questions(counts):
    with pytest.raises(ValueError, match="paired difference"):
        paired(*counts)

"""The detection figures show what was counted, and base rates are Bayes' rule."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from poisonlib.figures import base_rates, detection
from poisonlib.statistics import wilson


def test_precision_counts_false_alarms_and_recall_does_not():
    table = detection.by_attack(wilson(1, 50), {"one": wilson(9, 10), "two": wilson(0, 10)})
    rows = table.set_index("attack")
    assert rows.loc["one", "precision"].startswith("90 %") and rows.loc["one", "found"] == 9
    assert rows.loc["one", "recall"].startswith("90 %")
    assert rows.loc["two", "precision"].startswith("0 %")
    assert rows.loc["all tools", "recall"].startswith("45 %")
    assert rows.loc["all tools", "cloaked"] == 20
    more = detection.by_attack(wilson(0, 5), {"one": wilson(9, 10)}, everybody=wilson(1, 90))
    assert more["clean"].tolist() == [5, 90] and more["alarms"].tolist() == [0, 1]
    none = detection.by_attack(wilson(0, 50), {"one": wilson(0, 10)})
    assert none["precision"].iloc[0] == "none flagged"


def test_a_rate_is_shown_finely_enough_to_tell_99_8_from_100():
    assert detection.span(wilson(998, 1000)).startswith("99.8 % [")
    assert detection.span(wilson(1000, 1000)).startswith("100 % [")


def test_a_spectrum_is_one_curve_a_kind():
    places = np.array([0.1, 0.2, 0.3])
    figure = detection.spectrum({"clean": places, "LowKey": 2 * places}, places)
    assert [trace.name for trace in figure.data] == ["clean", "LowKey"]
    assert list(figure.data[1].y) == list(2 * places)
    assert figure.layout.yaxis.type == "log"


def test_roc_points_go_from_nothing_to_everything_and_count_ties():
    found, alarms = detection.roc_points([0.0, 1.0], [1.0, 2.0])
    assert list(found) == [0.0, 0.5, 1.0, 1.0]
    assert list(alarms) == [0.0, 0.0, 0.5, 1.0]


def test_the_roc_marks_the_threshold_in_use():
    scores = {"clean": [-3.0, -1.0, 2.0, -2.0], "LowKey": [1.0, 3.0, -0.5, 4.0]}
    figure = detection.roc(scores)
    curve, mark = figure.data
    assert curve.name == "LowKey" and curve.y[-1] == 1.0
    assert mark.y[0] == 0.75 and mark.x[0] == 0.25
    assert min(curve.x) == 0.5 / 4, "no false alarm is drawn at half a photograph"
    with pytest.raises(ValueError, match="clean"):
        detection.roc({"LowKey": [1.0]})


def test_calibration_bins_hold_every_photograph_once():
    probability = np.array([0.05, 0.05, 0.95, 1.0, 0.55])
    bins = detection.calibration(probability, np.array([False, True, True, True, False]))
    assert bins["n"].tolist() == [2, 1, 2]
    assert bins["error"].tolist() == [0.5, 0.0, 1.0]
    figure = detection.reliability(bins)
    assert list(figure.data[1].y) == [0.5, 0.0, 1.0]


@pytest.fixture
def counts() -> pandas.DataFrame:
    rows = [
        ("clean", "none", 1),
        ("clean", "blur", 2),
        ("LowKey", "none", 9),
        ("LowKey", "blur", 3),
    ]
    return pandas.DataFrame(
        [{"attack": a, "treatment": t, "flagged": k, "n": 10} for a, t, k in rows]
    )


def test_each_treatment_has_a_mark_for_each_attack_with_its_interval(counts):
    figure = detection.flagged_by(counts, "treatment", ["none", "blur"])
    clean, cloaked = figure.data
    assert list(clean.y) == [0.1, 0.2] and list(cloaked.y) == [0.9, 0.3]
    assert "false alarms" in clean.name
    assert clean.y[0] - clean.error_y.arrayminus[0] == pytest.approx(wilson(1, 10).low)
    assert list(figure.layout.xaxis.ticktext) == ["none", "blur"]
    assert clean.x[0] != cloaked.x[0], "marks stand side by side"


def test_strengths_are_joined_in_their_order():
    rows = [("low", 0.02, 4), ("high", 0.01, 10)]
    table = pandas.DataFrame(
        [{"tool": "LowKey", "strength": s, "dssim": d, "flagged": k, "n": 10} for s, d, k in rows]
    )
    (curve,) = detection.flagged_by_strength(table).data
    assert list(curve.x) == [0.02, 0.01] and list(curve.y) == [0.4, 1.0]


def test_leaks_have_a_step_for_each_tool_and_both_galleries():
    rows = [{"attack": "clean", "leaks": 17, "filtered": False, "errors": 1, "n": 10}]
    for tool, hit in (("LowKey", 9), ("Fawkes v1.0", 8)):
        for leaks in (0, 2):
            for filtered in (False, True):
                errors = 10 if filtered and not leaks else hit - leaks - 2 * filtered
                row = {"attack": tool, "leaks": leaks, "filtered": filtered}
                rows.append(row | {"errors": errors, "n": 10})
    figure = detection.error_by_leaks(pandas.DataFrame(rows))
    assert [frame.name for frame in figure.frames] == ["LowKey", "Fawkes v1.0"]
    bare, scraped, filtered = figure.frames[0].data
    assert list(bare.y) == [0.1, 0.1]
    assert list(scraped.y) == [0.9, 0.7] and list(filtered.y) == [1.0, 0.5]


def test_base_rates_are_bayes_rule_in_counts():
    flagged = base_rates.among(1000, 10, recall=0.9, false_alarms=0.01)
    assert flagged.hits == pytest.approx(90) and flagged.alarms == pytest.approx(9)
    assert flagged.precision == pytest.approx(90 / 99)
    assert base_rates.among(1000, 10, recall=0, false_alarms=0).precision == 0
    with pytest.raises(ValueError, match="one_in"):
        base_rates.among(1000, 0.5, recall=1, false_alarms=0)


def test_the_slider_goes_from_common_to_rare_and_changes_the_bars():
    figure = base_rates.flags_at_scale(1e9, recall=1.0, false_alarms=[("a", 0.01), ("b", 0.001)])
    alone = base_rates.flags_at_scale(
        1e9, recall=1.0, false_alarms=[("a", 0.01), ("b", 0.001)], one_in=base_rates.ONE_IN[:1]
    )
    assert alone.data == figure.data and not alone.layout.sliders and not alone.frames
    assert [frame.name for frame in figure.frames][:2] == ["1 in 2", "1 in 10"]
    assert len(figure.layout.sliders[0].steps) == len(base_rates.ONE_IN)
    first, last = figure.frames[0], figure.frames[-1]
    assert list(first.data[0].y) == [5e8, 5e8] and list(first.data[1].y) == [5e6, 5e5]
    assert last.data[0].y[0] == pytest.approx(1000)
    assert last.data[2].text[0] == "0.01 %<br>right"

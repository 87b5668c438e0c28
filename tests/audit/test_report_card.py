"""The figure of the report card shows its numbers, and each position of the slider its own card."""

from __future__ import annotations

import pandas
import pytest

from workbench.audit import ReportCard
from workbench.audit.figures import report_card


def card(*errors: float, names: tuple[str, ...] = ("naive", "adaptive")) -> ReportCard:
    rows = [
        {"strategy": name, "verdict": "protects" if error > 0.6 else "helps somewhat"}
        | {
            "learnt_from": "rendered people",
            "without": 0.02,
            "error": error,
            "low": error - 0.1,
            "high": error + 0.1,
        }
        | {"n": 35, "users": 5, "does": "waits"}
        for name, error in zip(names, errors, strict=True)
    ]
    return ReportCard("some cloak", pandas.DataFrame(rows), {}, 0)


def test_each_frame_is_a_card() -> None:
    figure = report_card({"weak": card(0.2, 0.1), "strong": card(0.9, 0.3)}, prefix="budget")
    assert [frame.name for frame in figure.frames] == ["weak", "strong"]
    titles, without, cloaked = figure.frames[1].data
    assert list(cloaked.x) == [0.9, 0.3] and list(without.x) == [0.02, 0.02]
    assert list(cloaked.error_x.array) == pytest.approx([0.1, 0.1])
    assert list(titles.text) == ["naive: <b>protects</b>", "adaptive: <b>helps somewhat</b>"]
    assert list(cloaked.y) == [0.0, -1.0], "the first trainer stands on top"
    assert figure.layout.sliders[0].currentvalue.prefix == "budget: "
    assert list(figure.data[2].x) == [0.2, 0.1], "it opens on the first card"
    assert {without.marker.symbol, cloaked.marker.symbol} == {"circle", "x"}


def test_a_mixed_line_up_says_what_each_recogniser_learnt_from() -> None:
    mixed = card(0.9, 0.3)
    mixed.table.loc[0, "learnt_from"] = "photographs of real people"
    titles = report_card({"only": mixed}).data[0].text
    assert titles[0] == "naive (photographs of real people): <b>protects</b>"
    assert titles[1] == "adaptive (rendered people): <b>helps somewhat</b>"


def test_one_card_needs_no_slider() -> None:
    figure = report_card({"only": card(0.9, 0.3)})
    assert not figure.layout.sliders and not figure.frames


def test_cards_of_different_trainers_are_refused() -> None:
    with pytest.raises(ValueError, match="2 different sets"):
        report_card({"a": card(0.2, 0.1), "b": card(0.2, 0.1, names=("naive", "newer"))})
    with pytest.raises(ValueError, match="0 different sets"):
        report_card({})

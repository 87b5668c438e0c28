"""Curves and bars show the numbers of their table, in the roles of the theme."""

from __future__ import annotations

import pandas
import pytest

from poisonlib.figures import bars, curves, theme


def test_a_curve_for_each_series_joins_its_points_in_order() -> None:
    table = pandas.DataFrame(
        {
            "x": [2, 1, 1, 3],
            "y": [5.0, 6.0, 7.0, 8.0],
            "kind": ["clean", "clean", "LowKey", "LowKey"],
        }
    )
    clean, lowkey = curves(table, x="x", y="y", series="kind").data
    assert list(clean.x) == [2, 1] and list(lowkey.y) == [7.0, 8.0]
    assert clean.line.color == theme.CLEAN.colour
    assert lowkey.line.dash == theme.TOOLS["LowKey"].dash


@pytest.fixture
def counts() -> pandas.DataFrame:
    return pandas.DataFrame(
        [
            {"rarity": rarity, "rate": "a", "kind": kind, "flags": flags}
            for rarity, kind, flags in (
                ("1 in 2", "cloaked", 500.0),
                ("1 in 2", "clean", 5.0),
                ("1 in 10", "cloaked", 100.0),
                ("1 in 10", "clean", 9.0),
            )
        ]
    )


def test_bars_change_with_the_slider_and_carry_their_counts(counts: pandas.DataFrame) -> None:
    fig = bars(counts, x="rate", y="flags", series="kind", slider="rarity")
    assert [frame.name for frame in fig.frames] == ["1 in 2", "1 in 10"]
    assert [list(bar.y) for bar in fig.data] == [[500.0], [5.0]]
    assert [list(bar.y) for bar in fig.frames[1].data] == [[100.0], [9.0]]
    assert len(fig.layout.sliders) == 1 and len(fig.layout.sliders[0].steps) == 2
    assert fig.layout.yaxis.type == "log" and all(bar.texttemplate for bar in fig.data)
    assert fig.data[0].marker.pattern.shape != fig.data[1].marker.pattern.shape

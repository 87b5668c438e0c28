"""One figure for every table of error rates."""

from __future__ import annotations

import pandas
import pytest

from poisonlib.figures import rates, show, theme
from poisonlib.paper import Claim


def table() -> pandas.DataFrame:
    rows = []
    for year in (2025, 2014):
        for tool, error in (("LowKey", 0.9), ("Fawkes v0.3", 0.2), ("mine", 0.1)):
            for side in ("left", "right"):
                rows.append(
                    {"year": year, "extractor": f"net-{year}", "attack": tool, "side": side}
                    | {"error": error, "low": error - 0.05, "high": error + 0.04}
                    | {"n": 140, "users": 20}
                )
    return pandas.DataFrame(rows)


def test_each_series_has_its_look_and_its_intervals() -> None:
    fig = rates(table().query("side == 'left'"), x="extractor")
    assert [trace.name for trace in fig.data] == ["LowKey", "Fawkes v0.3", "mine"]
    first = fig.data[0]
    assert list(first.x) == ["net-2025", "net-2014"], "in the order of the table"
    assert first.marker.color == theme.TOOLS["LowKey"].colour
    assert first.error_y.array == pytest.approx([0.04, 0.04])
    assert first.error_y.arrayminus == pytest.approx([0.05, 0.05])
    assert first.customdata[0].tolist() == pytest.approx([0.85, 0.94, 140, 20])
    looks = {(trace.marker.color, trace.marker.symbol) for trace in fig.data}
    assert len(looks) == 3, "colour and marker tell the series apart"


def test_a_number_along_the_axis_makes_curves() -> None:
    fig = rates(table().query("side == 'left'"), x="year")
    assert {trace.mode for trace in fig.data} == {"lines+markers"}
    assert len({trace.line.dash for trace in fig.data}) == 3


def test_a_slider_steps_through_a_column() -> None:
    fig = rates(table(), x="attack", series="extractor", slider="side")
    assert [frame.name for frame in fig.frames] == ["left", "right"]
    assert [step.label for step in fig.layout.sliders[0].steps] == ["left", "right"]
    assert not fig.layout.updatemenus
    show(fig, name="toy-rates", alt="Errors of toy tools, with a slider over two sides.")


def test_facets_are_called_by_their_values() -> None:
    fig = rates(table(), x="extractor", facet="side")
    assert [note.text for note in fig.layout.annotations] == ["left", "right"]


def test_claims_are_drawn_as_bands() -> None:
    fig = rates(table().query("side == 'left'"), x="extractor", claims=[Claim("toy", 0.5, 0.7)])
    (band,) = fig.layout.shapes
    assert (band.y0, band.y1) == pytest.approx((0.496, 0.704))
    assert [note.text for note in fig.layout.annotations] == ["paper: 50% to 70%"]


def test_bad_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="no column when; there are: year, extractor"):
        rates(table(), x="when")
    with pytest.raises(ValueError, match="at least one row"):
        rates(table().head(0), x="year")

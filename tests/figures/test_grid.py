"""A grid of error rates shows every row of its table, with its interval, and can be read."""

from __future__ import annotations

import pandas
import pytest

from poisonlib.figures import grid, theme
from poisonlib.statistics import wilson


def cell(extractor: str, attack: str, errors: int, **columns) -> dict:
    rate = wilson(errors, 21)
    about = {"extractor": extractor, "attack": attack, "error": rate.value, "users": 3}
    return about | {"low": rate.low, "high": rate.high, "n": 21} | columns


@pytest.fixture
def table() -> pandas.DataFrame:
    cells = [
        cell("softmax-2014", "Fawkes v0.3", 20, note="paper: yes", differs=False),
        cell("softmax-2014", "LowKey", 21, note="", differs=False),
        cell("robust-clip-2021", "Fawkes v0.3", 1, note="paper: yes", differs=True),
    ]
    return pandas.DataFrame(cells)


NAMED = {"row": "extractor", "column": "attack"}


def test_each_cell_says_its_number_and_on_hover_its_interval(table) -> None:
    fig = grid(table, **NAMED, note="note")
    squares, numbers = fig.data
    assert list(fig.layout.yaxis.ticktext) == ["softmax<br>2014", "robust-clip<br>2021"]
    assert list(fig.layout.xaxis.ticktext) == ["Fawkes<br>v0.3", "LowKey"]
    assert list(squares.z[0]) == [20 / 21, 1.0]
    assert "<b>95</b>" in numbers.text[0] and "paper: yes" in numbers.text[0]
    assert numbers.text[1] == "<b>100</b>"
    rate = wilson(20, 21)
    hover = squares.customdata[0][0]
    assert f"[{rate.low:.1%}, {rate.high:.1%}]" in hover and "21 photographs, 3 users" in hover


def test_a_pair_without_a_row_is_a_dash(table) -> None:
    squares, numbers = grid(table, **NAMED).data
    assert squares.z[1][1] is None and squares.customdata[1][1] == "not measured"
    assert numbers.text[3] == "–"


def test_only_the_framed_cells_have_a_frame(table) -> None:
    fig = grid(table, **NAMED, framed="differs")
    centres = {((s.x0 + s.x1) / 2, (s.y0 + s.y1) / 2) for s in fig.layout.shapes}
    assert centres == {(0, 1)}
    assert not grid(table, **NAMED).layout.shapes


def test_text_stands_out_from_its_cell(table) -> None:
    inks = grid(table, **NAMED).data[1].textfont.color
    assert list(inks) == ["#000000", "#000000", theme.PAPER, theme.INK]


def test_a_slider_steps_through_grids_of_one_shape(table) -> None:
    both = pandas.concat([table.assign(cloak="none"), table[:1].assign(cloak="new")])
    fig = grid(both, **NAMED, slider="cloak")
    assert [frame.name for frame in fig.frames] == ["none", "new"]
    assert list(fig.frames[1].data[0].z[1]) == [None, None]
    assert fig.layout.width is None
    assert fig.layout.height > grid(table, **NAMED).layout.height


def test_a_table_that_does_not_fit_is_refused(table) -> None:
    with pytest.raises(ValueError, match="no column year"):
        grid(table, row="year", column="attack")
    with pytest.raises(ValueError, match="at least one row"):
        grid(table[:0], **NAMED)

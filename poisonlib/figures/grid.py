"""Error rates as a grid that can be read without colour: a number in every cell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poisonlib.figures.frames import SLIDER_ROOM
from poisonlib.figures.frames import slider as slider_over
from poisonlib.figures.theme import INK, PAPER, SEQUENTIAL

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

ROW_HEIGHT = 50
"""In pixels: two lines of text."""
BRIGHT = 0.5
"""From this error on, the colour scale is bright enough for black text."""


def grid(
    table: pandas.DataFrame,
    *,
    row: str,
    column: str,
    note: str | None = None,
    framed: str | None = None,
    slider: str | None = None,
) -> go.Figure:
    """Error rates in per cent, a cell for each pair of values, with the interval on hover.

    Args:
        table: rows with ``error, low, high, n`` and ``users``, as
            :func:`poisonlib.trial.summarise` makes them, and the columns named below. What comes
            first in the table comes first in the figure; a pair without a row is a dash.
        row: the column whose values are the rows of the grid, from above.
        column: the column whose values are its columns, from the left.
        note: the column with a short text for under each number, if any.
        framed: the column that says which cells get a frame, if any; where a slider moves, the
            frames are those of its first step.
        slider: the column that a slider steps through, if any.

    Raises:
        ValueError: a column that the table does not have, or no rows.

    Example:
        >>> import pandas
        >>> from poisonlib.figures import grid
        >>> cell = {"error": 0.5, "low": 0.4, "high": 0.6, "n": 100, "users": 20}
        >>> years = pandas.DataFrame([cell | {"attack": "LowKey", "year": y} for y in (2014, 2025)])
        >>> grid(years, row="year", column="attack").data[1].text
        ('<b>50</b>', '<b>50</b>')
    """
    import plotly.graph_objects as go

    named = [row, column, *filter(None, (note, framed, slider))]
    if missing := [name for name in [*named, "error", "low", "high"] if name not in table.columns]:
        raise ValueError(
            f"the table has no column {', '.join(missing)}; there are: {', '.join(table.columns)}"
        )
    if table.empty:
        raise ValueError("a grid of error rates needs at least one row, got none")
    rows, columns = list(dict.fromkeys(table[row])), list(dict.fromkeys(table[column]))
    steps = [("", table)] if slider is None else list(table.groupby(slider, sort=False))
    cells = [
        {(rows.index(cell[row]), columns.index(cell[column])): cell
         for cell in step.to_dict("records")}
        for _, step in steps
    ]  # fmt: skip
    drawn = [_traces(step, len(rows), len(columns), row, column, note) for step in cells]
    fig = go.Figure(drawn[0])
    for (y, x), cell in cells[0].items():
        if framed is not None and cell[framed]:
            _frame(fig, x, y)
    still = {"ticks": "", "showgrid": False, "fixedrange": True}
    fig.update_layout(
        xaxis=still | {"tickvals": list(range(len(columns))), "ticktext": _labels(columns)}
        | {"side": "top", "tickangle": 0, "range": [-0.5, len(columns) - 0.5]},
        yaxis=still | {"tickvals": list(range(len(rows))), "ticktext": _labels(rows)}
        | {"range": [len(rows) - 0.5, -0.5]},
        margin={"t": 48},
        height=70 + ROW_HEIGHT * len(rows),
    )  # fmt: skip
    if len(steps) > 1:
        names = [str(name) for name, _ in steps]
        fig.frames = [go.Frame(data=d, name=n) for d, n in zip(drawn, names, strict=True)]
        fig.layout.sliders = slider_over(names, prefix=slider, below=8)
        fig.layout.height += 8 + SLIDER_ROOM
    return fig


def _traces(
    cells: dict, rows: int, columns: int, row: str, column: str, note: str | None
) -> list[go.BaseTraceType]:
    """Coloured squares, and on them the numbers."""
    import plotly.graph_objects as go

    errors = [[None] * columns for _ in range(rows)]
    hover = [["not measured"] * columns for _ in range(rows)]
    texts, inks = [], []
    for y, line in enumerate(errors):
        for x in range(columns):
            cell = cells.get((y, x))
            texts.append("–" if cell is None else f"<b>{100 * cell['error']:.0f}</b>")
            inks.append(INK)
            if cell is None:
                continue
            line[x] = cell["error"]
            inks[-1] = PAPER if cell["error"] < BRIGHT else "#000000"
            hover[y][x] = (
                f"{cell[column]}, {cell[row]}<br>{cell['error']:.1%} [{cell['low']:.1%}, "
                f"{cell['high']:.1%}]<br>{cell['n']} photographs, {cell['users']} users"
            )
            if note is not None and cell[note]:
                texts[-1] += f"<br><span style='font-size:10px'>{cell[note]}</span>"
                hover[y][x] += f"<br>{cell[note]}"
    squares = go.Heatmap(
        z=errors, customdata=hover, x=list(range(columns)), y=list(range(rows)), zmin=0, zmax=1,
        colorscale=SEQUENTIAL, showscale=False, xgap=2, ygap=2,
        hovertemplate="%{customdata}<extra></extra>", hoverongaps=False,
    )  # fmt: skip
    numbers = go.Scatter(
        x=[x for _ in range(rows) for x in range(columns)],
        y=[y for y in range(rows) for _ in range(columns)],
        text=texts, textfont={"size": 14, "color": inks}, mode="text", hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    return [squares, numbers]


def _frame(fig: go.Figure, x: int, y: int) -> None:
    """A double frame, light and dark, which shows on every colour of the grid."""
    for colour, width, dash in ((PAPER, 5, "solid"), (INK, 2.5, "dash")):
        fig.add_shape(
            type="rect", x0=x - 0.46, x1=x + 0.46, y0=y - 0.46, y1=y + 0.46,
            line={"color": colour, "width": width, "dash": dash},
        )  # fmt: skip


def _labels(names: list) -> list[str]:
    """Names on several lines: at each space, and before the year of an extractor."""
    return [re.sub(r" |-(?=\d{4}$)", "<br>", str(name)) for name in names]

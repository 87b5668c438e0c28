"""Errors as a grid that is read without colour: a number in every cell, its interval on hover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poisonlib.figures.theme import INK, PAPER, SEQUENTIAL

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW = 50
"""Height of a row in pixels: two lines of text."""
SMALL = "<span style='font-size:10px'>"
BLACK = "#000000"
"""On a colour scale, which dark mode leaves as it is."""
TURNS_BRIGHT = 0.5
"""From this error on, black text has more contrast than white on the colour scale."""


@dataclass(frozen=True)
class Square:
    """One cell.

    Attributes:
        error: in [0, 1], or None where nothing was measured.
        note: small, under the number.
        hover: all the rest.
        framed: drawn with a frame around it.
    """

    error: float | None = None
    note: str = ""
    hover: str = "not measured"
    framed: bool = False

    @property
    def text(self) -> str:
        number = "–" if self.error is None else f"<b>{100 * self.error:.0f}</b>"
        return f"{number}<br>{SMALL}{self.note}</span>" if self.note else number

    @property
    def ink(self) -> str:
        """Of the number: white on the dark half of the colour scale, black on the bright one."""
        if self.error is None:
            return INK
        return PAPER if self.error < TURNS_BRIGHT else BLACK


def grid(
    squares: Sequence[Sequence[Square]], *, rows: Sequence[str], columns: Sequence[str]
) -> go.Figure:
    """A grid of errors in per cent, dark for 0 and bright for 100.

    Args:
        squares: row by row, from above.
        rows, columns: what they are called.

    Raises:
        ValueError: squares that do not fit the names.
    """
    import plotly.graph_objects as go

    if len(squares) != len(rows) or any(len(line) != len(columns) for line in squares):
        raise ValueError(
            f"the grid needs {len(rows)} rows of {len(columns)} squares, got rows of "
            f"{[len(line) for line in squares]}"
        )
    places = [(x, y) for y in range(len(rows)) for x in range(len(columns))]
    flat = [squares[y][x] for x, y in places]
    fig = go.Figure(
        go.Heatmap(
            z=[[square.error for square in line] for line in squares],
            customdata=[[square.hover for square in line] for line in squares],
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            zmin=0,
            zmax=1,
            colorscale=SEQUENTIAL,
            showscale=False,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            xgap=2,
            ygap=2,
        )
    )
    fig.add_scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        text=[square.text for square in flat],
        textfont={"size": 14, "color": [square.ink for square in flat]},
        mode="text",
        hoverinfo="skip",
        showlegend=False,
    )
    for y, line in enumerate(squares):
        for x, square in enumerate(line):
            if square.framed:
                _frame(fig, x, y)
    still = {"ticks": "", "showgrid": False, "fixedrange": True}
    last_x, last_y = len(columns) - 0.5, len(rows) - 0.5
    return fig.update_layout(
        xaxis=still | {"tickvals": list(range(len(columns))), "ticktext": list(columns)}
        | {"side": "top", "tickangle": 0, "range": [-0.5, last_x]},
        yaxis=still | {"tickvals": list(range(len(rows))), "ticktext": list(rows)}
        | {"range": [last_y, -0.5]},
        margin={"t": 48},
        height=70 + ROW * len(rows),
    )  # fmt: skip


def _frame(fig: go.Figure, x: int, y: int) -> None:
    """A double frame, light and dark: it shows on every colour of the grid."""
    for inset, colour, width, dash in ((0.46, PAPER, 5, "solid"), (0.46, INK, 2.5, "dash")):
        fig.add_shape(
            type="rect", x0=x - inset, x1=x + inset, y0=y - inset, y1=y + inset,
            line={"color": colour, "width": width, "dash": dash},
        )  # fmt: skip

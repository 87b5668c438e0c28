"""Errors as a grid that is read without colour: a number in every cell, its interval on hover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.theme import INK, PAPER, SEQUENTIAL, TOOLS
from poisonlib.generations import by_release, family, judged, year

if TYPE_CHECKING:
    import pandas
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


def attacks_by_extractors(table: pandas.DataFrame) -> go.Figure:
    """Error of protected users: a row for each extractor, oldest first, a column for each tool.

    Under each number stands what the paper says of the same pair, and a frame marks the cells
    where our verdict is another one. The first column is the same users without a cloak.

    Args:
        table: as ``TrialResult.table``, over extractors and tools.
    """
    rows = judged(table)
    extractors, tools = by_release(rows["extractor"]), list(dict.fromkeys(rows["attack"]))
    known = {(row["extractor"], row["attack"]): row for row in rows.to_dict("records")}
    squares = []
    for extractor in extractors:
        cells = [known.get((extractor, tool)) for tool in tools]
        first = next(cell for cell in cells if cell is not None)
        squares.append([_bare(first), *(_judged(cell) for cell in cells)])
    labels = [_two_lines(name) for name in extractors]
    return grid(squares, rows=labels, columns=["no<br>cloak", *(_breaking(t) for t in tools)])


def _judged(row: dict | None) -> Square:
    if row is None:
        return Square()
    said = paper.transfer(row["attack"], row["extractor"])
    hover = f"{row['attack']} before {row['extractor']}<br>{_counted(row)}<br>{row['verdict']}"
    if said is None:
        return Square(row["error"], "paper: –", f"{hover}<br>not tested in the paper")
    word = "fooled" if said.fooled else "not fooled"
    return Square(
        row["error"],
        f"paper: {'yes' if said.fooled else 'no'}",
        f"{hover}; paper: {word} ({said.tested})<br>{said.statement}",
        row["agreement"] == "not as in the paper",
    )


def _bare(row: dict) -> Square:
    hover = f"no cloak before {row['extractor']}<br>" + _counted(
        row | {"error": row["clean"], "low": row["clean_low"], "high": row["clean_high"]}
    )
    return Square(row["clean"], "", hover)


def _counted(row: dict) -> str:
    bounds = f"{row['error']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
    return f"{bounds}<br>{row['n']} photographs, {row['users']} users"


def real_beside_ours(real: pandas.DataFrame, ours: pandas.DataFrame) -> go.Figure:
    """Real recognisers on each kind of photograph beside ours of the nearest year.

    A slider over no cloak and the tools; a row for each real recogniser.

    Args:
        real: a trial table with the column ``photographs`` besides.
        ours: a trial table of the re-enactment.
    """
    import plotly.graph_objects as go

    rows, twins = judged(real, by=["photographs"]), judged(ours)
    kinds, extractors = list(dict.fromkeys(rows["photographs"])), by_release(rows["extractor"])
    labels, columns = [_two_lines(name) for name in extractors], [*kinds, "re-<br>enacted"]
    drawn = {}
    for tool in ["no cloak", *dict.fromkeys(rows["attack"])]:
        squares = []
        for extractor in extractors:
            twin = nearest_year(extractor, by_release(twins["extractor"]))
            cells = [_find(rows[rows["photographs"] == kind], tool, extractor) for kind in kinds]
            cells.append(_find(twins, tool, twin, note=family(twin)))
            squares.append(cells)
        drawn[tool] = grid(squares, rows=labels, columns=columns)
    fig = next(iter(drawn.values()))
    fig.frames = [go.Frame(data=figure.data, name=tool) for tool, figure in drawn.items()]
    return fig.update_layout(
        sliders=slider(list(drawn), prefix="cloak", below=8),
        height=fig.layout.height + 8 + SLIDER_ROOM,
    )


def nearest_year(extractor: str, others: Sequence[str]) -> str:
    """The extractor among others whose year is nearest, the older one where two are."""
    return min(others, key=lambda other: (abs(year(other) - year(extractor)), year(other)))


def _find(rows: pandas.DataFrame, tool: str, extractor: str, *, note: str = "") -> Square:
    mine = rows[rows["extractor"] == extractor]
    mine = mine if tool == "no cloak" else mine[mine["attack"] == tool]
    if mine.empty:
        return Square(note=note)
    row = mine.iloc[0].to_dict()
    if tool == "no cloak":
        bare = _bare(row)
        return Square(bare.error, note, bare.hover)
    hover = f"{tool} before {extractor}<br>{_counted(row)}<br>{row['verdict']}"
    return Square(row["error"], note, hover)


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


def _two_lines(extractor: str) -> str:
    return f"{family(extractor)}<br>{year(extractor)}"


def _breaking(tool: str) -> str:
    return tool.replace(" ", "<br>") if tool in TOOLS else tool

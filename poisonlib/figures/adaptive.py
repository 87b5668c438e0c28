"""The adaptive trainer in figures: what learning from cloaked copies does, and to which tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poisonlib.figures import grids
from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.grids import Square
from poisonlib.figures.rates import paper_bands
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, Role, short
from poisonlib.generations import family, pooled
from poisonlib.paper import Claim

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

HOVER = (
    "%{y:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]"
    "<br>%{customdata[2]} photographs, %{customdata[3]} users<extra></extra>"
)
COUNTED = ["low", "high", "n", "users"]
WITHOUT = "adapted without "

TUNED = "fine-tuned on clean photographs"
TRAINERS: Mapping[tuple[str, str], Role] = {
    (trainer, condition): Role(name, role.colour, symbol, role.dash)
    for trainer, condition, name, role, symbol in (
        ("ordinary", "control", "no cloak, ordinary extractor", CLEAN, "circle"),
        ("ordinary", "cloaked", "cloaked, ordinary extractor", CLOAKED, "x"),
        (TUNED, "cloaked", "cloaked, fine-tuned on clean ones", CLOAKED, "triangle-down-open"),
        ("adapted", "cloaked", "cloaked, adapted extractor", DEFENDED, "diamond"),
        ("adapted", "control", "no cloak, adapted extractor", CLEAN, "circle-open"),
    )
}
"""Trainer and condition, and how the user's error is drawn there."""


def loss_curve(losses: Sequence[float], *, epochs: int) -> go.Figure:
    """The mean loss of each epoch so far; the axis has room for all of them.

    Raises:
        ValueError: more losses than epochs, or none.
    """
    import plotly.graph_objects as go

    if not 0 < len(losses) <= epochs:
        raise ValueError(f"give 1 to {epochs} losses, one for each epoch so far, got {len(losses)}")
    fig = go.Figure(
        go.Scatter(
            x=list(range(1, len(losses) + 1)), y=list(losses), mode="lines+markers",
            line=DEFENDED.line, marker=DEFENDED.marker | {"size": 9},
            hovertemplate="epoch %{x}: %{y:.2f}<extra></extra>",
        )
    )  # fmt: skip
    return fig.update_layout(
        xaxis={"title": {"text": "epoch"}, "range": [0.7, epochs + 0.3], "dtick": 1},
        yaxis={"title": {"text": "mean loss"}, "range": [0, 1.06 * max(losses)]},
        margin={"t": 16},
        height=320,
    )


def error_by_trainer(table: pandas.DataFrame, *, claims: Sequence[Claim] = ()) -> go.Figure:
    """Error of users by tool, before each trainer; a slider over extractors and recognisers.

    Args:
        table: a trial table with the columns ``trainer`` and ``start`` besides.
        claims: ranges of the paper, drawn as bands.
    """
    import plotly.graph_objects as go

    rows = pooled(table[table["whose"] == "user"], by=["trainer", "start"])
    tools = list(dict.fromkeys(rows["attack"]))
    places = dict.fromkeys(zip(rows["start"], rows["recogniser"], strict=True))
    frames = []
    for start, recogniser in places:
        here = rows[(rows["start"] == start) & (rows["recogniser"] == recogniser)]
        traces = []
        for (trainer, condition), role in TRAINERS.items():
            mine = here[(here["trainer"] == trainer) & (here["condition"] == condition)]
            traces.append(_marks(mine.set_index("attack").reindex(tools), role))
        frames.append(go.Frame(data=traces, name=f"{family(start)}, {recogniser}"))
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    paper_bands(fig, claims)
    fig.update_layout(
        yaxis={"range": [-0.02, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        # Room on the left for what the bands say.
        xaxis={"range": [-1.2 if claims else -0.5, len(tools) - 0.5]}
        | {"tickvals": tools, "ticktext": [short(tool) for tool in tools]},
        scattermode="group",
        legend={"orientation": "v"},
        margin={"t": 124},
        height=580,
    )
    if len(frames) > 1:
        fig.update_layout(sliders=slider([frame.name for frame in frames], prefix="judge"))
    return fig


def _marks(rows: pandas.DataFrame, role: Role) -> go.Scatter:
    """A mark for each tool, the index of the rows; none where nothing was measured."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=list(rows.index), y=rows["error"], error_y=error_bars(rows, thickness=2),
        customdata=rows[COUNTED], hovertemplate="%{x}: " + HOVER,
        mode="markers", marker=role.marker | {"size": 11}, name=role.name, offsetgroup=role.name,
    )  # fmt: skip


def tools_left_out(table: pandas.DataFrame) -> go.Figure:
    """A row for each trainer, a column for each tool; frames where the tool was left out.

    A slider over the ordinary extractors that the trainers started from.

    Args:
        table: a trial table with the columns ``trainer`` and ``start`` besides, of one recogniser.
    """
    import plotly.graph_objects as go

    rows = pooled(table[table["whose"] == "user"], by=["trainer", "start"])
    tools = list(dict.fromkeys(rows["attack"]))
    trainers = sorted(dict.fromkeys(rows["trainer"]), key=lambda name: _learnt(name))
    drawn = {}
    for start, here in rows.groupby("start", sort=False):
        squares = []
        for trainer in trainers:
            mine = here[here["trainer"] == trainer].set_index(["attack", "condition"])
            known = mine[[*COUNTED, "error"]].to_dict("index")
            line = [_square(known.get((tools[0], "control")), f"no cloak, {trainer}")]
            for tool in tools:
                said = f"{tool}, {trainer}"
                left_out = trainer == f"{WITHOUT}{tool}"
                line.append(_square(known.get((tool, "cloaked")), said, framed=left_out))
            squares.append(line)
        columns = ["no<br>cloak", *(tool.replace(" ", "<br>") for tool in tools)]
        drawn[start] = grids.grid(squares, rows=[_label(t) for t in trainers], columns=columns)
    fig = next(iter(drawn.values()))
    if len(drawn) > 1:
        fig.frames = [go.Frame(data=grid.data, name=start) for start, grid in drawn.items()]
        fig.update_layout(
            sliders=slider(list(drawn), prefix="started from", below=8),
            height=fig.layout.height + 8 + SLIDER_ROOM,
        )
    return fig


def _square(row: Mapping | None, said: str, *, framed: bool = False) -> Square:
    if row is None:
        return Square(framed=framed)
    bounds = f"{row['error']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
    hover = f"{said}<br>{bounds}<br>{row['n']} photographs, {row['users']} users"
    note = f"{100 * row['low']:.0f}–{100 * row['high']:.0f}"
    return Square(row["error"], note, hover, framed)


def _learnt(trainer: str) -> int:
    """Orders trainers by how much of the tools they have learnt; stable between equals."""
    if trainer.startswith(WITHOUT):
        return 2
    return {"ordinary": 0, "adapted": 3}.get(trainer, 1)


def _label(trainer: str) -> str:
    if trainer.startswith(WITHOUT):
        return f"without<br>{short(trainer.removeprefix(WITHOUT))}"
    return {"adapted": "all<br>three", TUNED: "tuned<br>clean"}.get(trainer, trainer)

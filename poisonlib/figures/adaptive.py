"""The adaptive trainer in figures: what learning from cloaked copies does, and to which tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import slider
from poisonlib.figures.grid import grid
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
    import pandas

    rows = pooled(table[table["whose"] == "user"], by=["trainer", "start"])
    bare = rows[rows["condition"] == "control"].drop_duplicates(["trainer", "start"])
    rows = pandas.concat([bare.assign(attack="no cloak"), rows[rows["condition"] == "cloaked"]])
    rows = rows.sort_values("trainer", key=lambda names: names.map(_learnt), kind="stable")
    interval = [f"{100 * low:.0f}–{100 * high:.0f}" for low, high in rows[["low", "high"]].values]
    return grid(
        rows.assign(
            interval=interval,
            left_out=rows["trainer"] == WITHOUT + rows["attack"],
            trainer=rows["trainer"].map(_label),
        ).rename(columns={"start": "started from"}),
        row="trainer",
        column="attack",
        note="interval",
        framed="left_out",
        slider="started from" if rows["start"].nunique() > 1 else None,
    )


def _learnt(trainer: str) -> int:
    """Orders trainers by how much of the tools they have learnt; stable between equals."""
    if trainer.startswith(WITHOUT):
        return 2
    return {"ordinary": 0, "adapted": 3}.get(trainer, 1)


def _label(trainer: str) -> str:
    if trainer.startswith(WITHOUT):
        return f"without {short(trainer.removeprefix(WITHOUT))}"
    return {"adapted": "all three", TUNED: "tuned clean"}.get(trainer, trainer)

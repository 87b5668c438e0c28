"""The playable timeline: the trainer swaps the extractor, and the error follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import player, slider
from poisonlib.figures.theme import CLOAKED, GRID, INK, TOOLS, UNPROTECTED, Role, short
from poisonlib.generations import by_release, family, judged, year

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

SPREAD = 0.17
"""By how much marks of one extractor stand apart, so that their intervals can be told apart."""


@dataclass(frozen=True)
class Event:
    """A step of history: an extractor is trained, or a tool comes out.

    Attributes:
        year: of the event.
        name: of the extractor or the tool.
        is_tool: which of the two.
    """

    year: int
    name: str
    is_tool: bool

    @property
    def label(self) -> str:
        return f"{self.year} {self.name if self.is_tool else family(self.name)}"


def history(extractors: Sequence[str], released: Mapping[str, int]) -> list[Event]:
    """Everything that happened, oldest first; in one year tools come before extractors."""
    events = [Event(when, tool, True) for tool, when in released.items()]
    events += [Event(year(name), name, False) for name in by_release(extractors)]
    return sorted(events, key=lambda event: (event.year, not event.is_tool))


def timeline(table: pandas.DataFrame, *, released: Mapping[str, int] = paper.RELEASED) -> go.Figure:
    """The error of protected users as the trainer's extractor is exchanged, year after year.

    One frame for each event, with a button that plays them. At an extractor's event its errors
    are added, with 95 % intervals; where a tool comes out a line is drawn.

    Args:
        table: as ``TrialResult.table``, over extractors and tools.
        released: the year of each tool.
    """
    import plotly.graph_objects as go

    rows = judged(table)
    tools = {tool: when for tool, when in released.items() if tool in set(rows["attack"])}
    events = history(rows["extractor"], tools)
    place = {event.name: at for at, event in enumerate(events)}
    curves = [_curve(rows, place, None)] + [_curve(rows, place, tool) for tool in tools]
    frames = [
        go.Frame(data=[_until(curve, at) for curve in curves], name=event.label)
        for at, event in enumerate(events)
    ]
    fig = go.Figure(frames[0].data, frames=frames)
    for tool in tools:
        _release(fig, place[tool], tool)
    quiet = {"showgrid": False, "tickangle": -60, "range": [-0.6, len(events) - 0.4]}
    return fig.update_layout(
        xaxis=quiet
        | {"tickvals": list(range(len(events)))}
        | {"ticktext": [f"{e.year}" if e.is_tool else e.label for e in events]},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        updatemenus=player(below=120),
        sliders=slider([event.label for event in events], prefix="now", below=120),
        height=650,
    )


@dataclass(frozen=True)
class _Curve:
    role: Role
    shift: float
    points: pandas.DataFrame  # place, error, low, high, n, users, extractor


def _curve(rows: pandas.DataFrame, place: Mapping[str, int], tool: str | None) -> _Curve:
    if tool is None:
        mine = rows.drop_duplicates("extractor").copy()
        mine[["error", "low", "high"]] = mine[["clean", "clean_low", "clean_high"]]
        role, shift = UNPROTECTED, -1.5
    else:
        mine = rows[rows["attack"] == tool]
        role, shift = TOOLS.get(tool, CLOAKED), list(TOOLS).index(tool) - 0.5
    points = mine.assign(place=[place[name] for name in mine["extractor"]])
    return _Curve(role, SPREAD * shift, points)


def _until(curve: _Curve, now: int) -> go.Scatter:
    """A curve up to an event; the axis keeps its places, so later points are simply missing."""
    import plotly.graph_objects as go

    shown = curve.points[curve.points["place"] <= now]
    nothing = shown.empty
    return go.Scatter(
        x=[None] if nothing else shown["place"] + curve.shift,
        y=[None] if nothing else shown["error"],
        error_y=error_bars(shown),
        customdata=shown[["extractor", "low", "high", "n", "users"]],
        hovertemplate="%{customdata[0]}: %{y:.1%} [%{customdata[1]:.1%}, %{customdata[2]:.1%}]"
        "<br>%{customdata[3]} photographs, %{customdata[4]} users",
        mode="lines+markers",
        line=curve.role.line | {"width": 1.5},
        marker=curve.role.marker | {"size": 9},
        name=short(curve.role.name),
    )


def _release(fig: go.Figure, at: int, tool: str) -> None:
    """A line where a tool comes out, its marker on top."""
    role = TOOLS.get(tool, CLOAKED)
    fig.add_vrect(x0=at - 0.5, x1=at + 0.5, fillcolor=GRID, opacity=0.5, line_width=0)
    fig.add_vline(x=at, line={"color": role.colour, "dash": role.dash, "width": 1.5})
    fig.add_annotation(
        x=at, y=0.5, text=f"{tool} comes out", textangle=-90, showarrow=False,
        font={"size": 12, "color": INK}, bgcolor="rgba(255,255,255,0.8)",
    )  # fmt: skip

"""The history as a picture: tools, tests of tools and law, year by year."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from poisonlib.figures.frames import player, slider
from poisonlib.figures.theme import CLOAKED, DEFENDED, GRID, INK, PAPER, TARGET, Role
from poisonlib.history import Event

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from IPython.display import HTML

LANES: Mapping[str, tuple[str, Role, float]] = {
    "tool": ("tools", CLOAKED, 0.0),
    "evaluation or break": ("tests", DEFENDED, 0.8),
    "law": ("law", TARGET, 1.9),
}
"""Each kind of event: its lane's name, how it is drawn, and the lane's place."""
RIGHT = 3.05
"""The end of the last lane: at 375 px every title fits beside its mark."""
APART = 0.13
"""Years that titles in one lane keep apart, so that none covers another."""
FUTURE = "#6b6b72"
"""A grey that can still be read, for what has not happened yet."""


def timeline(events: Sequence[Event]) -> go.Figure:
    """A lane for each kind of event, time running downwards, a slider over years.

    Each year's frame shows in colour what had happened by its end, the year's own events with
    larger marks; later events are grey rings with grey titles.

    Args:
        events: of at least two years.
    """
    import plotly.graph_objects as go

    events = sorted(events, key=lambda event: event.date)
    heights = title_heights(events)
    years = range(events[0].date.year, events[-1].date.year + 1)
    frames = [go.Frame(data=_drawn(events, heights, year), name=str(year)) for year in years]
    fig = go.Figure(frames[0].data, frames=frames)
    for name, role, lane in LANES.values():
        fig.add_vline(x=lane, line={"color": role.colour, "width": 1}, opacity=0.4, layer="below")
        fig.add_annotation(
            x=lane, y=1, yref="paper", yanchor="bottom", xanchor="left", xshift=-6,
            text=f"<b>{name}</b>", showarrow=False, font={"size": 13, "color": INK},
        )  # fmt: skip
    control = slider([frame.name for frame in frames], prefix="end of")[0]
    control |= {"y": 1, "yanchor": "bottom", "pad": {"b": 44, "l": 8, "r": 40, "t": 0}}
    button = player(milliseconds=1800)[0] | {"y": 1, "yanchor": "bottom", "pad": {"b": 108}}
    return fig.update_layout(
        xaxis={"visible": False, "range": [-0.08, RIGHT], "fixedrange": True},
        yaxis={"range": [max(heights) + APART, _in_years(events[0]) - APART], "fixedrange": True}
        | {"dtick": 1, "tickformat": "d", "gridcolor": GRID, "ticks": ""},
        sliders=[control],
        updatemenus=[button],
        hoverlabel={"bgcolor": PAPER, "font": {"color": INK}, "align": "left"},
        showlegend=False,
        margin={"t": 168, "b": 8},
        height=1120,
    )


def title_heights(events: Sequence[Event]) -> list[float]:
    """Where titles stand, in years: at the event's date, or below the last title of its lane.

    Args:
        events: oldest first.
    """
    free: dict[str, float] = {}
    heights = []
    for event in events:
        heights.append(max(_in_years(event), free.get(event.kind, float("-inf"))))
        free[event.kind] = heights[-1] + APART
    return heights


def listed(events: Sequence[Event]) -> HTML:
    """The same events as a list, oldest first: when, what, who reports it, how it was checked."""
    from IPython.display import HTML

    lines = []
    for event in sorted(events, key=lambda event: event.date):
        checked = "the source" if event.confidence == "source" else "a report"
        lines.append(
            f"<li><b>{escape(event.title)}</b>, {event.day}, {event.kind}. {escape(event.what)} "
            f"<i>{escape(event.by)}; checked with {checked}.</i></li>"
        )
    return HTML(f"<ul>{''.join(lines)}</ul>")


def _in_years(event: Event) -> float:
    return event.date.year + (event.date.timetuple().tm_yday - 1) / 365.25


def _drawn(events: Sequence[Event], heights: Sequence[float], year: int) -> list[go.Scatter]:
    """The marks and the titles of all events at the end of a year."""
    import plotly.graph_objects as go

    looks = []
    for event in events:
        _, role, lane = LANES[event.kind]
        age = year - event.date.year
        if age < 0:
            looks.append((lane, "circle", 7, PAPER, FUTURE, FUTURE))
        else:
            looks.append((lane, role.symbol, 12 if age == 0 else 8, *[role.colour] * 2, INK))
    lanes, symbols, sizes, fills, edges, inks = zip(*looks, strict=True)
    # Marks of several sizes are translucent unless plotly is told otherwise.
    marker = {"symbol": symbols, "size": sizes, "color": fills, "opacity": 1}
    marker["line"] = {"color": edges, "width": 1}
    hover = {"hovertext": [_hover(event) for event in events], "hoverinfo": "text"}
    return [
        go.Scatter(x=lanes, y=[*map(_in_years, events)], mode="markers", marker=marker, **hover),
        go.Scatter(
            x=[lane + 0.06 for lane in lanes], y=heights, mode="text", **hover,
            text=[event.title for event in events], textposition="middle right",
            textfont={"size": 11, "color": inks},
        ),
    ]  # fmt: skip


def _hover(event: Event) -> str:
    """Lines short enough for a phone."""
    lines = textwrap.wrap(event.what, 40)
    lines += [f"<i>{line}</i>" for line in textwrap.wrap(event.by, 40)]
    return "<br>".join([f"<b>{event.title}</b>, {event.day}", *lines])

"""The chronicle as a picture: tools, their tests and the law, year after year."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from poisonlib.chronicle import EVENTS, Event
from poisonlib.figures.frames import player, slider
from poisonlib.figures.theme import CLOAKED, DEFENDED, GRID, INK, PAPER, TARGET, Role

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from IPython.display import HTML

LANES: Mapping[str, tuple[str, Role, float]] = {
    "tool": ("tools", CLOAKED, 0.0),
    "evaluation or break": ("tests", DEFENDED, 0.8),
    "law": ("law", TARGET, 1.9),
}
"""Each kind of event: what its lane is called, how it is drawn, and where it lies."""
RIGHT = 3.05
"""Where the last lane ends: at 375 px every name has to fit beside its mark."""

CHECKED_WITH = {"source": "the source", "report": "a report"}

APART = 0.13
"""Years that labels of one lane keep apart, so that none covers another."""
_YET_TO_COME = "#8a8a8a"


def timeline(events: Sequence[Event] = EVENTS) -> go.Figure:
    """A lane for each kind of event, time running downwards, a slider over years.

    Each year's frame shows with their names what had happened by its end; what was yet to come is
    a pale ring.

    Args:
        events: at least two years of them.
    """
    import plotly.graph_objects as go

    events = sorted(events, key=lambda event: event.date)
    first, last = events[0].date.year, events[-1].date.year
    labels = places(events)
    frames = [
        go.Frame(data=_until(events, labels, year), name=f"{year}")
        for year in range(first, last + 1)
    ]
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
        yaxis={"range": [max(labels) + APART, _years(events[0]) - APART], "fixedrange": True}
        | {"dtick": 1, "tickformat": "d", "gridcolor": GRID, "ticks": ""},
        sliders=[control],
        updatemenus=[button],
        hoverlabel={"bgcolor": PAPER, "font": {"color": INK}, "align": "left"},
        showlegend=False,
        margin={"t": 168, "b": 8},
        height=1120,
    )


def places(events: Sequence[Event]) -> list[float]:
    """Where the events' labels stand, in years: at their date, or below the last of their lane.

    Args:
        events: oldest first.
    """
    free: dict[str, float] = {}
    spots = []
    for event in events:
        spot = max(_years(event), free.get(event.kind, float("-inf")))
        free[event.kind] = spot + APART
        spots.append(spot)
    return spots


def listed(events: Sequence[Event] = EVENTS) -> HTML:
    """The same events as a list in words, oldest first: when, what, whose word, how checked."""
    from IPython.display import HTML

    lines = []
    for event in sorted(events, key=lambda event: event.date):
        what, by = escape(event.what), escape(event.by)
        lines.append(
            f"<li><b>{escape(event.title)}</b>, {event.day}, {event.kind}. {what} "
            f"<i>{by}; checked with {CHECKED_WITH[event.confidence]}.</i></li>"
        )
    return HTML(f'<ul class="poisonlib-chronicle">{"".join(lines)}</ul>')


def _years(event: Event) -> float:
    """A date as a number of years."""
    return event.date.year + (event.date.timetuple().tm_yday - 1) / 365.25


def _until(events: Sequence[Event], labels: Sequence[float], year: int) -> list[go.Scatter]:
    """What had happened by the end of a year: marks and names of each lane, and pale rings."""
    import plotly.graph_objects as go

    coming = [event for event in events if event.date.year > year]
    traces = [
        go.Scatter(
            x=[LANES[event.kind][2] for event in coming] or [None],
            y=[_years(event) for event in coming] or [None],
            mode="markers", hoverinfo="skip",
            marker={"color": "#ffffff", "size": 7, "line": {"color": _YET_TO_COME, "width": 1}},
        )
    ]  # fmt: skip
    for kind, (_, role, lane) in LANES.items():
        mine = [
            (event, label)
            for event, label in zip(events, labels, strict=True)
            if event.kind == kind and event.date.year <= year
        ]
        shared = {"hovertext": [_told(event) for event, _ in mine], "hoverinfo": "text"}
        traces.append(
            go.Scatter(
                x=[lane] * len(mine) or [None],
                y=[_years(event) for event, _ in mine] or [None],
                mode="markers",
                marker=role.marker | {"size": 10},
                **shared,
            )  # fmt: skip
        )
        traces.append(
            go.Scatter(
                x=[lane + 0.06] * len(mine) or [None],
                y=[label for _, label in mine] or [None],
                mode="text",
                text=[event.title for event, _ in mine],
                textposition="middle right",
                textfont={"size": 11, "color": INK},
                **shared,
            )  # fmt: skip
        )
    return traces


def _told(event: Event) -> str:
    """The hover text: lines short enough for a phone."""
    lines = textwrap.wrap(event.what, 40) + [
        f"<i>{line}</i>" for line in textwrap.wrap(event.by, 40)
    ]
    return "<br>".join([f"<b>{event.title}</b>, {event.day}", *lines])

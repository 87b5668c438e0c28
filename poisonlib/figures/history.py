"""The chronicle as a picture: tools, their tests and the law, year after year."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from poisonlib.figures.frames import player, slider
from poisonlib.figures.theme import CLOAKED, DEFENDED, GRID, INK, PAPER, TARGET, Role
from poisonlib.history import EVENTS, Event

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
YET_TO_COME = "#6b6b72"
"""Grey that can still be read: of the marks and names of what has not happened yet."""


def timeline(events: Sequence[Event] = EVENTS) -> go.Figure:
    """A lane for each kind of event, time running downwards, a slider over years.

    Each year's frame shows in colour what had happened by its end, the year's own with larger
    marks; what was yet to come is a grey ring with a grey name.

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
    """What had happened by the end of a year in each lane, and what had not, with their names."""
    placed = list(zip(events, labels, strict=True))
    coming = [(event, label) for event, label in placed if event.date.year > year]
    ring = {"color": PAPER, "size": 7, "line": {"color": YET_TO_COME, "width": 1}}
    traces = _named(coming, ring, YET_TO_COME)
    for kind, (_, role, _) in LANES.items():
        mine = [one for one in placed if one[0].kind == kind and one[0].date.year <= year]
        sizes = [12 if event.date.year == year else 8 for event, _ in mine]
        # Plotly takes several sizes for bubbles, which it would make pale and outline.
        solid = {"size": sizes or 8, "opacity": 1, "line": {"width": 0}}
        traces += _named(mine, role.marker | solid, INK)
    return traces


def _named(
    placed: Sequence[tuple[Event, float]], marker: dict[str, Any], colour: str
) -> list[go.Scatter]:
    """Marks of events, and their names where the labels stand."""
    import plotly.graph_objects as go

    lanes = [LANES[event.kind][2] for event, _ in placed]
    shared = {"hovertext": [_told(event) for event, _ in placed], "hoverinfo": "text"}
    return [
        go.Scatter(
            x=lanes or [None], y=[_years(event) for event, _ in placed] or [None],
            mode="markers", marker=marker, **shared,
        ),
        go.Scatter(
            x=[lane + 0.06 for lane in lanes] or [None],
            y=[label for _, label in placed] or [None],
            mode="text", text=[event.title for event, _ in placed],
            textposition="middle right", textfont={"size": 11, "color": colour}, **shared,
        ),
    ]  # fmt: skip


def _told(event: Event) -> str:
    """The hover text: lines short enough for a phone."""
    lines = textwrap.wrap(event.what, 40) + [
        f"<i>{line}</i>" for line in textwrap.wrap(event.by, 40)
    ]
    return "<br>".join([f"<b>{event.title}</b>, {event.day}", *lines])

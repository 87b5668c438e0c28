"""The book in one look: what you share, what you protect, and what the trainer does next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from torch import Tensor

from poisonlib.figures.faces import data_uri
from poisonlib.figures.theme import INK, Role

if TYPE_CHECKING:
    import plotly.graph_objects as go

REPORTED = "#8a8a8a"
FACE = 0.9
"""Side of a photograph, in units of the distance between two moments."""
THINNEST = 0.02
"""Least height of a reported range, so that a single number can be seen."""


@dataclass(frozen=True)
class Moment:
    """One moment of the game.

    Attributes:
        player: whose move it is.
        title: what happens, in a word or two; ``<br>`` breaks the line.
        image: ``(3, h, w)`` the photograph that is in the gallery at this moment.
        role: how its error is drawn.
        error: of the recogniser on the user's clean photographs, in [0, 1].
        low, high: its interval.
        reported: the range of errors that the paper reports for such a moment.
    """

    player: str
    title: str
    image: Tensor
    role: Role
    _: KW_ONLY
    error: float | None = None
    low: float | None = None
    high: float | None = None
    reported: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        measured = (self.error, self.low, self.high)
        if any(value is None for value in measured) and self.reported is None:
            raise ValueError(
                f"moment {self.title!r} needs an error with low and high, or a reported range"
            )


def moments(steps: Sequence[Moment]) -> go.Figure:
    """Photographs from left to right in time, framed as their errors below are drawn.

    A stem's height is how often the recogniser fails; it carries the mark, its interval and the
    number. What the paper reports for such a moment is a grey band.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    above = {"xref": "x", "yref": "paper", "showarrow": False, "yanchor": "top"}
    for place, step in enumerate(steps):
        fig.add_layout_image(
            source=data_uri(step.image), xref="x", yref="y2", x=place - FACE / 2, y=FACE / 2,
            sizex=FACE, sizey=FACE, sizing="stretch",
        )  # fmt: skip
        fig.add_shape(
            type="rect", xref="x", yref="y2", x0=place - FACE / 2, x1=place + FACE / 2,
            y0=-FACE / 2, y1=FACE / 2, line=step.role.line | {"width": 4},
        )  # fmt: skip
        fig.add_annotation(above, text=step.title, x=place, y=0.92, font={"size": 13})
        if step.reported is not None:
            low, high = step.reported
            if high - low < THINNEST:
                low, high = (low + high - THINNEST) / 2, (low + high + THINNEST) / 2
            fig.add_shape(
                type="rect", x0=place - 0.36, x1=place + 0.36, y0=low, y1=high, layer="below",
                fillcolor=REPORTED, opacity=0.45, line={"width": 0},
            )  # fmt: skip
        if step.error is not None:
            fig.add_shape(
                type="line", x0=place, x1=place, y0=0, y1=step.error,
                line=step.role.line | {"width": 3}, layer="below",
            )  # fmt: skip
            fig.add_trace(_error(place, step))
    for player, turn in groupby(range(len(steps)), key=lambda place: steps[place].player):
        first, *_, last = [*turn] * 2
        fig.add_annotation(above, text=f"<b>{player}</b>", x=(first + last) / 2, y=1)
        fig.add_shape(
            type="line", xref="x", yref="paper", x0=first - 0.46, x1=last + 0.46, y0=0.935,
            y1=0.935, line={"color": INK, "width": 2},
        )  # fmt: skip
    if any(step.reported is not None for step in steps):
        fig.add_scatter(
            x=[None], y=[None], name="as the paper reports", mode="markers",
            marker={"symbol": "square", "size": 13, "color": REPORTED, "opacity": 0.6},
        )  # fmt: skip
    fig.add_annotation(
        text="How often the recogniser fails on new photographs", xref="paper", x=0.5,
        yref="paper", y=0.49, yanchor="top", showarrow=False, font={"size": 13},
    )  # fmt: skip
    fig.update_layout(
        xaxis={"range": [-0.52, len(steps) - 0.48], "visible": False, "fixedrange": True}
        | {"constrain": "domain", "anchor": "y"},
        yaxis={"domain": [0, 0.42], "range": [-0.03, 1.3], "visible": False, "fixedrange": True},
        yaxis2={"domain": [0.55, 0.83], "range": [-0.5, 0.5], "visible": False, "fixedrange": True}
        | {"scaleanchor": "x", "constrain": "domain", "constraintoward": "top", "anchor": "x"},
        legend={"x": 0.5, "xanchor": "center", "y": -0.01, "yanchor": "top"},
        margin={"t": 12, "b": 36},
        height=490,
    )
    # An axis without a trace of its own is not drawn, nor what refers to it.
    fig.add_scatter(x=[0], y=[0], yaxis="y2", opacity=0, showlegend=False, hoverinfo="skip")
    fig.add_shape(
        type="line", x0=-0.5, x1=len(steps) - 0.5, y0=0, y1=0, line={"color": INK, "width": 1}
    )
    return fig


def _error(place: int, step: Moment) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[place], y=[step.error], mode="markers+text", text=[f"<b>{step.error:.0%}</b>"],
        textposition="top center", textfont={"size": 22, "color": INK}, cliponaxis=False,
        marker=step.role.marker | {"size": 16}, showlegend=False,
        error_y={"type": "data", "symmetric": False, "array": [step.high - step.error],
                 "arrayminus": [step.error - step.low], "color": step.role.colour},
        hovertemplate="%{y:.1%}<extra></extra>",
    )  # fmt: skip

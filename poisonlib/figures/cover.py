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
    """Photographs from left to right in time, and under each the error that it leads to."""
    import plotly.graph_objects as go

    fig = go.Figure()
    above = {"xref": "x", "yref": "paper", "showarrow": False}
    for place, step in enumerate(steps):
        fig.add_layout_image(
            source=data_uri(step.image), xref="x", yref="paper", x=place, y=0.82,
            sizex=0.92, sizey=0.32, xanchor="center", yanchor="top", sizing="contain",
        )  # fmt: skip
        fig.add_annotation(
            above, text=step.title, x=place, y=0.91, yanchor="top", font={"size": 12}
        )
        if step.reported is not None:
            low, high = step.reported
            if high - low < THINNEST:
                low, high = (low + high - THINNEST) / 2, (low + high + THINNEST) / 2
            fig.add_shape(
                type="rect", x0=place - 0.3, x1=place + 0.3, y0=low, y1=high,
                fillcolor=REPORTED, opacity=0.45, line={"width": 0},
            )  # fmt: skip
        if step.error is not None:
            fig.add_trace(_error(place, step))
    for player, turn in groupby(range(len(steps)), key=lambda place: steps[place].player):
        first, *_, last = [*turn] * 2
        fig.add_annotation(above, text=f"<b>{player}</b>", x=(first + last) / 2, y=1, yanchor="top")
        fig.add_shape(
            type="line", xref="x", yref="paper", x0=first - 0.44, x1=last + 0.44, y0=0.93,
            y1=0.93, line={"color": INK, "width": 2},
        )  # fmt: skip
    if any(step.reported is not None for step in steps):
        fig.add_scatter(
            x=[None], y=[None], name="as the paper reports", mode="markers",
            marker={"symbol": "square", "size": 13, "color": REPORTED, "opacity": 0.6},
        )  # fmt: skip
    fig.update_layout(
        xaxis={"range": [-0.6, len(steps) - 0.4], "visible": False},
        yaxis={"domain": [0, 0.4], "range": [-0.08, 1.1], "tickformat": ".0%",
               "title": {"text": "not recognised"}, "tickvals": [0, 0.5, 1]},
        legend={"y": 0.42, "yanchor": "bottom"},
        margin={"t": 12},
        height=470,
    )  # fmt: skip
    return fig


def _error(place: int, step: Moment) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[place], y=[step.error], mode="markers+text", text=[f" {step.error:.0%}"],
        textposition="middle right", textfont={"size": 16, "color": INK}, cliponaxis=False,
        marker=step.role.marker | {"size": 14}, showlegend=False,
        error_y={"type": "data", "symmetric": False, "array": [step.high - step.error],
                 "arrayminus": [step.error - step.low], "color": step.role.colour},
        hovertemplate="%{y:.1%}<extra></extra>",
    )  # fmt: skip

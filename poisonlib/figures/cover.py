"""The book at a glance: what you share, what you cloak, and what the trainer does next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from poisonlib.figures.faces import data_uri
from poisonlib.figures.theme import INK, Role
from poisonlib.paper import Claim
from poisonlib.statistics import Rate

if TYPE_CHECKING:
    import plotly.graph_objects as go

REPORTED = "#8a8a8a"
FACE = 0.9
"""Side of a photograph, in units of the distance between two moments."""
THINNEST = 0.02
"""Least height of a reported range, so that a single number can be seen."""


class Moment(NamedTuple):
    """One moment of the game.

    Attributes:
        player: whose move it is.
        title: what happens, in a word or two; ``<br>`` breaks the line.
        image: ``(3, h, w)`` the photograph that is in the gallery at this moment.
        role: how its error is drawn.
        error: of the recogniser on the user's clean photographs.
        reported: what the paper reports for such a moment, if anything.
    """

    player: str
    title: str
    image: Tensor
    role: Role
    error: Rate
    reported: Claim | None = None


def moments(steps: Sequence[Moment]) -> go.Figure:
    """Photographs from left to right in time, framed as their errors below are drawn.

    A stem's height is how often the recogniser fails; it carries the mark, its interval and the
    number. A grey band shows what the paper reports for such a moment.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    above = {"yref": "paper", "showarrow": False, "yanchor": "top"}
    for x, step in enumerate(steps):
        square = {"xref": "x", "yref": "y2"}
        fig.add_layout_image(
            square, source=data_uri(step.image), x=x - FACE / 2, y=FACE / 2, sizex=FACE,
            sizey=FACE, sizing="stretch",
        )  # fmt: skip
        fig.add_shape(
            square, type="rect", x0=x - FACE / 2, x1=x + FACE / 2, y0=-FACE / 2, y1=FACE / 2,
            line=step.role.line | {"width": 4},
        )  # fmt: skip
        fig.add_annotation(above, text=step.title, x=x, y=0.935, font={"size": 13})
        if step.reported is not None:
            middle = (step.reported.low + step.reported.high) / 2
            half = max(step.reported.high - step.reported.low, THINNEST) / 2
            fig.add_shape(
                type="rect", x0=x - 0.36, x1=x + 0.36, y0=middle - half, y1=middle + half,
                layer="below", fillcolor=REPORTED, opacity=0.45, line={"width": 0},
            )  # fmt: skip
        error = step.error
        fig.add_shape(
            type="line", x0=x, x1=x, y0=0, y1=error.value, line=step.role.line | {"width": 3},
            layer="below",
        )  # fmt: skip
        fig.add_scatter(
            x=[x], y=[error.value], mode="markers+text", text=[f"<b>{error.value:.0%}</b>"],
            textposition="top center", textfont={"size": 22, "color": INK}, cliponaxis=False,
            marker=step.role.marker | {"size": 16}, showlegend=False,
            error_y={"symmetric": False, "array": [error.high - error.value],
                     "arrayminus": [error.value - error.low], "color": step.role.colour},
            hovertemplate="%{y:.1%}<extra></extra>",
        )  # fmt: skip
    for player, turn in groupby(range(len(steps)), key=lambda x: steps[x].player):
        first, *_, last = [*turn] * 2
        fig.add_annotation(above, text=f"<b>{player}</b>", x=(first + last) / 2, y=1)
        fig.add_shape(
            type="line", yref="paper", x0=first - 0.46, x1=last + 0.46, y0=0.95, y1=0.95,
            line={"color": INK, "width": 2},
        )  # fmt: skip
    fig.add_scatter(
        x=[None], y=[None], name="as the paper reports", mode="markers",
        marker={"symbol": "square", "size": 13, "color": REPORTED, "opacity": 0.6},
    )  # fmt: skip
    # An axis without a trace of its own is not drawn, nor what refers to it.
    fig.add_scatter(x=[0], y=[0], yaxis="y2", opacity=0, showlegend=False, hoverinfo="skip")
    fig.add_annotation(
        above, text="How often the recogniser fails<br>on new photographs", xref="paper", x=0.5,
        y=0.47, font={"size": 13},
    )  # fmt: skip
    fig.add_shape(
        type="line", x0=-0.5, x1=len(steps) - 0.5, y0=0, y1=0, line={"color": INK, "width": 1}
    )
    hidden = {"visible": False, "fixedrange": True}
    return fig.update_layout(
        xaxis=hidden | {"range": [-0.52, len(steps) - 0.48], "constrain": "domain", "anchor": "y"},
        yaxis=hidden | {"domain": [0, 0.38], "range": [-0.03, 1.3]},
        yaxis2=hidden
        | {"domain": [0.49, 0.86], "range": [-0.5, 0.5], "scaleanchor": "x"}
        | {"constrain": "domain", "constraintoward": "top", "anchor": "x"},
        legend={"x": 0.5, "xanchor": "center", "y": -0.01, "yanchor": "top"},
        margin={"t": 12, "b": 36},
        height=580,
    )

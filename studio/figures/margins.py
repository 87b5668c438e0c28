"""What a loss asks of a photograph: the logit of the true class over the angle to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, INK, TARGET, Role
from studio.training.losses import AdaFace, AngularMargin, ArcFace, CosFace, MagFace

if TYPE_CHECKING:
    import plotly.graph_objects as go

STEPS = 91
LENGTHS = {"short": 0.0, "middling": 0.5, "long": 1.0}
"""Feature lengths by name, from the shortest that counts to the longest."""


@dataclass(frozen=True)
class _Head:
    name: str
    loss: AngularMargin | None
    role: Role


def heads() -> list[_Head]:
    """The losses of the figure, with the constants of their papers."""
    ada = AdaFace(2, 2).eval()
    ada.mean.fill_(20.0)
    ada.std.fill_(5.0)
    return [
        _Head("softmax", None, CLEAN),
        _Head("CosFace", CosFace(2, 2), TARGET),
        _Head("ArcFace", ArcFace(2, 2), CLOAKED),
        _Head("MagFace", MagFace(2, 2), Role("MagFace", INK, "star", "longdash")),
        _Head("AdaFace", ada, DEFENDED),
    ]


def target_logit(loss: AngularMargin | None, degrees: torch.Tensor, *, length: float):
    """The logit of the true class, divided by the scale; ``cos t`` for softmax on unit rows.

    Args:
        loss: a margin loss, or None for none.
        degrees: ``(n,)`` angles to the weight of the true class.
        length: of the feature, 0 for the shortest that counts and 1 for the longest.

    Returns:
        ``(n,)`` tensor.
    """
    cosine = degrees.deg2rad().cos()[:, None]
    if loss is None:
        return cosine[:, 0]
    shortest, longest = _lengths(loss)
    norm = torch.full_like(cosine, shortest + length * (longest - shortest))
    with torch.no_grad():
        return loss.widened(cosine, norm)[:, 0]


def _lengths(loss: AngularMargin) -> tuple[float, float]:
    """The feature lengths between which a loss tells photographs apart."""
    if isinstance(loss, MagFace):
        return loss.norms
    if isinstance(loss, AdaFace):
        reach = float(loss.std) / loss.concentration
        return max(1e-3, float(loss.mean) - reach), float(loss.mean) + reach
    return 1.0, 1.0


def logit_by_angle(*, lengths: Mapping[str, float] = LENGTHS) -> go.Figure:
    """The target logit of five losses over the angle, a slider over the feature's length."""
    import plotly.graph_objects as go

    degrees = torch.linspace(0, 180, STEPS)
    frames = []
    for name, length in lengths.items():
        traces = [
            go.Scatter(
                x=degrees.tolist(),
                y=target_logit(head.loss, degrees, length=length).tolist(),
                name=head.name,
                mode="lines+markers",
                line=head.role.line,
                marker=head.role.marker | {"size": 8, "maxdisplayed": 9},
                hovertemplate="%{x:.0f}°: %{y:.2f}",
            )
            for head in heads()
        ]
        frames.append(go.Frame(data=traces, name=name))
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        xaxis={"title": {"text": "angle to the own class, °"}, "dtick": 45},
        yaxis={"title": {"text": "logit of the own class / s"}, "range": [-2.1, 1.1]},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        sliders=slider(list(lengths), prefix="feature", below=60),
        margin={"t": 104},
        height=540,
    )

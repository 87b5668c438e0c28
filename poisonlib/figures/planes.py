"""Embeddings of a user and a few others in a plane: where cloaks lie, and who is nearest.

Every extractor has a space of its own, so that each gets a plane of its own, by one rule that
looks at clean photographs only. The first direction leads from other people to the user. The
second is the one in which the other people differ most, at right angles to the first. Distances
keep their size: a plane is a projection, not a fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, TARGET

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Plane:
    """What one extractor sees, projected.

    Attributes:
        name: of the extractor, or of what else the slider changes.
        others: ``(m, 2)`` gallery photographs of a few other people.
        cloaked: ``(k, 2)`` the user's photographs in the gallery.
        probes: ``(p, 2)`` the user's clean photographs.
        nearest: ``(p, 2)`` the gallery photograph nearest to each probe, among everybody's and in
            the space itself, not in the plane.
        right: ``(p,)`` bool, whether that is one of the user's.
    """

    name: str
    others: Tensor
    cloaked: Tensor
    probes: Tensor
    nearest: Tensor
    right: Tensor

    @property
    def title(self) -> str:
        return f"Misnamed: {int((~self.right).sum())} of {len(self.right)} clean photographs"


def plane(
    name: str, *, gallery: Tensor, labels: Tensor, probes: Tensor, user: int, shown: Sequence[int]
) -> Plane:
    """Project one extractor's rows.

    Args:
        name: of the extractor.
        gallery: ``(n, d)`` rows of everybody's photographs, those of the user cloaked.
        labels: ``(n,)`` whose they are.
        probes: ``(p, d)`` rows of the user's clean photographs.
        user: the user's label.
        shown: labels of the other people to draw, at least two.

    Raises:
        ValueError: fewer than two other people, or people without photographs.
    """
    if len(set(shown) - {user}) < 2:
        raise ValueError(f"a plane needs at least two other people, got {list(shown)}")
    if missing := set(shown) - set(labels.tolist()):
        raise ValueError(f"no photographs of {sorted(missing)} among the rows")
    centres = torch.stack([gallery[labels == who].mean(dim=0) for who in shown if who != user])
    middle = centres.mean(dim=0)
    towards = F.normalize(probes.mean(dim=0) - middle, dim=0)
    spread = centres - middle
    spread = spread - (spread @ towards)[:, None] * towards
    across = torch.linalg.svd(spread, full_matrices=False).Vh[0]
    # A direction has two ends: let the first of the people shown be above.
    across = across * torch.sign((spread @ across)[0])
    axes = torch.stack([towards, across], dim=1)
    among = torch.isin(labels, torch.tensor([who for who in shown if who != user]))
    found = (probes @ gallery.T).argmax(dim=1)

    def drawn(rows: Tensor) -> Tensor:
        return (rows - middle) @ axes

    return Plane(
        name,
        others=drawn(gallery[among]),
        cloaked=drawn(gallery[labels == user]),
        probes=drawn(probes),
        nearest=drawn(gallery[found]),
        right=labels[found] == user,
    )


def neighbours(planes: Sequence[Plane], *, prefix: str = "extractor") -> go.Figure:
    """The user's clean and cloaked photographs among others', a slider over planes.

    A line joins each clean photograph with its nearest neighbour in the gallery.

    Args:
        planes: one is drawn without a slider.
        prefix: what the slider changes from one to the next.
    """
    import plotly.graph_objects as go

    drawn = [(one, _traces(one)) for one in planes]
    fig = go.Figure(
        data=drawn[0][1],
        frames=[
            go.Frame(data=traces, name=one.name, layout={"title": {"text": one.title}})
            for one, traces in drawn
        ]
        if len(drawn) > 1
        else None,
    )
    points = torch.cat(
        [torch.cat([one.others, one.cloaked, one.probes, one.nearest]) for one in planes]
    )
    low, high = (points.amin(dim=0) - 0.08).tolist(), (points.amax(dim=0) + 0.08).tolist()
    axis = {"constrain": "domain", "dtick": 0.5}
    fig.update_layout(
        title={"text": planes[0].title, "font": {"size": 14}, "y": 0.98, "yanchor": "top"},
        xaxis=axis | {"range": [low[0], high[0]], "title": {"text": "towards the user"}},
        yaxis=axis
        | {"range": [low[1], high[1]], "title": {"text": "between other people"}}
        | {"scaleanchor": "x", "constraintoward": "top"},
        legend={"orientation": "v"},
        margin={"t": 148},
        height=640,
    )
    if len(planes) > 1:
        names = [one.name for one in planes]
        fig.update_layout(sliders=slider(names, prefix=prefix, below=60))
    return fig


def _traces(one: Plane) -> list[go.Scatter]:
    wrong = ~one.right
    dotted = {"color": INK, "dash": "dot", "width": 1}
    return [
        _lines(one.probes[one.right], one.nearest[one.right], "nearest: you", CLEAN.line),
        _lines(one.probes[wrong], one.nearest[wrong], "nearest: other", dotted),
        _points(one.others, "other people", TARGET.marker | {"size": 6, "opacity": 0.6}),
        _points(one.nearest[wrong], "", TARGET.marker | {"size": 6}, legend=False),
        _points(one.cloaked, "you, cloaked", CLOAKED.marker | {"size": 10}),
        _points(one.probes, "you, clean", CLEAN.marker | {"size": 10}),
    ]


def _points(points: Tensor, name: str, marker: dict, *, legend: bool = True) -> go.Scatter:
    import plotly.graph_objects as go

    x, y = points.T.tolist()
    return go.Scatter(
        x=x or [None], y=y or [None], name=name, mode="markers", marker=marker,
        hoverinfo="name" if legend else "skip", showlegend=legend,
    )  # fmt: skip


def _lines(starts: Tensor, ends: Tensor, name: str, line: dict) -> go.Scatter:
    """One trace of separate segments; gaps are what None leaves."""
    import plotly.graph_objects as go

    x, y = (
        [value for a, b in zip(starts[:, k].tolist(), ends[:, k].tolist(), strict=True)
         for value in (a, b, None)]
        for k in (0, 1)
    )  # fmt: skip
    return go.Scatter(
        x=x or [None], y=y or [None], name=name, mode="lines", line=line, hoverinfo="skip"
    )

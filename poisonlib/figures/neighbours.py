"""A user's photographs among other people's, in a plane: where cloaks lie, and who is nearest.

Every extractor has a space of its own, and so a plane of its own, by one rule that looks at clean
photographs only. The first direction leads from other people to the user. The second is the one in
which the other people differ most, at right angles to the first. Distances between the projections
are never longer than those in the space: nothing is stretched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib.figures.frames import slider as slider_over
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, TARGET

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Plane:
    """A user's photographs and some other people's in two dimensions.

    Attributes:
        others: ``(m, 2)`` gallery photographs of some other people.
        labels: ``(m,)`` whose they are.
        shared: ``(k, 2)`` the user's photographs in the gallery.
        probes: ``(p, 2)`` the user's clean photographs.
        nearest: ``(p, 2)`` the gallery photograph nearest to each probe: in the embedding space,
            among everybody's, whether drawn or not.
        correct: ``(p,)`` bool, whether that is one of the user's.
        axes: what the two dimensions stand for.
    """

    others: Tensor
    labels: Tensor
    shared: Tensor
    probes: Tensor
    nearest: Tensor
    correct: Tensor
    axes: tuple[str, str]

    @property
    def misnamed(self) -> int:
        """How many of the user's clean photographs get another name."""
        return int((~self.correct).sum())

    @property
    def title(self) -> str:
        """The recogniser's result in a line."""
        return f"Misnamed: {self.misnamed} of {len(self.correct)} clean photographs"


def plane(
    gallery: Tensor, labels: Tensor, probes: Tensor, *, user: int, shown: Sequence[int]
) -> Plane:
    """Project an extractor's embeddings; those of two coordinates stay as they are.

    Args:
        gallery: ``(n, d)`` embeddings of everybody's photographs, those of the user cloaked.
        labels: ``(n,)`` whose they are.
        probes: ``(p, d)`` embeddings of the user's clean photographs.
        user: the user's label.
        shown: labels of the other people to draw, at least two.

    Raises:
        ValueError: fewer than two other people, or people without photographs.
    """
    people = [who for who in dict.fromkeys(shown) if who != user]
    if len(people) < 2:
        raise ValueError(f"a plane needs at least two other people, got {list(shown)}")
    if missing := set(people) - set(labels.tolist()):
        raise ValueError(f"no photographs of {sorted(missing)} in the gallery")
    among = torch.isin(labels, torch.tensor(people))
    nearest = torch.cdist(probes, gallery).argmin(dim=1)
    project, axes = _projection(gallery, labels, probes, people)
    return Plane(
        others=project(gallery[among]),
        labels=labels[among],
        shared=project(gallery[labels == user]),
        probes=project(probes),
        nearest=project(gallery[nearest]),
        correct=labels[nearest] == user,
        axes=axes,
    )


def _projection(
    gallery: Tensor, labels: Tensor, probes: Tensor, people: Sequence[int]
) -> tuple[Callable[[Tensor], Tensor], tuple[str, str]]:
    if gallery.shape[1] == 2:
        return lambda embeddings: embeddings, ("feature 1", "feature 2")
    centres = torch.stack([gallery[labels == who].mean(dim=0) for who in people])
    middle = centres.mean(dim=0)
    towards = F.normalize(probes.mean(dim=0) - middle, dim=0)
    spread = centres - middle
    spread = spread - (spread @ towards)[:, None] * towards
    across = torch.linalg.svd(spread, full_matrices=False).Vh[0]
    # A direction has two ends: let the first of the people shown be above.
    across = across * torch.sign((spread @ across)[0])
    axes = torch.stack([towards, across], dim=1)
    named = ("towards the user", "between other people")
    return lambda embeddings: (embeddings - middle) @ axes, named


def draw(
    planes: Mapping[str, Plane], *, slider: str, names: Mapping[int, str] | None = None
) -> go.Figure:
    """The user's clean and shared photographs among others', a slider over planes.

    A line joins each clean photograph with its nearest neighbour in the gallery.

    Args:
        planes: by the name of the slider's step; one alone is drawn without a slider.
        slider: what the slider changes from one to the next.
        names: of other people by label, to write next to their photographs.
    """
    import plotly.graph_objects as go

    first, *_ = planes.values()
    frames = [
        go.Frame(data=_traces(one, names or {}), name=name, layout={"title": {"text": one.title}})
        for name, one in planes.items()
    ]
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    points = torch.cat(
        [torch.cat([one.others, one.shared, one.probes, one.nearest]) for one in planes.values()]
    )
    low, high = points.amin(dim=0), points.amax(dim=0)
    room = 0.06 * (high - low).amax()
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    axis = {"constrain": "domain", "nticks": 7, "tickangle": 0}
    fig.update_layout(
        title={"text": first.title, "font": {"size": 14}, "y": 0.98, "yanchor": "top"},
        xaxis=axis | {"range": [left, right], "title": {"text": first.axes[0]}},
        yaxis=axis
        | {"range": [bottom, top], "title": {"text": first.axes[1]}}
        | {"scaleanchor": "x", "constraintoward": "top"},
        legend={"entrywidth": 0.5, "entrywidthmode": "fraction", "font": {"size": 12}},
        margin={"t": 116},
        height=600,
    )
    if len(planes) > 1:
        fig.update_layout(sliders=slider_over(list(planes), prefix=slider, below=60))
    return fig


def _traces(one: Plane, names: Mapping[int, str]) -> list[go.Scatter]:
    import plotly.graph_objects as go

    wrong = ~one.correct
    dotted = {"color": INK, "dash": "dot", "width": 1}
    places = [one.others[one.labels == who] for who in names]
    return [
        _lines(one.probes[one.correct], one.nearest[one.correct], "nearest: you", CLEAN.line),
        _lines(one.probes[wrong], one.nearest[wrong], "nearest: other", dotted),
        _points(one.others, "other people", TARGET.marker | {"size": 6, "opacity": 0.6}),
        _points(one.nearest[wrong], "", TARGET.marker | {"size": 6}, legend=False),
        _points(one.shared, "you, shared", CLOAKED.marker | {"size": 10}),
        _points(one.probes, "you, clean", CLEAN.marker | {"size": 10}),
        go.Scatter(
            x=[float(points[:, 0].mean()) for points in places] or [None],
            y=[float(points[:, 1].min()) for points in places] or [None],
            text=[f"<br>{name}" for name in names.values()],
            mode="text",
            textposition="bottom center",
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        ),
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

    x, y = (_segments(starts[:, k].tolist(), ends[:, k].tolist()) for k in (0, 1))
    return go.Scatter(
        x=x or [None], y=y or [None], name=name, mode="lines", line=line, hoverinfo="skip"
    )


def _segments(starts: Iterable[float], ends: Iterable[float]) -> list[float | None]:
    pairs = zip(starts, ends, strict=True)
    return [value for start, end in pairs for value in (start, end, None)]

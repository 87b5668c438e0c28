"""A town of a few people in a two-dimensional feature space, to see a neighbour move.

A photograph here is three numbers. Two say who is on it, as the position in the plane. The third
is a trace: something in the pixels that says nothing about the face, that a cloak is free to
change, and that an extractor may or may not pay attention to. That is all it takes to show both
moves of the game: the user's, which changes the trace, and the trainer's, which changes how much
the trace counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, TARGET

if TYPE_CHECKING:
    import plotly.graph_objects as go

NAMES = ("you", "Ada", "Bo", "Cleo", "Dev")
HOMES = np.array([[0.0, 0.0], [1.2, 1.5], [-1.5, 1.1], [-1.4, -1.2], [1.3, -1.5]])
SCATTER = 0.27
TRACE_DIRECTION = np.array([3.2, 0.15])
"""Where one unit of trace moves a photograph, in an extractor that reads it fully."""
TURN = 0.6
"""Angle in radians by which a retrained extractor's plane differs from the first one's."""


@dataclass(frozen=True)
class ToyPhotos:
    """Photographs in the toy.

    Attributes:
        faces: ``(n, 2)``, what a photograph says about the person.
        trace: ``(n,)``, what a cloak can change; 0 on a clean photograph.
        labels: ``(n,)`` index into ``NAMES``; 0 is the user.
    """

    faces: NDArray
    trace: NDArray
    labels: NDArray


def town(*, seed: int, photos: int = 6) -> tuple[ToyPhotos, ToyPhotos]:
    """Everybody's photographs for the gallery, and clean ones of the user to test with.

    Args:
        seed: of the scatter of photographs around each person's home.
        photos: of each person in the gallery, and of the user among the probes.
    """
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(NAMES)), photos)
    faces = HOMES[labels] + SCATTER * draw.standard_normal((len(labels), 2))
    probes = HOMES[:1] + SCATTER * draw.standard_normal((photos, 2))
    return (
        ToyPhotos(faces, np.zeros(len(labels)), labels),
        ToyPhotos(probes, np.zeros(photos), np.zeros(photos, dtype=int)),
    )


def cloak(photos: ToyPhotos, *, strength: float, user: int = 0) -> ToyPhotos:
    """The same photographs, with a trace of ``strength`` added to the user's."""
    return replace(photos, trace=photos.trace + strength * (photos.labels == user))


def features(photos: ToyPhotos, *, attention: float = 1.0) -> NDArray:
    """What an extractor makes of photographs: points ``(n, 2)``.

    Args:
        attention: how much the extractor reads the trace, in [0, 1]. 1 is the one that the cloak
            was made for. The less a trainer's next extractor reads it, the more it differs in
            other ways, too: its plane is turned by up to ``TURN``.
    """
    seen = photos.faces + attention * photos.trace[:, None] * TRACE_DIRECTION
    angle = (1 - attention) * TURN
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return seen @ turn.T


@dataclass(frozen=True)
class ToyStep:
    """One position of the slider.

    Attributes:
        name: what the slider says.
        gallery: ``(n, 2)`` points of the gallery.
        probes: ``(m, 2)`` points of the user's clean photographs.
    """

    name: str
    gallery: NDArray
    probes: NDArray


def nearest(gallery: NDArray, probes: NDArray) -> NDArray:
    """Index ``(m,)`` of the gallery point closest to each probe."""
    return np.linalg.norm(probes[:, None] - gallery[None], axis=2).argmin(axis=1)


def moving_neighbour(
    steps: Sequence[ToyStep], *, labels: NDArray, prefix: str, user: int = 0
) -> go.Figure:
    """The plane at each step: gallery, clean probes, and a line to each probe's neighbour.

    Args:
        steps: positions of the slider, the first of which opens the figure; one alone gives a
            figure without a slider.
        labels: ``(n,)`` whose the gallery points are; ``user`` is the one who cloaks.
        prefix: what the slider sets.
    """
    import plotly.graph_objects as go

    drawn = [(step, _traces(step, labels, user)) for step in steps]
    fig = go.Figure(
        data=drawn[0][1],
        frames=[
            go.Frame(data=traces, name=step.name, layout={"title": {"text": _title(step, labels)}})
            for step, traces in drawn
        ],
    )
    points = np.concatenate([np.concatenate([step.gallery, step.probes]) for step in steps])
    low, high = points.min(axis=0) - (0.3, 0.8), points.max(axis=0) + 0.3
    axis = {"showticklabels": False, "ticks": "", "constrain": "domain"}
    fig.update_layout(
        title={"text": _title(steps[0], labels), "font": {"size": 14}, "y": 0.98, "yanchor": "top"},
        xaxis=axis | {"range": [low[0], high[0]], "title": {"text": "feature 1"}},
        yaxis=axis
        | {"range": [low[1], high[1]], "title": {"text": "feature 2"}}
        | {"scaleanchor": "x", "constraintoward": "top"},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        margin={"t": 116},
        height=600,
    )
    if len(steps) > 1:
        fig.update_layout(sliders=slider([step.name for step in steps], prefix=prefix))
    return fig


def misnamed(step: ToyStep, labels: NDArray, *, user: int = 0) -> int:
    """How many of the user's clean photographs get somebody else's name."""
    return int((labels[nearest(step.gallery, step.probes)] != user).sum())


def _title(step: ToyStep, labels: NDArray) -> str:
    return f"Misnamed: {misnamed(step, labels)} of {len(step.probes)} clean photographs"


def _traces(step: ToyStep, labels: NDArray, user: int) -> list[go.Scatter]:
    import plotly.graph_objects as go

    found = nearest(step.gallery, step.probes)
    right = labels[found] == user
    mine = labels == user
    others = step.gallery[~mine]
    homes = [step.gallery[labels == who].mean(axis=0) for who in np.unique(labels[~mine])]
    return [
        _lines(step.probes[right], step.gallery[found[right]], "nearest: you", CLEAN.line),
        _lines(
            step.probes[~right],
            step.gallery[found[~right]],
            "nearest: other",
            {"color": INK, "dash": "dot"},
        ),
        _points(others, "other people", TARGET.marker, size=8),
        _points(step.gallery[mine], "you, shared", CLOAKED.marker, size=10),
        _points(step.probes, "you, clean", CLEAN.marker, size=10),
        go.Scatter(
            x=[home[0] for home in homes],
            y=[home[1] - 0.62 for home in homes],
            text=[NAMES[who] for who in np.unique(labels[~mine])],
            mode="text",
            hoverinfo="skip",
            showlegend=False,
        ),
    ]


def _points(points: NDArray, name: str, marker: dict, *, size: int) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=points[:, 0], y=points[:, 1], name=name, mode="markers",
        marker=marker | {"size": size}, hoverinfo="name",
    )  # fmt: skip


def _lines(starts: NDArray, ends: NDArray, name: str, line: dict) -> go.Scatter:
    """One trace of separate segments; gaps are what None leaves."""
    import plotly.graph_objects as go

    x, y = ([v for a, b in zip(starts[:, k], ends[:, k], strict=True) for v in (a, b, None)]
            for k in (0, 1))  # fmt: skip
    return go.Scatter(
        x=x or [None], y=y or [None], name=name, mode="lines", line=line, hoverinfo="skip"
    )

"""A map of everybody's photographs, on which a reader picks a person, a tool and an extractor.

What the map cannot show is drawn into it: a line leads from each probe to its nearest neighbour in
the space itself, wherever the map puts that one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from poisonlib.figures.faces import data_uri
from poisonlib.figures.frames import choosers, frame_name
from poisonlib.figures.projection import Scenario, Space
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, PAPER, TARGET

if TYPE_CHECKING:
    import plotly.graph_objects as go

EDGE = 1.06
"""Where the map ends: a little beyond the places, which lie in [-1, 1]."""
LIGHT, FULL = 60, 88
"""WEBP quality of the many photographs that only show who somebody is, and of all others."""


def explorable(spaces: Sequence[Space]) -> go.Figure:
    """A frame for each user, tool and extractor, with menus to choose one and photographs to see.

    Args:
        spaces: of one scenario with at least two users, in the order of the menu; at least two.

    Returns:
        a figure that opens on the first user, no cloak, and the first extractor.
    """
    import plotly.graph_objects as go

    scenario = spaces[0].scenario
    names, by_name = scenario.photos.names, {space.name: space for space in spaces}
    menus = {
        "Person": [names[user] for user in scenario.users],
        "Tool": list(scenario.tools),
        "Extractor": list(by_name),
    }
    frames = [
        _frame(by_name[extractor], person, tool)
        for person, tool, extractor in itertools.product(*menus.values())
    ]
    fig = _laid_out(go.Figure(frames[0].data, frames=frames), frames[0])
    return fig.update_layout(meta=_photographs(scenario) | choosers(menus))


def still(space: Space, *, user: int | str, tool: str) -> go.Figure:
    """One frame of :func:`explorable` as a figure, without menus and photographs.

    Args:
        space: an extractor's.
        user: by label or name.
        tool: one of ``space.scenario.tools``.
    """
    import plotly.graph_objects as go

    frame = _frame(space, user, tool)
    return _laid_out(go.Figure(frame.data), frame)


def _laid_out(fig: go.Figure, first: go.Frame) -> go.Figure:
    axis = {"range": [-EDGE, EDGE], "fixedrange": True, "constrain": "domain", "ticks": ""}
    axis |= {"showticklabels": False, "showgrid": False}
    return fig.update_layout(
        title={"text": first.layout.title.text, "font": {"size": 14}, "y": 0.99}
        | {"yanchor": "top"},
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x", "constraintoward": "top"},
        legend={"orientation": "v", "itemclick": False, "itemdoubleclick": False},
        hoverlabel={"namelength": -1},
        dragmode=False,
        margin={"t": 168},
        height=720,
    )


def _frame(space: Space, person: int | str, tool: str) -> go.Frame:
    """Marks and lines; the user's own come first, for a keyboard, and lie on top."""
    import plotly.graph_objects as go

    scenario = space.scenario
    user = scenario.photos.label(person)
    view, own = space.view(user, tool), scenario.photos.labels == user
    probes, cloaks = _numbers(scenario)
    probes, cloaks = probes[scenario.probes.labels == user], cloaks.get((user, tool), probes[:0])
    cloaked, wrong = view.shared[: len(cloaks)], ~view.correct
    halo = {"size": 10, "line": {"color": PAPER, "width": 1}}
    ring = {"color": CLEAN.colour, "symbol": f"{CLEAN.symbol}-open", "size": 9}
    stranger = TARGET.marker | {"size": 9, "line": {"color": INK, "width": 1.5}}
    dotted = {"color": INK, "dash": "dot", "width": 1.5}
    others = torch.nonzero(~own)[:, 0]
    everybody = space.place(space.gallery[others])
    same = _segments(view.probes[~wrong], view.neighbours[~wrong])
    stray = _segments(view.probes[wrong], view.neighbours[wrong])
    moved = _segments(view.clean[: len(cloaked)], cloaked)
    traces = [
        _marks(view.probes, "new", probes, CLEAN.marker | halo, above=6),
        _marks(cloaked, "shared, cloaked", cloaks, CLOAKED.marker | halo, above=5),
        _marks(view.clean, "shared, as taken", torch.nonzero(own)[:, 0], ring, above=4),
        _marks(view.neighbours[wrong], "", view.nearest[wrong], stranger, above=3),
        _marks(everybody, "other people's", others, TARGET.marker | {"size": 4}, above=0),
        _trace(moved, "", line=CLOAKED.line | {"width": 1}, zorder=1),
        _trace(same, "nearest: the same person", line=CLEAN.line | {"width": 1.5}, zorder=2),
        _trace(stray, "nearest: somebody else", line=dotted, zorder=2),
    ]
    title = f"Misnamed: {view.misnamed} of {len(wrong)} new photographs"
    name = frame_name(scenario.photos.names[user], tool, space.name)
    return go.Frame(data=traces, name=name, layout={"title": {"text": title}})


def _marks(
    points: Tensor, name: str, photographs: Tensor, marker: dict[str, Any], *, above: int
) -> go.Scatter:
    hover = {"customdata": photographs.tolist() or [None], "hoverinfo": "name" if name else "none"}
    return _trace(points.tolist(), name, mode="markers", marker=marker, zorder=above, **hover)


def _trace(points: list[Sequence[float | None]], name: str, **look: Any) -> go.Scatter:
    """Marks, or lines; coordinates to a thousandth, as the page holds every frame."""
    import plotly.graph_objects as go

    x, y = ([None if at is None else round(at, 3) for at in axis] or [None]
            for axis in (zip(*points, strict=True) if points else ([], [])))  # fmt: skip
    how = {"mode": "lines", "hoverinfo": "skip", "showlegend": bool(name)} | look
    return go.Scatter(x=x, y=y, name=name, **how)


def _segments(starts: Tensor, ends: Tensor) -> list[Sequence[float | None]]:
    """The corners of separate lines; None leaves a gap."""
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [corner for start, end in pairs for corner in (start, end, (None, None))]


def _numbers(scenario: Scenario) -> tuple[Tensor, dict[tuple[int, str], Tensor]]:
    """Which of :func:`_photographs` shows each probe of a user, and each cloak.

    The gallery comes first, then the users' probes, then the cloaks.
    """
    drawn = torch.isin(scenario.probes.labels, torch.tensor(scenario.users))
    probes = drawn.cumsum(dim=0) - 1 + len(scenario.photos)
    cloaks, start = {}, int(probes[-1]) + 1
    for key, images in scenario.cloaks.items():
        cloaks[key] = torch.arange(start, start + len(images))
        start += len(images)
    return probes, cloaks


def _photographs(scenario: Scenario) -> dict[str, list[str]]:
    """The photographs that marks may show, as data URIs, and what each of them is, in words."""
    names, users = scenario.photos.names, scenario.users
    everything = [("shared", scenario.photos.labels.tolist(), scenario.photos.images, "as taken")]
    new = scenario.probes.of_people(users)
    everything.append(("new", new.labels.tolist(), new.images, "as taken"))
    for (user, tool), images in scenario.cloaks.items():
        everything.append(("shared", [user] * len(images), images, f"cloaked by {tool}"))
    addresses, alts = [], []
    for kind, labels, images, state in everything:
        seen: Counter[int] = Counter()
        for label, image in zip(labels, images, strict=True):
            seen[label] += 1
            alts.append(f"{names[label]}, {kind} photograph {seen[label]}, {state}")
            quality = FULL if label in users else LIGHT
            addresses.append(data_uri(image, kind="WEBP", quality=quality))
    return {"photographs": addresses, "photograph_alts": alts}

"""A map of everybody's photographs, on which a reader picks a person, a tool and an extractor.

What the map cannot show is drawn into it: a line leads from each new photograph to its nearest
neighbour in the space itself, wherever the map puts that one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from poisonlib.figures.faces import data_uri
from poisonlib.figures.frames import choosers, frame_name
from poisonlib.figures.projection import NO_CLOAK, Look, Neighbourhood, Shared
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, PAPER, TARGET
from poisonlib.photos import Photos

if TYPE_CHECKING:
    import plotly.graph_objects as go

EDGE = 1.06
"""Where the map ends: a little beyond the places, which lie in [-1, 1]."""
LIGHT, FULL = 60, 88
"""WEBP quality of the many photographs that only show who somebody is, and of all others."""


def explorable(views: Sequence[Neighbourhood], shared: Shared) -> go.Figure:
    """A frame for each user, tool and extractor, with menus to choose one and photographs to see.

    Args:
        views: what each extractor sees, in the order of the menu; at least two.
        shared: the photographs and cloaks that they look at, of at least two users.

    Returns:
        a figure that opens on the first user, no cloak, and the first extractor.
    """
    import plotly.graph_objects as go

    by_name = {view.extractor: view for view in views}
    menus = {
        "Person": [shared.photos.names[user] for user in shared.users],
        "Tool": list(shared.tools),
        "Extractor": list(by_name),
    }
    album = _Album.of(shared)
    frames = [
        _frame(by_name[extractor], shared, album, shared.photos.label(person), tool)
        for person, tool, extractor in itertools.product(*menus.values())
    ]
    fig = go.Figure(frames[0].data, frames=frames)
    meta = {"photographs": album.addresses(), "photograph_alts": album.texts} | choosers(menus)
    return _laid_out(fig, frames[0]).update_layout(meta=meta)


def still(view: Neighbourhood, shared: Shared, *, user: int | str, tool: str) -> go.Figure:
    """One frame of :func:`explorable` as a figure, without menus and photographs.

    Args:
        view: what the extractor sees.
        shared: the photographs and cloaks that it looks at.
        user: by label or name.
        tool: one of ``shared.tools``.
    """
    import plotly.graph_objects as go

    frame = _frame(view, shared, _Album.of(shared), shared.photos.label(user), tool)
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


def _frame(view: Neighbourhood, shared: Shared, album: _Album, user: int, tool: str) -> go.Frame:
    import plotly.graph_objects as go

    look = view.look(user, tool)
    title = f"Misnamed: {look.misnamed} of {len(look.right)} new photographs"
    return go.Frame(
        data=_traces(view, look, album, user, tool),
        name=frame_name(shared.photos.names[user], tool, view.extractor),
        layout={"title": {"text": title}},
    )


def _traces(
    view: Neighbourhood, look: Look, album: _Album, user: int, tool: str
) -> list[go.Scatter]:
    """Marks and lines; the user's own come first, for a keyboard, and lie on top."""
    mine = view.labels == user
    own, others = torch.nonzero(mine)[:, 0], torch.nonzero(~mine)[:, 0]
    cloaked = look.shared if tool != NO_CLOAK else look.shared[:0]
    cloaks = album.cloaks.get((user, tool), own[:0])
    asked, right, wrong = album.probes[view.asked == user], look.right, ~look.right
    apart = {"line": {"color": PAPER, "width": 1}}
    ring = {"color": CLEAN.colour, "symbol": f"{CLEAN.symbol}-open", "size": 9}
    stranger = TARGET.marker | {"size": 9, "line": {"color": INK, "width": 1.5}}
    crowd = TARGET.marker | {"size": 4}
    dotted = {"color": INK, "dash": "dot", "width": 1.5}
    everybody = view.place(view.gallery[others])
    return [
        _marks(look.probes, "new", asked, CLEAN.marker | {"size": 10} | apart, above=6),
        _marks(cloaked, "shared, cloaked", cloaks, CLOAKED.marker | {"size": 10} | apart, above=5),
        _marks(look.before, "shared, as taken", own, ring, above=4),
        _marks(look.nearest[wrong], "", look.found[wrong], stranger, above=3),
        _marks(everybody, "other people's", others, crowd, above=0),
        _lines(look.before[: len(cloaked)], cloaked, "", CLOAKED.line | {"width": 1}, above=1),
        _lines(look.probes[right], look.nearest[right], "nearest: the same person",
               CLEAN.line | {"width": 1.5}, above=2),
        _lines(look.probes[wrong], look.nearest[wrong], "nearest: somebody else", dotted, above=2),
    ]  # fmt: skip


def _marks(
    points: Tensor, name: str, photographs: Tensor, marker: dict[str, Any], *, above: int
) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        **_coordinates(points.tolist()), name=name, mode="markers", marker=marker, zorder=above,
        customdata=photographs.tolist() or [None], hoverinfo="name" if name else "none",
        showlegend=bool(name),
    )  # fmt: skip


def _lines(
    starts: Tensor, ends: Tensor, name: str, line: dict[str, Any], *, above: int
) -> go.Scatter:
    """One trace of separate segments; gaps are what None leaves."""
    import plotly.graph_objects as go

    segments = zip(starts.tolist(), ends.tolist(), strict=True)
    corners = [corner for start, end in segments for corner in (start, end, (None, None))]
    return go.Scatter(
        **_coordinates(corners), name=name, mode="lines", line=line, zorder=above,
        hoverinfo="skip", showlegend=bool(name),
    )  # fmt: skip


def _coordinates(points: Sequence[Sequence[float | None]]) -> dict[str, list[float | None]]:
    """Both coordinates, to a thousandth: the page holds every frame."""
    return {
        axis: [None if point[k] is None else round(point[k], 3) for point in points] or [None]
        for k, axis in enumerate("xy")
    }


def _counted(photos: Photos, kind: str) -> Iterator[str]:
    """What to call each photograph, by its person and its number among that person's."""
    seen: Counter[int] = Counter()
    for label in photos.labels.tolist():
        seen[label] += 1
        yield f"{photos.names[label]}, {kind} photograph {seen[label]},"


@dataclass(frozen=True)
class _Album:
    """The photographs that marks may show, numbered: the gallery, users' new ones, cloaks.

    Attributes:
        images: ``a`` pictures in batches ``(k, 3, h, w)``.
        texts: what each of them is.
        light: ``(a,)`` bool, those that only show who somebody is.
        probes: ``(m,)`` the numbers of the new photographs; those that are never drawn have none.
        cloaks: the numbers of each user's cloaks, by user's label and tool.
    """

    images: list[Tensor]
    texts: list[str]
    light: Tensor
    probes: Tensor
    cloaks: dict[tuple[int, str], Tensor]

    @staticmethod
    def of(shared: Shared) -> _Album:
        users = torch.tensor(shared.users)
        drawn = torch.isin(shared.probes.labels, users)
        probes = drawn.cumsum(dim=0) - 1 + len(shared.photos)
        new = shared.probes.subset(drawn)
        images, texts = [shared.photos.images, new.images], []
        for photos, kind in ((shared.photos, "shared"), (new, "new")):
            texts += [f"{which} as taken" for which in _counted(photos, kind)]
        cloaks = {}
        for (user, tool), cloak in shared.cloaks.items():
            cloaks[user, tool] = torch.arange(len(texts), len(texts) + len(cloak))
            images.append(cloak)
            worn = _counted(shared.photos.of_people([user]), "shared")
            texts += [f"{which} cloaked by {tool}" for which in worn]
        light = torch.zeros(len(texts), dtype=torch.bool)
        light[: len(shared.photos)] = ~torch.isin(shared.photos.labels, users)
        return _Album(images, texts, light, probes, cloaks)

    def addresses(self) -> list[str]:
        """Each photograph as an address that carries it."""
        images = itertools.chain.from_iterable(self.images)
        return [
            data_uri(image, kind="WEBP", quality=LIGHT if light else FULL)
            for image, light in zip(images, self.light.tolist(), strict=True)
        ]

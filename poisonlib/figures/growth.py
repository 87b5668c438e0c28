"""Gallery growth: protection over rounds, as a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import player, slider
from poisonlib.figures.theme import (
    CLEAN,
    CLOAKED,
    DEFENDED,
    INK,
    TARGET,
    TOOLS,
    UNPROTECTED,
    Role,
    short,
)
from poisonlib.generations import by_release, family

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

LEAKS = ("all cloaked at first", "one clean at first")


def error_by_round(table: pandas.DataFrame) -> go.Figure:
    """Error of protected users round by round, as a film: a panel for each extractor and leak.

    The curves grow with the slider; the last mark of each carries its 95 % interval.

    Args:
        table: rows of :func:`studio.studies.growth.growth`, of one share ``false_adds``.

    Raises:
        ValueError: rows of several.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    if table["false_adds"].nunique() != 1:
        raise ValueError("a film shows one threshold: pick the rows of one share false_adds")
    extractors, leaks = by_release(table["extractor"]), sorted(set(table["leaked"]))
    titles = [f"{family(name)}<br>{LEAKS[leak]}" for name in extractors for leak in leaks]
    fig = make_subplots(
        len(extractors), len(leaks), subplot_titles=titles, shared_xaxes=True, shared_yaxes=True,
        horizontal_spacing=0.05, vertical_spacing=0.11,
    )  # fmt: skip
    curves = []
    for place, name in enumerate(extractors):
        for column, leak in enumerate(leaks):
            mine = table[(table["extractor"] == name) & table["leaked"].isin([leak])]
            bare = table[(table["extractor"] == name) & (table["condition"] == "control")]
            axis = place * len(leaks) + column
            curves.append((bare, UNPROTECTED, axis))
            for tool, rows in mine[mine["condition"] == "cloaked"].groupby("attack", sort=False):
                curves.append((rows, TOOLS.get(tool, CLOAKED), axis))
    last = int(table["round"].max())
    frames = [
        go.Frame(data=[_until(*curve, now) for curve in curves], name=str(now))
        for now in range(last + 1)
    ]
    fig.add_traces(frames[0].data)
    fig.frames = frames
    fig.update_xaxes(range=[-0.5, last + 0.5], dtick=4)
    fig.update_yaxes(range=[-0.05, 1.07], tickformat=".0%", dtick=0.5)
    for column in range(len(leaks)):
        fig.update_xaxes(title="round", row=len(extractors), col=column + 1)
    fig.update_annotations(font_size=12)
    return fig.update_layout(
        legend={"entrywidth": 90, "y": 1.07},
        updatemenus=player(below=50),
        sliders=slider([frame.name for frame in frames], prefix="round", below=50),
        height=820,
    )


def _until(rows: pandas.DataFrame, role: Role, axis: int, now: int) -> go.Scatter:
    import plotly.graph_objects as go

    shown = rows[rows["round"] <= now].sort_values("round")
    bars = error_bars(shown)
    at_the_end = shown["round"] == now
    bars |= {key: bars[key].where(at_the_end, 0.0) for key in ("array", "arrayminus")}
    suffix = "" if axis == 0 else str(axis + 1)
    return go.Scatter(
        x=shown["round"],
        y=shown["error"],
        error_y=bars,
        customdata=shown[["low", "high", "own", "taken", "users"]],
        hovertemplate=f"{role.name}: %{{y:.1%}} [%{{customdata[0]:.1%}}, %{{customdata[1]:.1%}}]"
        "<br>kept of the user: %{customdata[2]}; others' kept under the user's name: "
        "%{customdata[3]}<br>%{customdata[4]} users<extra></extra>",
        mode="lines+markers",
        line=role.line | {"width": 1.5},
        marker=role.marker | {"size": 6},
        name=short(role.name),
        legendgroup=role.name,
        showlegend=axis == 0,
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
    )


def outcomes(table: pandas.DataFrame, *, distractors: int) -> pandas.DataFrame:
    """Where users stand at the end, and what the gallery has taken in.

    Args:
        table: rows of :func:`studio.studies.growth.growth`.
        distractors: photographs of other people in each round.

    Returns:
        a row for each ``attack``, ``extractor``, ``leaked`` and ``false_adds`` with the ``error``
        after the last round and its bounds, ``before`` (at the start), ``kept`` and ``lost``
        (shares of the user's clean photographs, by the name they were kept under), ``polluted``
        (share of the others' photographs that were kept under a wrong name), and ``heals``: whether
        the intervals before and after do not overlap.
    """
    import pandas

    made = []
    keys = ["extractor", "attack", "leaked", "false_adds"]
    for key, rows in table.groupby(keys, sort=False):
        rows = rows.sort_values("round")
        first, last = rows.iloc[0], rows.iloc[-1]
        seen = int(last["round"]) * int(last["users"])
        made.append(
            dict(zip(keys, key, strict=True))
            | {"before": first["error"]}
            | {name: last[name] for name in ("error", "low", "high", "n", "users")}
            | {"kept": last["own"] / seen, "lost": last["lost"] / seen}
            | {"polluted": last["others_wrong"] / (seen * distractors)}
            | {"heals": last["high"] < first["low"]}
        )
    return pandas.DataFrame(made)


@dataclass(frozen=True)
class Frame:
    """The gallery of one user after a round, as points on a plane.

    Attributes:
        kept: ``(k, 2)`` clean photographs of the user that the gallery holds under the user's name.
        errors, n: of the user's test photographs.
    """

    kept: Tensor
    errors: int
    n: int


def plane(rows: Tensor) -> Tensor:
    """Directions ``(d, 2)`` in which rows ``(n, d)`` vary most: principal components."""
    _, _, directions = torch.linalg.svd(rows - rows.mean(dim=0), full_matrices=False)
    return directions[:2].T


def gallery_map(worn: Tensor, others: Tensor, probes: Tensor, frames: Sequence[Frame]) -> go.Figure:
    """A user's corner of the gallery, round by round.

    Args:
        worn: ``(s, 2)`` the user's cloaked photographs, in the gallery from the beginning.
        others: ``(m, 2)`` other people's nearby photographs in the gallery.
        probes: ``(n, 2)`` the user's clean test photographs.
        frames: one for the beginning and one for each round.
    """
    import plotly.graph_objects as go

    def dots(points: Tensor, role: Role, name: str, **marker: object) -> go.Scatter:
        x, y = points.reshape(-1, 2).T.tolist()
        return go.Scatter(
            x=x or [None], y=y or [None], mode="markers", name=name, hoverinfo="skip",
            marker=role.marker | {"size": 10} | marker,
        )  # fmt: skip

    still = [
        dots(others, TARGET, "others in it", size=6, opacity=0.5),
        dots(worn, CLOAKED, "yours, cloaked"),
        dots(probes, CLEAN, "asked about", symbol="circle-open", line={"width": 2, "color": INK}),
    ]
    moving = [dots(frame.kept, DEFENDED, "yours, clean") for frame in frames]
    titles = [f"Misnamed: {frame.errors} of {frame.n}" for frame in frames]
    fig = go.Figure(
        data=[*still, moving[0]],
        frames=[
            go.Frame(data=[points], traces=[3], name=str(number), layout={"title": {"text": title}})
            for number, (points, title) in enumerate(zip(moving, titles, strict=True))
        ],
    )
    every = torch.cat([worn, others, probes, *(frame.kept.reshape(-1, 2) for frame in frames)])
    low, high = every.min(dim=0).values, every.max(dim=0).values
    room = 0.08 * (high - low)
    ranges = torch.stack([low - room, high + room]).T.tolist()
    quiet = {"showticklabels": False, "ticks": "", "showgrid": False}
    return fig.update_layout(
        title={"text": titles[0], "font": {"size": 14}, "y": 0.985, "yanchor": "top"},
        xaxis=quiet | {"range": ranges[0]},
        yaxis=quiet | {"range": ranges[1]},
        sliders=slider([frame.name for frame in fig.frames], prefix="round"),
        updatemenus=player(),
        legend={"entrywidth": 105},
        margin={"t": 88},
        height=540,
    )

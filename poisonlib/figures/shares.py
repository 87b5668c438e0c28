"""Errors over a share: of users who let clean photographs slip, of photographs with a new cloak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poisonlib.figures.adaptive import COUNTED, HOVER
from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLOAKED, TOOLS, UNPROTECTED, Role, short
from poisonlib.generations import pooled
from poisonlib.statistics import Rate

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

APART = 0.025
"""By how much marks at one share stand apart, so that their intervals can be told apart."""


def error_by_leaks(table: pandas.DataFrame) -> go.Figure:
    """Error over the share of users who leak clean photographs, a slider over the share.

    Thin curves show all shares, large marks with their intervals the share of the slider.

    Args:
        table: a trial table with the column ``share`` besides, of one ordinary extractor.
    """
    import plotly.graph_objects as go

    rows = pooled(table[table["whose"] == "user"], by=["share"]).sort_values("share")
    tools = list(dict.fromkeys(rows["attack"]))
    bare = rows[(rows["condition"] == "control") & (rows["attack"] == tools[0])]
    curves = [(bare, UNPROTECTED, 0.0)]
    for place, tool in enumerate(tools):
        mine = rows[(rows["condition"] == "cloaked") & (rows["attack"] == tool)]
        curves.append((mine, TOOLS.get(tool, CLOAKED), APART * (place - 1)))
    thin = [
        go.Scatter(
            x=curve["share"], y=curve["error"], mode="lines", line=role.line | {"width": 1.5},
            opacity=0.6, hoverinfo="skip", showlegend=False,
        )
        for curve, role, _ in curves
    ]  # fmt: skip
    shares = sorted(set(rows["share"]))
    frames = []
    for share in shares:
        marks = [_at(curve[curve["share"] == share], *how) for curve, *how in curves]
        title = {"title": {"text": f"{share:.0%} of those who cloak leak"}}
        places = list(range(len(thin), len(thin) + len(marks)))
        frames.append(go.Frame(data=marks, traces=places, name=f"{share:.0%}", layout=title))
    fig = go.Figure([*thin, *frames[0].data], frames=frames)
    return fig.update_layout(
        title={"text": frames[0].layout.title.text, "font": {"size": 14}}
        | {"y": 0.985, "yanchor": "top"},
        xaxis={"tickformat": ".0%", "range": [-0.05, 1.05], "dtick": 0.25}
        | {"title": {"text": "share who leak"}},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        sliders=slider([frame.name for frame in frames], prefix="share who leak", below=60),
        margin={"t": 104},
        height=560,
    )


def _at(rows: pandas.DataFrame, role: Role, aside: float) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=rows["share"] + aside, y=rows["error"], error_y=error_bars(rows, thickness=2),
        customdata=rows[COUNTED], hovertemplate=f"{role.name}: " + HOVER,
        mode="markers", marker=role.marker | {"size": 13}, name=short(role.name),
    )  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Who judges the next attack's cloaks.

    Attributes:
        name: for the legend.
        extractor: whose rows of the table are meant.
        role: how the curve is drawn.
    """

    name: str
    extractor: str
    role: Role


def next_move(table: pandas.DataFrame, *, judges: Sequence[Judge], unprotected: Rate) -> go.Figure:
    """Error over the share of new cloaks in the gallery, a curve for each judge.

    A slider over the attacks where there are several.

    Args:
        table: a trial table with the column ``share`` besides.
        judges: whose curves are drawn.
        unprotected: the same users without any cloak, drawn as a line.
    """
    import plotly.graph_objects as go

    mine = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    rows = pooled(mine, by=["share"]).sort_values("share")
    frames = []
    for attack in dict.fromkeys(mine["attack"]):
        traces = [_level(unprotected)]
        for judge in judges:
            chosen = (rows["attack"] == attack) & (rows["extractor"] == judge.extractor)
            traces.append(_curve(rows[chosen], judge))
        # On what it was crafted stands in the caption: a slider's step has little room.
        frames.append(go.Frame(data=traces, name=attack.partition(" on the ")[0]))
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    fig.update_layout(
        xaxis={"tickformat": ".0%", "title": {"text": "share of new cloaks"}}
        | {"range": [-0.04, 1.04]},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        legend={"orientation": "v"},
        margin={"t": 88},
        height=560,
    )
    if len(frames) > 1:
        names = [frame.name for frame in frames]
        fig.update_layout(sliders=slider(names, prefix="new tool", below=60))
    return fig


def _level(rate: Rate) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[0, 1], y=[rate.value] * 2, mode="lines+markers", line=UNPROTECTED.line,
        marker=UNPROTECTED.marker | {"size": 8}, name="no cloak",
        error_y={"array": [rate.high - rate.value] * 2, "arrayminus": [rate.value - rate.low] * 2},
        hovertemplate=f"no cloak: {rate}<extra></extra>",
    )  # fmt: skip


def _curve(rows: pandas.DataFrame, judge: Judge) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=rows["share"], y=rows["error"], error_y=error_bars(rows), customdata=rows[COUNTED],
        hovertemplate=f"{judge.name}, %{{x:.0%}} new: " + HOVER, mode="lines+markers",
        line=judge.role.line | {"width": 2}, marker=judge.role.marker | {"size": 9},
        name=judge.name,
    )  # fmt: skip

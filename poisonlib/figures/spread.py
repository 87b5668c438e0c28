"""Users apart: each protected user is a mark, because a mean is nobody's protection."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLOAKED, INK, TOOLS, short
from poisonlib.generations import by_release
from poisonlib.statistics import wilson

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

WIDTH = 0.8
"""Of the place that the users of one tool share, between whole numbers."""


def users_by_tool(table: pandas.DataFrame) -> go.Figure:
    """The error of each protected user, a column for each tool, a slider over extractors.

    Users with equal errors stand side by side. The line is the mean over photographs with its
    95 % interval.

    Args:
        table: as ``TrialResult.table``, over extractors and tools.
    """
    import plotly.graph_objects as go

    mine = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    tools = list(dict.fromkeys(mine["attack"]))
    crowd = max(group["user"].nunique() for _, group in mine.groupby(["extractor", "attack"]))
    frames = []
    for extractor in by_release(mine["extractor"]):
        judged = mine[mine["extractor"] == extractor]
        traces = []
        for at, tool in enumerate(tools):
            rows = judged[judged["attack"] == tool]
            traces += [_users(rows, at, tool, crowd), _mean(rows, at)]
        frames.append(go.Frame(data=traces, name=extractor))
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    fig.update_layout(
        xaxis={"tickvals": list(range(len(tools))), "ticktext": [short(tool) for tool in tools]}
        | {"range": [-0.5, len(tools) - 0.5], "showgrid": False},
        yaxis={"range": [-0.04, 1.05], "tickformat": ".0%", "title": {"text": "error of one user"}},
        showlegend=False,
        margin={"t": 16},
        height=500,
    )
    if len(frames) > 1:
        fig.update_layout(sliders=slider([frame.name for frame in frames], prefix="extractor"))
    return fig


def _users(rows: pandas.DataFrame, at: int, tool: str, crowd: int) -> go.Scatter:
    import plotly.graph_objects as go

    x, y, names = [], [], []
    for error, group in rows.groupby("error"):
        step = WIDTH / crowd
        for place, name in enumerate(sorted(group["user"])):
            x.append(at + step * (place - (len(group) - 1) / 2))
            y.append(error)
            names.append(name)
    return go.Scatter(
        x=x or [None], y=y or [None], text=names, mode="markers", name=tool,
        marker=TOOLS.get(tool, CLOAKED).marker | {"size": 7},
        hovertemplate=f"{tool}, %{{text}}: %{{y:.0%}}<extra></extra>",
    )  # fmt: skip


def _mean(rows: pandas.DataFrame, at: int) -> go.Scatter:
    """The pooled error as a line across the column, its interval in the middle."""
    import plotly.graph_objects as go

    if rows.empty:
        return go.Scatter(x=[None], y=[None])
    rate = wilson(int(rows["errors"].sum()), int(rows["n"].sum()))
    edge = WIDTH / 2 + 0.06
    return go.Scatter(
        x=[at - edge, at + edge, at + edge],
        y=[rate.value] * 3,
        error_y={
            "array": [0, rate.high - rate.value, 0],
            "arrayminus": [0, rate.value - rate.low, 0],
            "color": INK,
        },
        mode="lines",
        line={"color": INK, "width": 1},
        hovertemplate=f"all users: {rate}<extra></extra>",
    )


def share_of_pairs_apart(errors: pandas.Series, *, by: float) -> float:
    """How often two users drawn at random differ by that much or more, in [0, 1].

    Raises:
        ValueError: fewer than two users.
    """
    if len(errors) < 2:
        raise ValueError(f"two users are needed to differ, got {len(errors)}")
    pairs = list(combinations(errors.tolist(), 2))
    return sum(abs(one - other) >= by - 1e-9 for one, other in pairs) / len(pairs)


def spread(table: pandas.DataFrame, *, by: float = 0.5) -> pandas.DataFrame:
    """What one-user studies could have reported, for each tool and extractor.

    Returns:
        ``attack, extractor, users, mean, least, most`` over users, and ``pairs_apart``: how often
        two users differ by ``by`` or more.
    """
    import pandas

    mine = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    rows = []
    for extractor in by_release(mine["extractor"]):
        for tool, users in mine[mine["extractor"] == extractor].groupby("attack", sort=False):
            errors = users["error"]
            rows.append(
                {"attack": tool, "extractor": extractor, "users": len(errors)}
                | {"mean": errors.mean(), "least": errors.min(), "most": errors.max()}
                | {"pairs_apart": share_of_pairs_apart(errors, by=by)}
            )
    return pandas.DataFrame(rows)

"""No way back: photographs that were scraped already, and a user who changes tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLOAKED, TOOLS, UNPROTECTED, Role, short
from poisonlib.generations import by_release, pooled

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go


def change(old: str, new: str) -> Role:
    """How a change of tools is drawn: like the new tool, filled and solid.

    Somebody who begins late, whose old photographs carry no cloak, is drawn open and dotted.
    """
    role, name = TOOLS.get(new, CLOAKED), f"{short(old)} → {short(new)}"
    if old in TOOLS:
        return Role(name, role.colour, role.symbol, "solid")
    return Role(name, role.colour, f"{role.symbol}-open", "dot")


def error_by_share(table: pandas.DataFrame) -> go.Figure:
    """Error over the share of new photographs in the gallery, a slider over extractors.

    A curve for each change from an old tool to a new one, with its 95 % interval, and the same
    users without any cloak as a line.

    Args:
        table: a trial table with the columns ``old``, ``new`` and ``share`` (of the gallery's
            photographs that carry the new cloak, in [0, 1]) besides.
    """
    import plotly.graph_objects as go

    rows = pooled(table[table["whose"] == "user"], by=["old", "new", "share"])
    changes = list(dict.fromkeys(zip(rows["old"], rows["new"], strict=True)))
    frames = []
    for extractor in by_release(rows["extractor"]):
        mine = rows[rows["extractor"] == extractor]
        cloaked = mine[mine["condition"] == "cloaked"]
        traces = [_bare(mine[mine["condition"] == "control"])]
        for old, new in changes:
            curve = cloaked[(cloaked["old"] == old) & (cloaked["new"] == new)]
            traces.append(_curve(curve.sort_values("share"), change(old, new)))
        frames.append(go.Frame(data=traces, name=extractor))
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    fig.update_layout(
        xaxis={"tickformat": ".0%", "title": {"text": "share of new cloaks"}}
        | {"range": [-0.04, 1.04]},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        legend={"entrywidth": 130},
        margin={"t": 124},
        height=570,
    )
    if len(frames) > 1:
        fig.update_layout(
            sliders=slider([frame.name for frame in frames], prefix="extractor", below=60)
        )
    return fig


def half_point(table: pandas.DataFrame, *, line: float) -> pandas.DataFrame:
    """The least share of new photographs from which on the error lies above a line for good.

    Args:
        table: as for :func:`error_by_share`.
        line: an error in [0, 1]; the lower bound of the interval must be above it.

    Returns:
        a row for each ``old``, ``new`` and ``extractor``, with ``share`` (NaN where no share
        reaches the line, all new photographs included).
    """
    import pandas

    mine = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    rows = pooled(mine, by=["old", "new", "share"])
    found = []
    for (old, new, extractor), curve in rows.groupby(["old", "new", "extractor"], sort=False):
        curve = curve.sort_values("share", ascending=False)
        above = (curve["low"] > line).cummin()
        share = curve["share"][above].min() if above.any() else float("nan")
        found.append({"old": old, "new": new, "extractor": extractor, "share": share})
    return pandas.DataFrame(found)


def _bare(control: pandas.DataFrame) -> go.Scatter:
    """The same users without a cloak: one rate, drawn through."""
    import plotly.graph_objects as go

    if control.empty:
        return go.Scatter(x=[None], y=[None], name=UNPROTECTED.name, line=UNPROTECTED.line)
    row = control.iloc[0]
    return go.Scatter(
        x=[0, 1],
        y=[row["error"]] * 2,
        error_y={
            "array": [row["high"] - row["error"]] * 2,
            "arrayminus": [row["error"] - row["low"]] * 2,
        },
        mode="lines+markers",
        line=UNPROTECTED.line | {"width": 1.5},
        marker=UNPROTECTED.marker | {"size": 8},
        name=UNPROTECTED.name,
        hovertemplate="%{y:.1%}",
    )


def _curve(rows: pandas.DataFrame, role: Role) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=rows["share"],
        y=rows["error"],
        error_y=error_bars(rows),
        customdata=rows[["low", "high", "n", "users"]],
        hovertemplate="%{x:.0%} new: %{y:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]"
        "<br>%{customdata[2]} photographs, %{customdata[3]} users",
        mode="lines+markers",
        line=role.line | {"width": 2},
        marker=role.marker | {"size": 9},
        name=role.name,
    )

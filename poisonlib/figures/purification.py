"""Purification: what washing takes from a cloak, and what it takes from everybody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.faces import amplified, face_grid
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.theme import (
    CLEAN,
    CLOAKED,
    DEFENDED,
    TARGET,
    TOOLS,
    UNPROTECTED,
    Role,
    short,
)
from poisonlib.generations import by_release

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

COST = Role("no cloak, everybody", UNPROTECTED.colour, UNPROTECTED.symbol, UNPROTECTED.dash)


def error_by_purifier(table: pandas.DataFrame) -> go.Figure:
    """Error before and after each purifier, a slider over extractors.

    A mark with its 95 % interval for the protected users of each tool, and one for all people
    when nobody cloaks, which is what the purifier costs.

    Args:
        table: rows of :func:`studio.studies.cases.over_users`.
    """
    import plotly.graph_objects as go

    frames = []
    for extractor in by_release(table["extractor"]):
        rows = table[table["extractor"] == extractor]
        traces = [_marks(everybody(rows), COST)]
        for tool in dict.fromkeys(rows["attack"]):
            role = TOOLS.get(tool, CLOAKED)
            traces.append(_marks(protected(rows[rows["attack"] == tool]), role))
        frames.append(go.Frame(data=traces, name=extractor))
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    count = table["purifier"].nunique()
    # What comes after the line is washed.
    fig.add_vline(x=0.5, line={"color": DEFENDED.colour, "dash": DEFENDED.dash, "width": 1.5})
    fig.update_layout(
        xaxis={"tickangle": -45, "range": [-0.5, count - 0.5], "title": {"text": "purifier"}},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error"}},
        legend={"entrywidth": 150},
        margin={"t": 100},
        scattermode="group",
        height=560,
    )
    if len(frames) > 1:
        names = [frame.name for frame in frames]
        fig.update_layout(sliders=slider(names, prefix="extractor", below=110))
    return fig


def protected(table: pandas.DataFrame) -> pandas.DataFrame:
    """The rows on protected users, cloaked."""
    return table[(table["condition"] == "cloaked") & (table["whose"] == "user")]


def everybody(table: pandas.DataFrame) -> pandas.DataFrame:
    """The rows on all people when nobody cloaks, one for each extractor and purifier."""
    rows = table[(table["condition"] == "control") & (table["whose"] == "everybody")]
    return rows.drop_duplicates(["extractor", "purifier"])


def gains(table: pandas.DataFrame) -> pandas.DataFrame:
    """What each purifier takes from each tool, and what it costs.

    Args:
        table: rows of :func:`studio.studies.cases.over_users`.

    Returns:
        a row for each ``attack``, ``extractor`` and ``purifier`` but the first, with the ``error``
        of protected users and its bounds, ``before`` (the same unwashed), ``clean`` and
        ``clean_before`` (of everybody, nobody cloaked), and ``helps``: whether the intervals
        before and after do not overlap.
    """
    import pandas

    nothing = table["purifier"].iloc[0]
    costs = everybody(table).set_index(["extractor", "purifier"])["error"]
    made = []
    for (extractor, attack), rows in protected(table).groupby(["extractor", "attack"], sort=False):
        before = rows[rows["purifier"] == nothing].iloc[0]
        for row in rows[rows["purifier"] != nothing].to_dict("records"):
            made.append(
                {"attack": attack, "extractor": extractor, "purifier": row["purifier"]}
                | {"before": before["error"]}
                | {key: row[key] for key in ("error", "low", "high", "n", "users")}
                | {"clean_before": costs[extractor, nothing]}
                | {"clean": costs[extractor, row["purifier"]]}
                | {"helps": row["high"] < before["low"]}
            )
    return pandas.DataFrame(made)


def before_and_after(
    clean: Tensor,
    cloaked: Tensor,
    purifiers: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    amplify: float = 8.0,
) -> go.Figure:
    """Faces before and after each purifier, a slider over purifiers.

    A row for each photograph: clean, cloaked, purified, and by how much the purified one still
    differs from the clean one.

    Args:
        clean: ``(k, 3, h, w)`` photographs.
        cloaked: the same, cloaked.
        purifiers: by the name of the slider's step; two or more.
        amplify: factor on the difference.
    """
    import plotly.graph_objects as go

    roles = (CLEAN, CLOAKED, DEFENDED, TARGET)
    heading = f"clean, cloaked, washed, what still differs (x{amplify:g})"

    def grid(purify: Callable[[Tensor], Tensor]) -> go.Figure:
        washed = purify(cloaked)
        left = amplified(washed, clean, factor=amplify)
        rows = [torch.stack(stages) for stages in zip(clean, cloaked, washed, left, strict=True)]
        titles = [heading] + [""] * (len(rows) - 1)
        return face_grid(rows, titles=titles, marks=[roles] * len(rows), row_height=185)

    grids = {name: grid(purify) for name, purify in purifiers.items()}
    fig = next(iter(grids.values()))
    moving = [place for place in range(len(fig.data)) if place % 4 >= 2]
    fig.frames = [
        go.Frame(data=[made.data[place] for place in moving], traces=moving, name=name)
        for name, made in grids.items()
    ]
    return fig.update_layout(
        sliders=slider(list(grids), prefix="purifier", below=8),
        height=fig.layout.height + 8 + SLIDER_ROOM,
    )


def _marks(rows: pandas.DataFrame, role: Role) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=rows["purifier"],
        y=rows["error"],
        error_y=error_bars(rows, thickness=2),
        customdata=rows[["low", "high", "n"]],
        hovertemplate=f"{role.name}, %{{x}}: %{{y:.1%}} [%{{customdata[0]:.1%}}, "
        "%{customdata[1]:.1%}]<br>%{customdata[2]} photographs<extra></extra>",
        mode="markers",
        marker=role.marker | {"size": 10},
        name=short(role.name),
        offsetgroup=role.name,
    )

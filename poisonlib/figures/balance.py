"""Who is in a set of people, one attribute at a time; and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, TARGET, Role

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go


def shares(
    groups: Mapping[str, pandas.DataFrame], attributes: Sequence[str], *, roles: Sequence[Role]
) -> go.Figure:
    """The share of people with each value of an attribute, a slider over attributes.

    Args:
        groups: by name, one row for each person, one column for each attribute.
        attributes: which columns, in the order of the slider.
        roles: how each group is drawn.
    """
    import plotly.graph_objects as go

    frames = []
    for attribute in attributes:
        values = _values(groups, attribute)
        frames.append(
            go.Frame(
                data=[
                    _bars(table[attribute], values, name, role)
                    for (name, table), role in zip(groups.items(), roles, strict=True)
                ],
                name=attribute.replace("_", " "),
                layout={"yaxis": _named(values)},
            )
        )
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        sliders=slider([frame.name for frame in frames], prefix="attribute"),
        xaxis={"tickformat": ".0%", "range": [0, 1], "title": {"text": "share of the people"}},
        yaxis=_named(_values(groups, attributes[0])) | {"automargin": False, "ticks": ""},
        barmode="group",
        margin={"l": 126},
        height=560,
    )


def _values(groups: Mapping[str, pandas.DataFrame], attribute: str) -> list[str]:
    """All values of an attribute in any group, most frequent first."""
    import pandas

    return list(pandas.concat([table[attribute] for table in groups.values()]).value_counts().index)


def _named(values: list[str]) -> dict:
    """An axis with the values at 0, 1, 2 from above; a category axis would keep the old ones."""
    places = list(range(len(values)))
    return {"tickvals": places, "ticktext": values, "range": [len(values) - 0.5, -0.5]}


def _bars(column: pandas.Series, values: list[str], name: str, role: Role) -> go.Bar:
    import plotly.graph_objects as go

    share = column.value_counts(normalize=True).reindex(values, fill_value=0.0)
    pattern = {"shape": "" if role is CLEAN else "/"}
    return go.Bar(
        x=share.to_numpy(), y=list(range(len(values))), customdata=values, name=name,
        orientation="h", marker={"color": role.colour, "pattern": pattern},
        hovertemplate="%{customdata}: %{x:.1%}",
    )  # fmt: skip


def distances(same: NDArray, different: NDArray, *, bins: int = 50) -> go.Figure:
    """How far apart two photographs lie: of one person, and of different people.

    Args:
        same: ``(n,)`` distances of pairs that show one person, in [0, 2].
        different: ``(m,)`` distances of pairs that show two.
        bins: of the histogram over [0, 2].
    """
    import plotly.graph_objects as go

    edges = np.linspace(0, 2, bins + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    fig = go.Figure()
    for values, name, role in (
        (same, "one person", CLEAN), (different, "two people", TARGET)
    ):  # fmt: skip
        counts, _ = np.histogram(values, bins=edges)
        fig.add_scatter(
            x=middles, y=counts / counts.sum(), name=name, mode="lines", line=role.line,
            fill="tozeroy", hovertemplate="%{y:.1%}",
        )  # fmt: skip
    return fig.update_layout(
        xaxis={"title": {"text": "distance of two photographs"}, "range": [0, 2]},
        yaxis={"title": {"text": "share of pairs"}, "tickformat": ".0%", "rangemode": "tozero"},
    )

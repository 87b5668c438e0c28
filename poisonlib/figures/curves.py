"""Curves of measured values, without intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poisonlib.figures.rates import series_looks

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go


def curves(table: pandas.DataFrame, *, x: str, y: str, series: str) -> go.Figure:
    """A line for each value of a column, drawn in its role of the theme.

    Args:
        table: columns ``x``, ``y`` and ``series``; points are joined in the order of the rows.
        x, y: numerical columns; their names are the titles of the axes.
        series: the column that colour and dash tell apart.

    Example:
        >>> import pandas
        >>> from poisonlib.figures import curves
        >>> decay = pandas.DataFrame({"step": [0, 1], "loss": [0.7, 0.5], "run": "clean"})
        >>> curves(decay, x="step", y="loss", series="run").data[0].line.color
        '#0072B2'
    """
    import plotly.express as px

    fig = px.line(
        table,
        x=x,
        y=y,
        color=series,
        line_dash=series,
        **series_looks(table[series], dashes=True),
    )
    return fig.update_layout(legend={"title": None}, template=None, margin=None)

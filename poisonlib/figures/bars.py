"""Counts as bars on a logarithmic scale, one step of a slider at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poisonlib.figures.frames import slider as slider_over
from poisonlib.figures.rates import series_looks

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go


def bars(table: pandas.DataFrame, *, x: str, y: str, series: str, slider: str) -> go.Figure:
    """Bars side by side for each value of ``x``, their counts written on them.

    Args:
        table: columns ``x`` (text), ``y`` (counts above 0), ``series`` and ``slider``.
        x: the column along the horizontal axis.
        y: the column of counts; the axis is logarithmic.
        series: the column that colour and pattern tell apart.
        slider: the column that a slider steps through, with two values or more.

    Example:
        >>> import pandas
        >>> from poisonlib.figures import bars
        >>> counts = pandas.DataFrame(
        ...     {"kind": "clean", "year": ["1", "2"], "rate": "a", "flags": [10, 1000]}
        ... )
        >>> len(bars(counts, x="rate", y="flags", series="kind", slider="year").frames)
        2
    """
    import plotly.express as px

    fig = px.bar(
        table,
        x=x,
        y=y,
        color=series,
        pattern_shape=series,
        animation_frame=slider,
        barmode="group",
        log_y=True,
        range_y=[1, 10 * table[y].max()],
        **series_looks(table[series]),
    )
    for trace in (*fig.data, *(bar for frame in fig.frames for bar in frame.data)):
        trace.update(texttemplate="%{y:.3s}", textposition="outside", cliponaxis=False)
    fig.update_yaxes(dtick=2, exponentformat="power")
    fig.update_layout(legend={"title": None}, template=None, margin=None, height=540)
    fig.layout.updatemenus = None  # plotly express has its own, and its own slider
    steps = [frame.name for frame in fig.frames]
    fig.layout.sliders = slider_over(steps, prefix=slider, below=76)
    return fig

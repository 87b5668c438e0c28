"""Error rates with their intervals: one figure for every table of trials."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from poisonlib.figures import theme
from poisonlib.figures.frames import slider as slider_over
from poisonlib.paper import Claim

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

LOOKS: Mapping[str, theme.Role] = theme.TOOLS | {
    "clean": theme.CLEAN,
    "no cloak": theme.CLEAN,
    "control": theme.CLEAN,
    "unprotected": theme.CLEAN,
    "cloaked": theme.CLOAKED,
    "others": theme.TARGET,
    "strangers": theme.TARGET,
    "everyone else": theme.TARGET,
}
"""How the usual series are drawn; others take the roles of the theme in turn."""


def series_looks(
    values: Iterable[str],
    *,
    symbols: bool = False,
    dashes: bool = False,
    looks: Mapping[str, theme.Role] = LOOKS,
) -> dict[str, dict[str, str]]:
    """How series are drawn throughout the book, as keyword arguments of plotly express.

    Args:
        values: of the column that tells the series apart by colour.
        symbols, dashes: whether the same column also sets markers, or dashes.
        looks: how the usual ones are drawn; others take the remaining roles in turn.

    Returns:
        ``color_discrete_map``, and ``symbol_map`` and ``line_dash_map`` where wanted.

    Example:
        >>> from poisonlib.figures import series_looks
        >>> series_looks(["no cloak", "LowKey"], symbols=True)["symbol_map"]
        {'no cloak': 'circle', 'LowKey': 'star'}
    """
    values = list(dict.fromkeys(values))
    known = {value: looks[value] for value in values if value in looks}
    every = [*theme.ROLES, *theme.TOOLS.values()]
    spare = itertools.cycle([role for role in every if role not in known.values()] or every)
    roles = {value: known.get(value) or next(spare) for value in values}
    maps = {"color_discrete_map": {value: role.colour for value, role in roles.items()}}
    if symbols:
        maps["symbol_map"] = {value: role.symbol for value, role in roles.items()}
    if dashes:
        maps["line_dash_map"] = {value: role.dash for value, role in roles.items()}
    return maps


def rates(
    table: pandas.DataFrame,
    *,
    x: str,
    series: str = "attack",
    slider: str | None = None,
    facet: str | None = None,
    claims: Sequence[Claim] = (),
    looks: Mapping[str, theme.Role] = LOOKS,
    title: str = "error",
) -> go.Figure:
    """Error rates over ``x``, each with its interval; a curve where ``x`` is a number.

    Args:
        table: rows with ``error, low, high, n`` and ``users``, as
            :func:`poisonlib.trial.summarise` makes them, and the columns named below. What comes
            first in the table comes first in the figure.
        x: the column along the horizontal axis.
        series: the column that colour, marker and dash tell apart.
        slider: the column that a slider steps through, if any.
        facet: the column that has a panel for each of its values, if any.
        claims: ranges of the paper, drawn as bands behind the points.
        looks: how each value of ``series`` is drawn.
        title: of the vertical axis.

    Raises:
        ValueError: a column that the table does not have, or no rows.

    Example:
        >>> import pandas
        >>> from poisonlib.figures import rates
        >>> row = {"error": 0.5, "low": 0.4, "high": 0.6, "n": 100, "users": 20}
        >>> years = pandas.DataFrame([row | {"attack": "LowKey", "year": y} for y in (2014, 2025)])
        >>> rates(years, x="year").data[0].name
        'LowKey'
    """
    import plotly.express as px

    wanted = [x, series, *filter(None, (slider, facet)), "error", "low", "high", "n", "users"]
    if missing := [name for name in wanted if name not in table.columns]:
        raise ValueError(
            f"the table has no column {', '.join(missing)}; there are: {', '.join(table.columns)}"
        )
    if table.empty:
        raise ValueError("a figure of error rates needs at least one row, got none")
    values = list(dict.fromkeys(table[series]))
    is_number = table[x].dtype.kind in "fiu"
    draw = px.line if is_number else px.scatter
    fig = draw(
        table.assign(above=table["high"] - table["error"], below=table["error"] - table["low"]),
        x=x,
        y="error",
        error_y="above",
        error_y_minus="below",
        color=series,
        symbol=series,
        category_orders={name: list(dict.fromkeys(table[name])) for name in wanted[:4]
                         if name in table and table[name].dtype.kind not in "fiu"},
        animation_frame=slider,
        facet_col=facet,
        custom_data=["low", "high", "n", "users"],
        **series_looks(values, symbols=True, dashes=is_number, looks=looks),
        **({"markers": True, "line_dash": series} if is_number else {}),
    )  # fmt: skip
    for trace in (*fig.data, *(trace for frame in fig.frames for trace in frame.data)):
        trace.update(
            hovertemplate="%{x}: %{y:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]"
            "<br>%{customdata[2]} photographs, %{customdata[3]} users",
            marker_size=10,
            error_y={"thickness": 1.5, "width": 3},
        )
    paper_bands(fig, claims)
    if claims and not is_number:  # room at the left for what the bands say
        fig.update_xaxes(range=[-0.95, table[x].nunique() - 0.5])
    fig.for_each_annotation(lambda note: note.update(text=note.text.removeprefix(f"{facet}=")))
    fig.update_yaxes(range=[-0.03, 1.05], tickformat=".0%", title=None)
    fig.update_yaxes(title={"text": title}, col=1)
    fig.update_xaxes(title=None)
    if set(table[x]) <= set(theme.TOOLS):  # in two lines, which a phone has room for
        tools = list(dict.fromkeys(table[x]))
        fig.update_xaxes(tickvals=tools, ticktext=[tool.replace(" ", "<br>") for tool in tools])
    fig.update_layout(
        scattermode="overlay" if is_number else "group",
        legend={"title": None} | ({} if facet is None else {"y": 1.07}),
        template=None,
        margin=None,
    )
    fig.layout.updatemenus = fig.layout.sliders = None  # plotly express has its own
    if slider is not None:
        fig.layout.sliders = slider_over([frame.name for frame in fig.frames], prefix=slider)
    return fig


def paper_bands(fig: go.Figure, claims: Sequence[Claim]) -> None:
    """Draw ranges of the paper across a figure whose y is an error, each with its range."""
    for claim in claims:
        fig.add_hrect(
            max(0, claim.low - 0.004),
            claim.high + 0.004,
            line_width=0,
            fillcolor="#8a8a8a",
            opacity=0.25,
            layer="below",
            annotation_text=f"paper: {claim}",
            annotation_position="top left",
            annotation_font_size=12,
        )


def error_bars(
    table: pandas.DataFrame, *, thickness: float = 1.5, width: float = 3
) -> dict[str, Any]:
    """Plotly's ``error_x`` or ``error_y`` of rows with ``error`` and its interval ``low, high``.

    Args:
        table: as :func:`poisonlib.trial.summarise` makes it.
        thickness, width: in pixels, of the line and of its ends.
    """
    lengths = {"array": table["high"] - table["error"], "arrayminus": table["error"] - table["low"]}
    return lengths | {"thickness": thickness, "width": width}

"""Figures of error rates: every one with its interval, the paper's range beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poisonlib.figures import theme
from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import slider
from poisonlib.paper import Claim

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

CONDITIONS = {
    ("control", "user"): (theme.CLEAN, "unprotected"),
    ("cloaked", "user"): (theme.CLOAKED, "cloaked"),
    ("cloaked", "others"): (theme.TARGET, "everyone else"),
}


def error_by_tool(
    summaries: Mapping[str, pandas.DataFrame], *, claims: Sequence[Claim] = ()
) -> go.Figure:
    """Error with 95 % interval of each tool and condition, a slider over ways to recognise.

    Args:
        summaries: for each position of the slider a table as ``summarise`` makes it.
        claims: ranges of the paper, drawn as bands.
    """
    import plotly.graph_objects as go

    frames = [
        go.Frame(name=title, data=_condition_traces(summary))
        for title, summary in summaries.items()
    ]
    figure = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    paper_bands(figure, claims)
    figure.update_layout(
        yaxis={"range": [-0.02, 1.05], "tickformat": ".0%", "title": {"text": "error"}},
        # Room on the left for what the bands say.
        xaxis={"range": [-0.95 if claims else -0.5, len(frames[0].data[0].x) - 0.5]},
        scattermode="group",
    )
    if len(frames) > 1:
        figure.update_layout(sliders=slider(list(summaries), prefix="recogniser"))
    return figure


def paper_bands(figure: go.Figure, claims: Sequence[Claim]) -> None:
    """Draw ranges of the paper across a figure whose y is an error, each with what it says."""
    for claim in claims:
        figure.add_hrect(
            max(0, claim.low - 0.004),
            claim.high + 0.004,
            line_width=0,
            fillcolor="#8a8a8a",
            opacity=0.25,
            annotation_text=f"paper: {claim}",
            annotation_position="top left",
            annotation_font_size=12,
        )


def _condition_traces(summary: pandas.DataFrame) -> list[go.Scatter]:
    import plotly.graph_objects as go

    traces = []
    for (condition, whose), (role, legend) in CONDITIONS.items():
        rows = summary[(summary["condition"] == condition) & (summary["whose"] == whose)]
        traces.append(
            go.Scatter(
                x=rows["attack"],
                y=rows["error"],
                error_y=error_bars(rows, thickness=2),
                customdata=rows[["low", "high", "n", "users"]],
                hovertemplate="%{x}: %{y:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]"
                "<br>%{customdata[2]} photographs, %{customdata[3]} users<extra></extra>",
                mode="markers",
                marker=role.marker | {"size": 11},
                name=legend,
                offsetgroup=legend,
            )
        )
    return traces


def error_of_each_user(table: pandas.DataFrame) -> go.Figure:
    """One mark for each protected user and tool: the spread that a mean hides."""
    import plotly.graph_objects as go

    mine = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    figure = go.Figure()
    for attack, rows in mine.groupby("attack", sort=False):
        ordered = rows.sort_values("error")
        figure.add_box(
            y=ordered["error"],
            name=attack,
            boxpoints="all",
            jitter=0.5,
            pointpos=0,
            fillcolor="rgba(0,0,0,0)",
            line={"color": theme.INK, "width": 1},
            marker=theme.CLOAKED.marker | {"size": 8},
            text=ordered["user"],
            hovertemplate="%{text}: %{y:.0%}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of one user"}}
    )
    return figure


def error_by_budget(summary: pandas.DataFrame, *, x: str = "dssim") -> go.Figure:
    """How much protection a visible change buys: error over the mean DSSIM of a tool's modes.

    Args:
        summary: rows with ``tool``, ``mode``, ``error``, ``low``, ``high`` and the measure ``x``.
        x: which measure of visibility.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    tools = summary.groupby("tool", sort=False)
    for (tool, rows), role in zip(tools, theme.ROLES, strict=False):
        rows = rows.sort_values(x)
        figure.add_scatter(
            x=rows[x],
            y=rows["error"],
            error_y=error_bars(rows),
            text=rows["mode"],
            textposition="top center",
            mode="markers+lines",
            line=role.line,
            marker=role.marker | {"size": 10},
            name=tool,
            hovertemplate=f"{tool} %{{text}}: %{{y:.0%}} at {x.upper()} %{{x:.4f}}<extra></extra>",
        )
    figure.update_layout(
        xaxis={"title": {"text": f"mean {x.upper()} of the cloaks"}, "rangemode": "tozero"},
        yaxis={"range": [-0.02, 1.05], "tickformat": ".0%", "title": {"text": "error"}},
    )
    return figure

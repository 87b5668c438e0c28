"""The report card as a figure: every trainer's error with a cloak and without, over budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, Role
from workbench.audit import ReportCard
from workbench.audit.verdict import PROTECTS_ABOVE

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

ROW = 46
"""Pixels for each trainer: a line that says who and the verdict, and a line of marks."""


def report_card(cards: Mapping[str, ReportCard], *, prefix: str = "cloak") -> go.Figure:
    """Each trainer's error on users with the cloak and without; a slider over cloaks.

    Args:
        cards: for each position of the slider a card, all of one line-up; one card has no slider.
        prefix: what the slider sets.

    Raises:
        ValueError: no cards, or cards of different line-ups.
    """
    import plotly.graph_objects as go

    line_ups = {tuple(card.table["strategy"]) for card in cards.values()}
    if len(line_ups) != 1:
        raise ValueError(
            f"cards of one and the same line-up can be drawn, got {len(line_ups)} line-ups"
        )
    frames = [go.Frame(data=_traces(card.table), name=name) for name, card in cards.items()]
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    rows = len(next(iter(line_ups)))
    fig.add_vline(
        x=PROTECTS_ABOVE,
        line={"color": INK, "width": 1, "dash": "dot"},
        annotation_text="protects: wholly beyond",
        annotation_position="bottom right",
        annotation_font_size=12,
    )
    fig.update_layout(
        xaxis={"range": [-0.02, 1.03], "tickformat": ".0%"}
        | {"title": {"text": "error on the users' clean photographs"}},
        yaxis={"range": [0.1 - rows, 0.9], "showticklabels": False, "ticks": ""}
        | {"showgrid": False},
        legend={"entrywidth": 150},
        height=150 + ROW * rows,
    )
    if len(frames) > 1:
        # The slider stands below what the axis says.
        sliders = slider(list(cards), prefix=prefix, below=64)
        fig.update_layout(sliders=sliders, height=fig.layout.height + SLIDER_ROOM)
    return fig


def _traces(table: pandas.DataFrame) -> list[go.Scatter]:
    import plotly.graph_objects as go

    places = [-float(place) for place in range(len(table))]
    who = [
        f"{row.strategy}: <b>{row.verdict}</b>"
        for row in table[["strategy", "verdict"]].itertuples()
    ]
    said = go.Scatter(
        x=[0.0] * len(table), y=[place + 0.42 for place in places], mode="text", text=who,
        textposition="middle right", textfont={"size": 12}, cliponaxis=False,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return [
        said,
        _marks(table, places, "without", Role("without the cloak", *_look(CLEAN)), "%{x:.1%}"),
        _marks(
            table, places, "error", Role("with the cloak", *_look(CLOAKED)),
            "%{x:.1%} [%{customdata[1]:.1%}, %{customdata[2]:.1%}]"
            "<br>%{customdata[3]} photographs, %{customdata[4]} users",
        ),
    ]  # fmt: skip


def _marks(
    table: pandas.DataFrame, places: list[float], column: str, role: Role, number: str
) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=table[column],
        y=places,
        error_x=error_bars(table, thickness=2) if column == "error" else None,
        customdata=table[["does", "low", "high", "n", "users"]],
        hovertemplate=f"The trainer %{{customdata[0]}}.<br>{role.name}: {number}<extra></extra>",
        mode="markers",
        marker=role.marker | {"size": 10},
        name=role.name,
    )


def _look(role: Role) -> tuple[str, str, str]:
    return role.colour, role.symbol, role.dash

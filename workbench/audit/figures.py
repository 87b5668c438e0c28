"""Figures of an audit: a report card, and what a test of so many photographs can find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.rates import error_bars
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, INK, TARGET, Role
from poisonlib.statistics import paired, wilson
from workbench.audit.report_card import ReportCard
from workbench.audit.verdict import CANNOT_TELL, PROTECTS_ABOVE, VERDICTS, verdict

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

ROW = 46
"""Pixels for each trainer: a line with name and verdict, and a line of marks."""
VERDICT_ROLES = {
    **dict(
        zip(
            VERDICTS,
            (DEFENDED, Role("unknown", INK, "circle-open", "dot"), TARGET, CLOAKED),
            strict=True,
        )
    ),
    CANNOT_TELL: Role(CANNOT_TELL, INK, "diamond-open", "dot"),
}
"""Of all verdicts, in their order; the last one is drawn only where it occurs."""
LINE = {"color": INK, "width": 1, "dash": "dot"}


def report_card(cards: Mapping[str, ReportCard], *, prefix: str = "cloak") -> go.Figure:
    """Each trainer's error on users with the cloak and without; a slider over cloaks.

    Args:
        cards: for each position of the slider a card, all with the same trainers; one card has no
            slider.
        prefix: what the slider sets.

    Raises:
        ValueError: no cards, or cards with different trainers.
    """
    trainers = {tuple(card.table["strategy"]) for card in cards.values()}
    if len(trainers) != 1:
        raise ValueError(
            f"cards with the same trainers can be drawn, got {len(trainers)} different sets"
        )
    rows = len(next(iter(trainers)))
    fig = _with_slider(
        {name: _card_traces(card.table) for name, card in cards.items()}, prefix, 150 + ROW * rows
    )
    fig.add_vline(
        x=PROTECTS_ABOVE,
        line=LINE,
        annotation_text="protects: wholly beyond",
        annotation_position="bottom right",
        annotation_font_size=12,
    )
    return fig.update_layout(
        xaxis={"range": [-0.02, 1.03], "tickformat": ".0%"}
        | {"title": {"text": "error on the users' clean photographs"}},
        yaxis={"range": [0.1 - rows, 0.9], "showticklabels": False, "ticks": ""}
        | {"showgrid": False},
        legend={"entrywidth": 150},
    )


def outcomes(n: int, *, without: int = 0) -> pandas.DataFrame:
    """All possible results of a test of n photographs, from no new error to errors only.

    Args:
        n: photographs.
        without: how many of them the trainer misidentifies even without the cloak, and with it too.

    Returns:
        a row for each number of ``errors``: their share ``error`` with its 95 % Wilson interval
        ``low`` and ``high``, and the ``verdict``.

    Raises:
        ValueError: not 0 <= without <= n, or no photographs.
    """
    import pandas

    if not 0 <= without <= n or n < 1:
        raise ValueError(f"a test needs n >= 1 and 0 <= without <= n, got {without} of {n}")
    rows = []
    for errors in range(without, n + 1):
        rate = wilson(errors, n)
        row = {"errors": errors, "error": rate.value, "low": rate.low, "high": rate.high}
        difference = paired(errors - without, 0, n)
        judged = verdict(rate, difference, without=wilson(without, n))
        rows.append(row | {"verdict": judged})
    return pandas.DataFrame(rows)


def verdicts_by_photographs(counts: Sequence[int], *, without: float = 0.0) -> go.Figure:
    """Every possible result with its interval and verdict; a slider over numbers of photographs.

    Args:
        counts: numbers of photographs; one has no slider.
        without: share of the photographs, in [0, 1], misidentified without the cloak.

    Raises:
        ValueError: no counts, or one below 1.
    """
    if not counts:
        raise ValueError("a figure needs at least one number of photographs, got none")
    frames = {str(n): _outcome_traces(outcomes(n, without=round(without * n)), n) for n in counts}
    fig = _with_slider(frames, "photographs", 480)
    fig.add_hline(
        y=PROTECTS_ABOVE,
        line=LINE,
        annotation_text="protects: wholly above",
        annotation_position="top left",
        annotation_font_size=12,
    )
    axis = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    return fig.update_layout(
        xaxis=axis | {"title": {"text": "misidentified with the cloak"}},
        yaxis=axis | {"title": {"text": "95 % interval of the error"}},
        legend={"entrywidth": 300},
        margin={"t": 110},
    )


def _with_slider(frames: Mapping[str, list], prefix: str, height: int) -> go.Figure:
    """A figure of the first frame's traces, with a slider if there are more."""
    import plotly.graph_objects as go

    drawn = [go.Frame(data=traces, name=name) for name, traces in frames.items()]
    if len(drawn) == 1:
        return go.Figure(drawn[0].data, layout={"height": height})
    # The slider is below the title of the axis.
    sliders = slider(list(frames), prefix=prefix, below=64)
    return go.Figure(
        drawn[0].data, frames=drawn, layout={"sliders": sliders, "height": height + SLIDER_ROOM}
    )


def _card_traces(table: pandas.DataFrame) -> list[go.Scatter]:
    import plotly.graph_objects as go

    places = [-float(place) for place in range(len(table))]
    # Of a mixed line-up each title says what the recogniser learnt from.
    mixed = table["learnt_from"].nunique() > 1
    titles = [
        f"{row.strategy}{f' ({row.learnt_from})' if mixed else ''}: <b>{row.verdict}</b>"
        for row in table[["strategy", "learnt_from", "verdict"]].itertuples()
    ]
    named = go.Scatter(
        x=[0.0] * len(table), y=[place + 0.42 for place in places], mode="text", text=titles,
        textposition="middle right", textfont={"size": 12}, cliponaxis=False,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    interval = (
        " [%{customdata[1]:.1%}, %{customdata[2]:.1%}]"
        "<br>%{customdata[3]} photographs, %{customdata[4]} users"
    )
    marks = [
        go.Scatter(
            x=table[column],
            y=places,
            error_x=error_bars(table, thickness=2) if column == "error" else None,
            customdata=table[["does", "low", "high", "n", "users"]],
            hovertemplate=f"The trainer %{{customdata[0]}}.<br>{name}: %{{x:.1%}}{more}"
            "<extra></extra>",
            mode="markers",
            marker=role.marker | {"size": 10},
            name=name,
        )
        for column, name, role, more in (
            ("without", "without the cloak", CLEAN, ""),
            ("error", "with the cloak", CLOAKED, interval),
        )
    ]
    return [named, *marks]


def _outcome_traces(table: pandas.DataFrame, n: int) -> list[go.Scatter]:
    import plotly.graph_objects as go

    traces = []
    for name, role in VERDICT_ROLES.items():
        rows = table[table["verdict"] == name]
        title = f"{name}: {_range(rows['errors'].tolist(), n)}"
        traces.append(
            go.Scatter(
                x=rows["error"],
                y=rows["error"],
                error_y=error_bars(rows),
                customdata=rows[["errors", "low", "high"]],
                hovertemplate=f"%{{customdata[0]}} of {n} misidentified: %{{y:.1%}} "
                f"[%{{customdata[1]:.1%}}, %{{customdata[2]:.1%}}]<br>{name}<extra></extra>",
                mode="markers",
                marker=replace(role, name=title).marker | {"size": 8},
                name=title,
                showlegend=name != CANNOT_TELL or len(rows) > 0,
            )
        )
    return traces


def _range(errors: Sequence[int], n: int) -> str:
    """Numbers of errors in words; those of a verdict are consecutive."""
    if not errors:
        return "never"
    first, last = errors[0], errors[-1]
    return f"{first} of {n}" if first == last else f"{first} to {last} of {n}"

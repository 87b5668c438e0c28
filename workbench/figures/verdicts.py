"""What a test of so many photographs can find out: every outcome, its interval and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.theme import CLOAKED, DEFENDED, INK, TARGET, Role
from poisonlib.statistics import paired, wilson
from workbench.audit import VERDICTS, verdict
from workbench.audit.verdict import PROTECTS_ABOVE

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

LOOKS = (DEFENDED, Role("unknown", INK, "circle-open", "dot"), TARGET, CLOAKED)
"""Of the verdicts, in their order."""


def outcomes(n: int, *, without: int = 0) -> pandas.DataFrame:
    """All that may come of a test of n photographs, from no new error to nothing but errors.

    Args:
        n: photographs, each the test once.
        without: how many of them the trainer misnames even without the cloak, and with it too.

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
        said = verdict(rate, paired(errors - without, 0, n))
        rows.append(
            {"errors": errors, "error": rate.value, "low": rate.low, "high": rate.high}
            | {"verdict": said}
        )
    return pandas.DataFrame(rows)


def by_photographs(counts: Sequence[int], *, without: float = 0.0) -> go.Figure:
    """Every outcome with its interval, marked by its verdict; a slider over numbers of photographs.

    Args:
        counts: numbers of photographs; one has no slider.
        without: share of the photographs, in [0, 1], that the trainer misnames without the cloak.

    Raises:
        ValueError: no counts, or one below 1.
    """
    import plotly.graph_objects as go

    if not counts:
        raise ValueError("a figure needs at least one number of photographs, got none")
    frames = [
        go.Frame(data=_traces(outcomes(n, without=round(without * n)), n), name=str(n))
        for n in counts
    ]
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    fig.add_hline(
        y=PROTECTS_ABOVE,
        line={"color": INK, "width": 1, "dash": "dot"},
        annotation_text="protects: wholly above",
        annotation_position="top left",
        annotation_font_size=12,
    )
    fig.update_layout(
        xaxis={"range": [-0.03, 1.03], "tickformat": ".0%"}
        | {"title": {"text": "misnamed with the cloak"}},
        yaxis={"range": [-0.03, 1.03], "tickformat": ".0%"}
        | {"title": {"text": "95 % interval of the error"}},
        legend={"entrywidth": 300},
        margin={"t": 110},
        height=480,
    )
    if len(frames) > 1:
        sliders = slider([frame.name for frame in frames], prefix="photographs", below=64)
        fig.update_layout(sliders=sliders, height=fig.layout.height + SLIDER_ROOM)
    return fig


def _traces(table: pandas.DataFrame, n: int) -> list[go.Scatter]:
    import plotly.graph_objects as go

    traces = []
    for said, look in zip(VERDICTS, LOOKS, strict=True):
        mine = table[table["verdict"] == said]
        role = replace(look, name=f"{said}: {_numbers(mine['errors'].tolist(), n)}")
        traces.append(
            go.Scatter(
                x=mine["error"],
                y=mine["error"],
                error_y=error_bars(mine),
                customdata=mine[["errors", "low", "high"]],
                hovertemplate=f"%{{customdata[0]}} of {n} misnamed: %{{y:.1%}} "
                f"[%{{customdata[1]:.1%}}, %{{customdata[2]:.1%}}]<br>{said}<extra></extra>",
                mode="markers",
                marker=role.marker | {"size": 8},
                name=role.name,
                showlegend=True,
            )
        )
    return traces


def _numbers(errors: Sequence[int], n: int) -> str:
    """Numbers of errors in words; those of a verdict follow one another."""
    if not errors:
        return "never"
    first, last = errors[0], errors[-1]
    return f"{first} of {n}" if first == last else f"{first} to {last} of {n}"

"""The scoreboard as a table, and the paper's numbers compared with ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poisonlib.figures.rates import error_bars
from poisonlib.figures.tables import table
from poisonlib.figures.theme import CLOAKED, DEFENDED, INK, TARGET, UNPROTECTED, Role
from studio.scoreboard import Band, Judged, chance
from studio.scoreboard.measured import NOBODY

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from IPython.display import HTML

REAL = "real faces [95 %]"
GREY = "rgba(138, 138, 138, 0.45)"
_ROLES = {
    "the adaptive trainer": Role("adaptive", DEFENDED.colour, DEFENDED.symbol, DEFENDED.dash),
    "detection": Role("detector", TARGET.colour, TARGET.symbol, TARGET.dash),
}
_LEAST = 0.004  # half the width of a range that is a single number, so that it can be seen


def board(rows: Sequence[Judged], *, real: Mapping[str, str] | None = None) -> HTML:
    """One row for each claim: the paper, ours, the verdict, and a link to where it is taught.

    Args:
        rows: of :func:`studio.scoreboard.judge`.
        real: what a claim comes to on real faces, by its name, for a column of its own.
    """
    import pandas

    shown = [
        {
            "claim": row.claim.name,
            "verdict": row.mark,
            "the paper": row.claim.in_short,
            "ours [95 %]": _unbroken(row.ours),
        }
        | ({} if real is None else {REAL: _unbroken(real.get(row.claim.name, "–"))})
        | {"n / people": f"{row.n} / {row.users}", "taught in": row.claim.taught}
        for row in rows
    ]
    wrapped = ["claim", "the paper", "ours [95 %]", *([] if real is None else [REAL])]
    return table(pandas.DataFrame(shown), pages=["taught in"], wrapped=wrapped)


def _unbroken(text: str) -> str:
    """Numbers in brackets stay on a line."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}")


def paper_beside_ours(rows: Sequence[Judged]) -> go.Figure:
    """Every claim with a number: the paper's range as a grey bar, ours with its 95 % interval.

    Claims in words are left out. Each row's text says the verdict.
    """
    import pandas
    import plotly.graph_objects as go

    numbers = [row for row in rows if row.claim.band is not None]
    place = {row.claim.name: -at for at, row in enumerate(numbers)}
    fig = go.Figure(_ranges(numbers, place))
    groups: dict[Role, list[Judged]] = {}
    for row in numbers:
        groups.setdefault(_role(row), []).append(row)
    for role, group in groups.items():
        parts = [part for row in group for part in row.parts]
        points = pandas.DataFrame(
            {"error": part.value, "low": part.low, "high": part.high} for part in parts
        )
        fig.add_scatter(
            x=points["error"],
            y=[place[row.claim.name] for row in group],
            error_x=error_bars(points, thickness=2),
            customdata=[[row.claim.statement, row.ours, row.n, row.users] for row in group],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}, %{customdata[2]} photographs, "
            "%{customdata[3]} people<extra></extra>",
            mode="markers",
            marker=role.marker | {"size": 10},
            name=role.name,
        )
    for row in numbers:
        fig.add_annotation(
            x=0, xref="paper", xanchor="left", y=place[row.claim.name], yshift=16,
            text=f"{row.claim.name}: <b>{row.mark}</b>", showarrow=False, font={"size": 12},
        )  # fmt: skip
    return fig.update_layout(
        xaxis={"range": [-0.02, 1.03], "tickformat": ".0%", "side": "top"},
        yaxis={"range": [0.4 - len(numbers), 0.8], "showticklabels": False, "ticks": ""}
        | {"showgrid": False},
        legend={"y": 1.05, "entrywidth": 110},
        margin={"t": 110},
        height=130 + 46 * len(numbers),
    )


def what_holds(band: Band, photographs: Mapping[str, int]) -> go.Figure:
    """How likely a number of the paper is found to hold, over what the true error is.

    Args:
        band: the paper's number with its criterion, drawn as a grey bar.
        photographs: how many, by the name of each curve.
    """
    import plotly.graph_objects as go

    truths = [step / 100 for step in range(101)]
    fig = go.Figure()
    for (name, n), dash in zip(photographs.items(), ("dash", "solid", "dot"), strict=False):
        fig.add_scatter(
            x=truths,
            y=[chance(band, truth, n) for truth in truths],
            mode="lines",
            line={"color": INK, "dash": dash, "width": 2},
            name=f"{name}: {n} photographs",
            hovertemplate="true error %{x:.0%}: holds with probability %{y:.0%}",
        )
    fig.add_vrect(
        band.claim.low, band.claim.high, line_width=0, fillcolor=GREY,
        annotation_text=f"paper: {band.claim}", annotation_position="bottom left",
        annotation_font_size=12,
    )  # fmt: skip
    return fig.update_layout(
        xaxis={"range": [-0.02, 1.02], "tickformat": ".0%", "title": {"text": "true error"}},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "chance to hold"}},
    )


def _ranges(rows: Sequence[Judged], place: dict[str, int]) -> go.Scatter:
    import plotly.graph_objects as go

    x, y = [], []
    for row in rows:
        claim = row.claim.band.claim
        low = claim.low if claim.high > claim.low else claim.low - _LEAST
        high = claim.high if claim.high > claim.low else claim.high + _LEAST
        x += [low, high, None]
        y += [place[row.claim.name]] * 2 + [None]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": GREY, "width": 14}, name="the paper",
        hoverinfo="skip",
    )  # fmt: skip


def _role(row: Judged) -> Role:
    """Ours in the colour of what is measured."""
    if row.claim.group == "the baseline" and row.claim.name.startswith(NOBODY):
        return UNPROTECTED
    return _ROLES.get(row.claim.group, CLOAKED)

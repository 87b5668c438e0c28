"""Do rendered people predict real ones? Errors on rendered people against errors on photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from poisonlib import extractors
from poisonlib.figures.frames import slider
from poisonlib.figures.theme import DEFENDED, GRID, INK, TARGET, Role
from poisonlib.generations import judged, unprotected
from studio.studies.ranks import rank_correlation
from workbench.extractors import pretrained, trained_on_photographs

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

OURS, ADAPTED, REAL = "ours", "ours, adapted to cloaks", "real"
KINDS: Mapping[str, Role] = {
    OURS: Role(OURS, TARGET.colour, TARGET.symbol, TARGET.dash),
    ADAPTED: Role(ADAPTED, DEFENDED.colour, DEFENDED.symbol, DEFENDED.dash),
    REAL: Role("trained on real faces", INK, "star", "solid"),
}
"""How the kinds of extractors are drawn: what they learnt from, and from whom."""
KNOWS = 0.5
"""An extractor knows real faces at all if it misnames fewer of them than this without a cloak."""


def kind(extractor: str) -> str:
    """Which of :data:`KINDS` an extractor is of, by its name."""
    if extractor.endswith((*trained_on_photographs(), *pretrained.names())):
        return REAL
    return ADAPTED if extractor in extractors.names(adapted=True) else OURS


def knows_real_faces(table: pandas.DataFrame, *, photographs: str = "LFW") -> dict[str, bool]:
    """For each extractor, whether the upper bound of its error without cloaks is below `KNOWS`."""
    rates = unprotected(table[table["photographs"] == photographs])
    return {extractor: rate.high < KNOWS for extractor, rate in rates.items()}


def pairs(table: pandas.DataFrame, *, photographs: str = "LFW") -> pandas.DataFrame:
    """Each tool against each extractor that ran on both sets.

    Args:
        table: as ``TrialResult.table`` by 1-NN, with a column ``photographs``, one value
            of which is ``"people"``.
        photographs: the other one.

    Returns:
        one row for each ``attack`` and ``extractor`` with its ``kind``, whether it ``knows`` real
        faces, and for either set (``_people``, ``_real``) ``error, low, high, n, users, clean``.
    """
    rows = judged(table, by=["photographs"])
    keys, values = ["attack", "extractor"], ["error", "low", "high", "n", "users", "clean"]
    sides = [
        rows[rows["photographs"] == name].set_index(keys)[values].add_suffix(suffix)
        for name, suffix in (("people", "_people"), (photographs, "_real"))
    ]
    both = sides[0].join(sides[1], how="inner").reset_index()
    knows = knows_real_faces(table, photographs=photographs)
    return both.assign(
        kind=both["extractor"].map(kind), knows=both["extractor"].map(knows).astype(bool)
    )


def predicted(table: pandas.DataFrame, *, photographs: str = "LFW", seed: int = 0) -> go.Figure:
    """A mark for each tool and extractor: error on rendered people, and on photographs.

    A slider over all pairs, those whose extractor knows real faces, and what the cloak adds against
    these. On the diagonal, the miniature would be right to the per cent.

    Args:
        table: as for :func:`pairs`.
        seed: of the intervals of the correlations, drawn over users.
    """
    import plotly.graph_objects as go

    rows = pairs(table, photographs=photographs)
    knowing = table[table["extractor"].isin(rows[rows["knows"]]["extractor"])]
    views = {
        "all": (rows, table, False),
        "knows faces": (rows[rows["knows"]], knowing, False),
        "less no cloak": (rows[rows["knows"]], knowing, True),
    }
    frames = []
    for name, (shown, whole, added) in views.items():
        correlation = rank_correlation(whole, seed=seed, added=added, photographs=photographs)
        note = f"{correlation.pairs} pairs, rank correlation<br>{correlation}"
        frames.append(go.Frame(name=name, data=_marks(shown, note, added=added)))
    fig = go.Figure(frames[0].data, frames=frames)
    fig.add_shape(
        type="line", x0=0, y0=0, x1=1, y1=1, layer="below", line={"color": GRID, "width": 2}
    )
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axis = {"tickformat": ".0%", "range": [-0.08, 1.06], "tickvals": ticks}
    return fig.update_layout(
        xaxis=axis | {"title": {"text": "error on rendered people"}},
        yaxis=axis | {"title": {"text": "error on real photographs"}, "range": [-0.24, 1.06]},
        sliders=slider(list(views), prefix="extractors", below=60),
        height=560,
    )


def _marks(rows: pandas.DataFrame, note: str, *, added: bool) -> list[go.Scatter]:
    import plotly.graph_objects as go

    traces = []
    for name, role in KINDS.items():
        points = rows[rows["kind"] == name]
        x, y = points["error_people"], points["error_real"]
        if added:
            x, y = x - points["clean_people"], y - points["clean_real"]
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="markers",
                marker=role.marker | {"size": 11, "opacity": 0.85},
                name=role.name,
                text=[_hover(row) for row in points.to_dict("records")],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    text = go.Scatter(
        x=[1.05], y=[-0.15], text=[note], mode="text", textposition="middle left",
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return [*traces, text]


def _hover(row: Mapping) -> str:
    def side(suffix: str) -> str:
        return (
            f"{row[f'error{suffix}']:.0%} [{row[f'low{suffix}']:.0%}, {row[f'high{suffix}']:.0%}], "
            f"no cloak {row[f'clean{suffix}']:.0%}<br>{row[f'n{suffix}']} photographs, "
            f"{row[f'users{suffix}']} users"
        )

    title = f"<b>{row['attack']}</b> against <b>{row['extractor']}</b>"
    return f"{title}<br>rendered: {side('_people')}<br>real: {side('_real')}"

"""How well a detector tells cloaked photographs from clean ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, INK, TOOLS, UNPROTECTED, Role
from poisonlib.statistics import Rate, wilson

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go
    from numpy.typing import ArrayLike, NDArray


def by_attack(
    clean: Rate, cloaked: Mapping[str, Rate], *, everybody: Rate | None = None
) -> pandas.DataFrame:
    """Precision and recall for each tool and for all of them together, with 95 % intervals.

    Args:
        clean: clean photographs that were flagged.
        cloaked: cloaked ones that were flagged, by tool.
        everybody: clean photographs for the last row, of all tools; ``clean`` by default.

    Returns:
        one row each, with ``attack, precision, recall, false_alarms`` as text and the counts
        ``found, cloaked, alarms, clean`` behind them. A detector that flags nothing has no
        precision.
    """
    import pandas

    pooled = wilson(sum(r.count for r in cloaked.values()), sum(r.n for r in cloaked.values()))
    rows = []
    beside = {name: clean for name in cloaked} | {"all tools": everybody or clean}
    for name, rate in {**cloaked, "all tools": pooled}.items():
        clean = beside[name]
        flagged = rate.count + clean.count
        precision = span(wilson(rate.count, flagged)) if flagged else "none flagged"
        row = {"attack": name, "precision": precision, "recall": span(rate)}
        row |= {"false alarms": span(clean), "found": rate.count, "cloaked": rate.n}
        rows.append(row | {"alarms": clean.count, "clean": clean.n})
    return pandas.DataFrame(rows)


def span(rate: Rate) -> str:
    """A rate and its interval for a cell of a table: ``99.8 % [99.1, 100]``."""
    return f"{100 * rate.value:.4g} % [{100 * rate.low:.4g}, {100 * rate.high:.4g}]"


def spectrum(curves: Mapping[str, NDArray], frequencies: NDArray) -> go.Figure:
    """Mean power over how fine a pattern is, a curve for each of several kinds of picture.

    Args:
        curves: name (``"clean"``, or a tool's) to power ``(k,)``, positive.
        frequencies: ``(k,)`` in cycles per pixel.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    for name, power in curves.items():
        role = _role(name)
        fig.add_scatter(
            x=frequencies,
            y=power,
            name=name,
            mode="lines+markers",
            line=role.line | {"width": 2},
            marker=role.marker | {"size": 6},
            hovertemplate="%{x:.2f} cycles per pixel: %{y:.2g}",
        )
    fig.update_layout(
        xaxis={"title": {"text": "cycles per pixel (coarse to fine)"}},
        yaxis={"title": {"text": "mean power"}, "type": "log", "exponentformat": "power"},
        height=440,
    )
    return fig


def roc(scores: Mapping[str, ArrayLike], *, threshold: float = 0.0) -> go.Figure:
    """Receiver operating characteristic: photographs found over false alarms, a curve a tool.

    The axis of false alarms is logarithmic, as what matters is at its left end; it begins at one
    half of a photograph, where no false alarm is drawn.

    Args:
        scores: ``"clean"`` and tools to scores, larger for more suspicious.
        threshold: the operating point, a mark on each curve.

    Raises:
        ValueError: no clean scores.
    """
    import plotly.graph_objects as go

    if CLEAN.name not in scores:
        raise ValueError(f"a ROC curve needs scores of {CLEAN.name!r}, got {list(scores)}")
    clean = np.sort(np.asarray(scores[CLEAN.name], dtype=float))
    least = 0.5 / len(clean)
    fig = go.Figure()
    for name, values in scores.items():
        if name == CLEAN.name:
            continue
        found, alarms = roc_points(clean, values)
        role = _role(name)
        fig.add_scatter(
            x=np.maximum(alarms, least),
            y=found,
            name=name,
            mode="lines",
            line=role.line | {"width": 2, "shape": "hv"},
            hovertemplate="%{y:.2%} found, %{x:.2%} false alarms",
        )
        here = float((np.asarray(values) >= threshold).mean())
        alarm = float((clean >= threshold).mean())
        fig.add_scatter(
            x=[max(alarm, least)],
            y=[here],
            mode="markers",
            marker=role.marker | {"size": 13},
            name=f"{name}, threshold in use",
            showlegend=False,
            hovertemplate=f"threshold in use: %{{y:.2%}} found, {alarm:.2%} false alarms",
        )
    fig.update_layout(
        xaxis={"title": {"text": "share of clean photographs flagged"}, "type": "log"}
        | {"range": [np.log10(least), 0.02], "tickformat": "~%", "dtick": 1},
        yaxis={"title": {"text": "share of cloaked photographs flagged"}}
        | {"tickformat": ".0%", "range": [-0.03, 1.05]},
        height=460,
    )
    return fig


def roc_points(clean: ArrayLike, cloaked: ArrayLike) -> tuple[NDArray, NDArray]:
    """Share found and share of false alarms at every threshold, from the strictest on.

    Args:
        clean, cloaked: ``(n,)`` and ``(m,)`` scores.

    Returns:
        ``(k,)`` found and ``(k,)`` alarms, both from 0 to 1.
    """
    clean, cloaked = np.sort(np.asarray(clean)), np.sort(np.asarray(cloaked))
    thresholds = np.unique(np.concatenate([clean, cloaked]))[::-1]
    found = 1 - np.searchsorted(cloaked, thresholds) / len(cloaked)
    alarms = 1 - np.searchsorted(clean, thresholds) / len(clean)
    return np.concatenate([[0.0], found]), np.concatenate([[0.0], alarms])


def calibration(probability: ArrayLike, cloaked: ArrayLike, *, bins: int = 10) -> pandas.DataFrame:
    """How often photographs that score about p are cloaked, bin by bin, with 95 % intervals.

    Args:
        probability: ``(n,)`` scores in [0, 1].
        cloaked: ``(n,)`` bool.
        bins: of equal width; empty ones are left out.

    Returns:
        columns ``predicted`` (mean score of the bin), ``error``, ``low``, ``high`` (share that is
        cloaked) and ``n``.
    """
    import pandas

    probability, cloaked = np.asarray(probability), np.asarray(cloaked)
    which = np.minimum((probability * bins).astype(int), bins - 1)
    rows = []
    for number in range(bins):
        inside = which == number
        if inside.any():
            rate = wilson(int(cloaked[inside].sum()), int(inside.sum()))
            row = {"predicted": float(probability[inside].mean()), "error": rate.value}
            rows.append(row | {"low": rate.low, "high": rate.high, "n": rate.n})
    return pandas.DataFrame(rows)


def reliability(bins: pandas.DataFrame) -> go.Figure:
    """The bins of :func:`calibration` beside the line on which a score means what it says."""
    import plotly.graph_objects as go

    from poisonlib.figures.error_bars import error_bars

    fig = go.Figure()
    fig.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": INK, "dash": "dot"}, name="calibrated"
    )
    fig.add_scatter(
        x=bins["predicted"],
        y=bins["error"],
        error_y=error_bars(bins),
        customdata=bins["n"],
        mode="markers",
        marker=CLOAKED.marker | {"size": 11},
        name="photographs with such scores",
        hovertemplate="score %{x:.3f}: %{y:.1%} cloaked, %{customdata} photographs",
    )
    fig.update_layout(
        xaxis={"title": {"text": "score"}, "range": [-0.03, 1.03]},
        yaxis={"title": {"text": "share that is cloaked"}}
        | {"tickformat": ".0%", "range": [-0.05, 1.05]},
        height=440,
    )
    return fig


def flagged_by(table: pandas.DataFrame, column: str, order: Sequence[str]) -> go.Figure:
    """Share of photographs flagged, a group for each value of a column, a mark for each attack.

    Args:
        table: rows with ``attack``, ``flagged``, ``n`` and the column.
        column: what tells the groups apart, e.g. ``"treatment"``.
        order: its values, as they are drawn.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    attacks = list(dict.fromkeys(table["attack"]))
    for place, attack in enumerate(attacks):
        rows = table[table["attack"] == attack].set_index(column)
        rates = [wilson(int(rows.loc[v, "flagged"]), int(rows.loc[v, "n"])) for v in order]
        role = _role(attack)
        # Side by side, so that marks at 0 and at 100 % do not cover each other.
        shift = 0.16 * (place - (len(attacks) - 1) / 2)
        fig.add_scatter(
            x=[number + shift for number in range(len(order))],
            y=[rate.value for rate in rates],
            error_y={
                "array": [rate.high - rate.value for rate in rates],
                "arrayminus": [rate.value - rate.low for rate in rates],
            },
            customdata=[span(rate) + f", n = {rate.n}" for rate in rates],
            mode="markers",
            marker=role.marker | {"size": 10},
            name=f"{attack} (false alarms)" if attack == CLEAN.name else attack,
            hovertemplate="%{customdata}",
        )
    fig.update_layout(
        xaxis={"tickvals": list(range(len(order))), "ticktext": list(order), "tickangle": -40},
        yaxis={"title": {"text": "share flagged"}, "tickformat": ".0%", "range": [-0.04, 1.06]},
        legend={"entrywidth": 160},
        margin={"t": 100},
        height=500,
    )
    return fig


def flagged_by_strength(table: pandas.DataFrame) -> go.Figure:
    """Share of photographs flagged over how visible the cloak is, a curve for each tool.

    Args:
        table: rows with ``tool``, ``strength``, ``dssim``, ``flagged`` and ``n``; a line joins
            those of a tool in their order.
    """
    import plotly.graph_objects as go

    fig = go.Figure()
    for tool, rows in table.groupby("tool", sort=False):
        rates = [wilson(int(k), int(n)) for k, n in zip(rows["flagged"], rows["n"], strict=True)]
        role = _role(tool)
        fig.add_scatter(
            x=rows["dssim"],
            y=[rate.value for rate in rates],
            error_y={
                "array": [rate.high - rate.value for rate in rates],
                "arrayminus": [rate.value - rate.low for rate in rates],
            },
            text=rows["strength"],
            customdata=[span(rate) for rate in rates],
            mode="lines+markers",
            line=role.line | {"width": 2},
            marker=role.marker | {"size": 10},
            name=tool,
            hovertemplate="%{text}, DSSIM %{x:.4f}: %{customdata}",
        )
    fig.update_layout(
        xaxis={"title": {"text": "mean DSSIM of the cloaks"}, "type": "log"},
        yaxis={"title": {"text": "share flagged"}, "tickformat": ".0%", "range": [-0.04, 1.06]},
        height=440,
    )
    return fig


def error_by_leaks(table: pandas.DataFrame) -> go.Figure:
    """Error of a protected user over leaked photographs, gallery filtered or not, slider: tool.

    Args:
        table: rows with ``attack``, ``leaks``, ``filtered``, ``errors``, ``n``; the attack
            ``"clean"`` is the same users without a cloak.
    """
    import plotly.graph_objects as go

    bare = table[(table["attack"] == CLEAN.name) & ~table["filtered"].astype(bool)]
    without = wilson(int(bare["errors"].sum()), int(bare["n"].sum()))
    kinds = {False: Role("gallery as scraped", CLOAKED.colour, CLOAKED.symbol, CLOAKED.dash)}
    kinds[True] = Role("gallery filtered", DEFENDED.colour, DEFENDED.symbol, DEFENDED.dash)
    frames = []
    for tool in dict.fromkeys(table["attack"]):
        if tool == CLEAN.name:
            continue
        mine = table[table["attack"] == tool]
        leaks = sorted(mine["leaks"].unique())
        line = UNPROTECTED.line | {"width": 1.5}
        ends = [leaks[0] - 0.3, leaks[-1] + 0.3]
        traces = [
            go.Scatter(x=ends, y=[without.value] * 2, mode="lines", line=line, name="no cloak")
        ]
        for filtered, role in kinds.items():
            rows = mine[mine["filtered"].astype(bool) == filtered]
            sums = rows.groupby("leaks")[["errors", "n"]].sum().loc[leaks]
            rates = [wilson(int(k), int(n)) for k, n in sums.to_numpy()]
            traces.append(
                go.Scatter(
                    x=leaks,
                    y=[rate.value for rate in rates],
                    error_y={
                        "array": [rate.high - rate.value for rate in rates],
                        "arrayminus": [rate.value - rate.low for rate in rates],
                    },
                    customdata=[str(rate) for rate in rates],
                    mode="lines+markers",
                    line=role.line | {"width": 2},
                    marker=role.marker | {"size": 11},
                    name=role.name,
                    hovertemplate="%{x} leaked: %{customdata}",
                )
            )
        frames.append(go.Frame(data=traces, name=tool))
    fig = go.Figure(frames[0].data, frames=frames)
    fig.update_layout(
        xaxis={"title": {"text": "clean photographs that leaked"}, "tickvals": leaks},
        yaxis={"title": {"text": "error of the user"}, "tickformat": ".0%"}
        | {"range": [-0.04, 1.06]},
        legend={"entrywidth": 160},
        margin={"t": 100},
        height=520,
        sliders=slider([frame.name for frame in frames], prefix="tool", below=60),
    )
    return fig


def _role(name: str) -> Role:
    return CLEAN if name == CLEAN.name else TOOLS.get(name, CLOAKED)

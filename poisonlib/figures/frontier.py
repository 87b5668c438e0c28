"""What accuracy a trainer pays for robustness, and what two models together need not pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poisonlib.defenses import outcomes
from poisonlib.defenses.outcomes import Answers, Outcome
from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, INK, TARGET, TOOLS, Role, short

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

ALONE, ROBUST, BOTH, CHOSEN = "circle-open", "diamond-open", "star", "square"
"""The marks of the accurate model, the robust one, Top-2, and the chosen threshold."""


def curve(clean: Answers, cloaked: Answers, thresholds: Sequence[float]) -> tuple[NDArray, NDArray]:
    """Clean error and protected users' error ``(k,)`` at each threshold."""
    pairs = [
        [float(outcomes.thresholded(asked, limit).wrong.mean()) for asked in (clean, cloaked)]
        for limit in thresholds
    ]
    x, y = np.array(pairs).T
    return x, y


def frontier(
    table: pandas.DataFrame, pair: str, *, steps: Sequence[float], share: float = outcomes.SHARE
) -> go.Figure:
    """Protected users' error over clean error, a curve over thresholds for each tool.

    The slider moves the threshold from the first step to the last, and a ring along each curve.
    Marks with 95 % intervals: either model alone, by its name, Top-2, and the chosen threshold.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        steps: of the slider, distances.
        share: at which the threshold was chosen.
    """
    import plotly.graph_objects as go

    clean, *by_tool = outcomes.groups(table, pair)
    clean = clean[2]
    cloaked = {tool: asked for tool, _, asked in by_tool if tool != outcomes.UNPROTECTED}
    chosen = outcomes.limits(table, pair, share)["threshold"]
    accurate, robust = pair.split(" + ")
    still = []
    for tool, asked in cloaked.items():
        role = TOOLS.get(tool, CLOAKED)
        x, y = curve(clean, asked, _everywhere(clean, asked))
        line = role.line | {"width": 1.5}
        shown = {"mode": "lines", "line": line, "name": short(tool), "hoverinfo": "skip"}
        still.append(go.Scatter(x=x, y=y, **shown))
    rules = {
        accurate: (outcomes.accurate_alone, ALONE),
        robust: (outcomes.robust_alone, ROBUST),
        "Top-2": (outcomes.top2, BOTH),
        "chosen": (lambda asked: outcomes.thresholded(asked, chosen), CHOSEN),
    }
    for name, (rule, symbol) in rules.items():
        # The last tool is drawn in ink, and the legend takes the colour of the first mark.
        points = {tool: rule(asked) for tool, asked in reversed(cloaked.items())}
        still.append(_marks(name, rule(clean), points, symbol))
    frames = []
    for limit in steps:
        x, y = zip(*(curve(clean, asked, [limit]) for asked in cloaked.values()), strict=True)
        here = outcomes.thresholded(clean, limit)
        moving = go.Scatter(
            x=np.concatenate(x), y=np.concatenate(y), mode="markers", name="slider",
            marker={"symbol": "circle-open", "size": 20, "color": TARGET.colour,
                    "line": {"width": 3}},
            text=list(cloaked), hovertemplate="%{text}: clean %{x:.1%}, protected %{y:.1%}<br>"
            f"{here.consulted.mean():.0%} of clean photographs need the second model",
        )  # fmt: skip
        frames.append(go.Frame(data=[*still, moving], name=f"{limit:.2f}"))
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        xaxis={"title": {"text": "error when nobody cloaks"}, "tickformat": "~%"}
        | {"rangemode": "tozero"},
        yaxis={"title": {"text": "error of protected users"}}
        | {"tickformat": ".0%", "range": [-0.03, 1.05]},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        margin={"t": 120},
        height=600,
        sliders=slider([frame.name for frame in frames], prefix="threshold", below=60),
    )


def _everywhere(clean: Answers, cloaked: Answers) -> NDArray:
    """Enough thresholds to draw a curve by, from 0, where the robust model answers, to 2."""
    both = np.concatenate([clean.accurate_distance, cloaked.accurate_distance])
    return np.concatenate([[0.0], np.quantile(both, np.linspace(0, 1, 80)), [2.0]])


def _marks(name: str, clean: Outcome, cloaked: Mapping[str, Outcome], symbol: str) -> go.Scatter:
    import plotly.graph_objects as go

    across, up = clean.error, [outcome.error for outcome in cloaked.values()]
    bars = {"thickness": 1, "width": 0}
    return go.Scatter(
        x=[across.value] * len(up),
        y=[rate.value for rate in up],
        error_x={"array": [across.high - across.value] * len(up)}
        | {"arrayminus": [across.value - across.low] * len(up)}
        | bars,
        error_y={"array": [rate.high - rate.value for rate in up]}
        | {"arrayminus": [rate.value - rate.low for rate in up]}
        | bars,
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 11,
            "color": [TOOLS.get(tool, CLOAKED).colour for tool in cloaked],
            "line": {"width": 1.5},
        },
        name=name,
        customdata=[[tool, str(across), str(rate)] for tool, rate in zip(cloaked, up, strict=True)],
        hovertemplate="%{customdata[0]}: protected %{customdata[2]}<br>clean %{customdata[1]}",
    )


def nearest_distances(
    table: pandas.DataFrame,
    pair: str,
    *,
    tools: Sequence[str],
    steps: Sequence[float],
    bins: int = 24,
) -> go.Figure:
    """How far photographs are from the accurate model's nearest neighbour; slider: threshold.

    Clean photographs of everybody, of protected users, and of strangers, who are not in the
    gallery. What lies left of the line is answered by the accurate model; the legend says how much.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        tools: whose wearers to show.
        steps: of the slider, distances; the first one is shown at first, one alone without slider.
        bins: of the histograms.
    """
    import plotly.graph_objects as go

    distances = {CLEAN: outcomes.answers(table, pair).accurate_distance}
    for tool in tools:
        role = TOOLS.get(tool, CLOAKED)
        distances[role] = outcomes.answers(table, pair, tool).accurate_distance
    strangers = Role("strangers", TARGET.colour, TARGET.symbol, TARGET.dash)
    distances[strangers] = outcomes.strangers(table, pair)[0]
    every = np.concatenate(list(distances.values()))
    edges = np.linspace(max(0, every.min() - 0.05), every.max() + 0.05, bins + 1)
    heights = {
        role: np.histogram(values, bins=edges)[0] / len(values)
        for role, values in distances.items()
    }
    top = 1.08 * max(each.max() for each in heights.values())
    frames = []
    for limit in steps:
        traces = [
            go.Scatter(
                x=(edges[1:] + edges[:-1]) / 2,
                y=heights[role],
                mode="lines",
                line=role.line | {"width": 2},
                fill="tozeroy" if role in (CLEAN, strangers) else None,
                name=f"{role.name}: {(values <= limit).mean():.0%} answered",
                hovertemplate="%{y:.1%} of them at %{x:.2f}",
            )
            for role, values in distances.items()
        ]
        line = {"color": INK, "width": 2}
        traces.append(
            go.Scatter(x=[limit, limit], y=[0, top], mode="lines", line=line, name="threshold")
        )
        frames.append(go.Frame(data=traces, name=f"{limit:.2f}"))
    fig = go.Figure(frames[0].data)
    fig.update_layout(
        xaxis={"title": {"text": "distance to the nearest one"}}
        | {"range": [float(edges[0]), float(edges[-1])]},
        yaxis={"title": {"text": "share of photographs"}, "tickformat": ".0%", "range": [0, top]},
        legend={"entrywidth": 1, "entrywidthmode": "fraction"},
        margin={"t": 60 + 22 * (len(distances) + 1)},
        height=560,
    )
    if len(frames) > 1:
        fig.frames = frames
        fig.layout.sliders = slider([frame.name for frame in frames], prefix="threshold", below=60)
    return fig

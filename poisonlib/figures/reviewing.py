"""What two models cost the people who use them, and the people they are used on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poisonlib.defenses import outcomes
from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, INK, TARGET, TOOLS, UNPROTECTED

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

SECONDS = (5, 10, 20, 30, 60)
"""How long a person may take over two faces: assumptions."""


def minutes(comparisons: float, seconds: float, *, queries: int = 1000) -> float:
    """A person's minutes for so many queries.

    Args:
        comparisons: faces compared with a query, on average.
        seconds: that each comparison takes.
        queries: how many.
    """
    return queries * comparisons * seconds / 60


def human_minutes(
    comparisons: Mapping[str, Mapping[str, float]], *, seconds: Sequence[float] = SECONDS
) -> go.Figure:
    """A person's minutes for 1,000 queries by each rule; slider: seconds for a comparison.

    Args:
        comparisons: for each rule, and each kind of photograph, faces compared on average.
        seconds: the slider's steps.
    """
    import plotly.graph_objects as go

    kinds = list(next(iter(comparisons.values())))
    looks = {"Top-2": (CLEAN.colour, ""), "Top-2, streamlined": (DEFENDED.colour, "/")}
    most = max(
        minutes(each, max(seconds)) for rule in comparisons.values() for each in rule.values()
    )
    frames = []
    for step in seconds:
        traces = []
        for rule, means in comparisons.items():
            colour, pattern = looks.get(rule, (TARGET.colour, "x"))
            taken = [minutes(means[kind], step) for kind in kinds]
            traces.append(
                go.Bar(
                    x=[kind.replace(" ", "<br>", 1) for kind in kinds],
                    y=taken,
                    text=[f"{each:,.0f}" for each in taken],
                    textposition="outside",
                    cliponaxis=False,
                    name=rule,
                    marker={"color": colour, "pattern": {"shape": pattern}},
                    hovertemplate="%{y:.0f} minutes",
                )
            )
        frames.append(go.Frame(data=traces, name=f"{step} s"))
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        barmode="group",
        xaxis={"tickangle": 0},
        yaxis={"title": {"text": "minutes for 1,000 queries"}, "range": [0, 1.12 * most]},
        height=480,
        sliders=slider([frame.name for frame in frames], prefix="one comparison", below=70),
    )


def erring_person(
    table: pandas.DataFrame,
    pair: str,
    tool: str,
    *,
    accepts: Sequence[float],
    refuses: Sequence[float],
) -> go.Figure:
    """What a person who errs makes of the streamlined Top-2; slider: how often a wrong face passes.

    Over how often the right face is turned down: clean photographs and a protected user's that
    nobody is rightly named on, and those on which an innocent person is named.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        tool: the protected user's.
        accepts: the slider's steps, probabilities.
        refuses: along the axis, probabilities.
    """
    import plotly.graph_objects as go

    asked = {CLEAN: outcomes.answers(table, pair)}
    role = TOOLS.get(tool, CLOAKED)
    asked[role] = outcomes.answers(table, pair, tool)
    alone = float(outcomes.accurate_alone(asked[CLEAN]).wrong.mean())
    frames = []
    for accept in accepts:
        traces = [
            go.Scatter(
                x=[refuses[0], refuses[-1]],
                y=[alone, alone],
                mode="lines",
                line={"color": INK, "width": 1},
                name="clean, no person",
                hoverinfo="skip",
            )  # fmt: skip
        ]
        for who, answers in asked.items():
            verdicts = [
                outcomes.with_an_erring_person(answers, accepts=accept, refuses=refuse)
                for refuse in refuses
            ]
            for what, width in (("not found", 2.5), ("innocent named", 1.2)):
                shares = [
                    1 - each.right.mean() if what == "not found" else each.innocent.mean()
                    for each in verdicts
                ]
                traces.append(
                    go.Scatter(
                        x=list(refuses),
                        y=shares,
                        mode="lines+markers",
                        line=who.line | {"width": width},
                        marker={"color": who.colour}
                        | {"symbol": who.symbol if what == "not found" else TARGET.symbol}
                        | {"size": 9 if what == "not found" else 6},
                        name=f"{who.name}: {what}",
                        hovertemplate="%{y:.1%} if %{x:.0%} of right faces are turned down",
                    )
                )
        frames.append(go.Frame(data=traces, name=f"{accept:.0%}"))
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        xaxis={"title": {"text": "right faces turned down"}, "tickformat": ".0%"},
        yaxis={"title": {"text": "share of photographs"}, "tickformat": ".0%"}
        | {"range": [-0.02, 1.02]},
        legend={"entrywidth": 1, "entrywidthmode": "fraction"},
        margin={"t": 150},
        height=560,
        sliders=slider([frame.name for frame in frames], prefix="wrong faces accepted", below=60),
    )


def open_set(table: pandas.DataFrame, pair: str, *, shares: Sequence[float]) -> go.Figure:
    """Users not found over strangers named, as the robust model's limit moves along each curve.

    The axis of strangers is logarithmic and begins at one half of a photograph, which stands for
    none. The slider sets the accurate model's threshold, as the share of absent people that it may
    answer; a mark on each curve is where the robust one's limit is chosen by the same share.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        shares: the slider's steps, of those that were recorded.
    """
    import plotly.graph_objects as go

    near, far = outcomes.strangers(table, pair)
    least = 0.5 / len(near)
    groups = {UNPROTECTED: outcomes.answers(table, pair)}
    for tool, _, asked in outcomes.groups(table, pair):
        if tool != outcomes.UNPROTECTED:
            groups[TOOLS.get(tool, CLOAKED)] = asked
    frames = []
    for share in shares:
        limits = outcomes.limits(table, pair, share)
        rejects = [0.0, *np.quantile(far, np.linspace(0, 1, 60)), 2.0]
        traces = []
        for role, asked in groups.items():
            points = [_at(near, far, asked, limits["threshold"], each) for each in rejects]
            here = _at(near, far, asked, limits["threshold"], limits["reject"])
            x, y = np.array(points).T
            traces.append(
                go.Scatter(
                    x=np.maximum(x, least),
                    y=y,
                    mode="lines",
                    line=role.line | {"width": 2},
                    name=role.name,
                    hovertemplate="%{y:.1%} not found, %{x:.1%} strangers named",
                )  # fmt: skip
            )
            traces.append(
                go.Scatter(
                    x=[max(here[0], least)],
                    y=[here[1]],
                    mode="markers",
                    showlegend=False,
                    marker=role.marker | {"size": 12},
                    name=f"{role.name}, chosen limit",
                    hovertemplate="%{y:.1%} not found, %{x:.1%} strangers named",
                )  # fmt: skip
            )
        frames.append(go.Frame(data=traces, name=f"{100 * share:g} %"))
    fig = go.Figure(frames[0].data, frames=frames)
    return fig.update_layout(
        xaxis={"title": {"text": "strangers who are named"}, "type": "log", "dtick": 1}
        | {"range": [np.log10(least), 0.03], "tickformat": "~%"},
        yaxis={"title": {"text": "people of the gallery not found"}, "tickformat": ".0%"}
        | {"range": [-0.03, 1.05]},
        legend={"entrywidth": 100},
        margin={"t": 90},
        height=520,
        sliders=slider([frame.name for frame in frames], prefix="accurate model answers", below=60),
    )


def _at(
    near: NDArray, far: NDArray, asked: outcomes.Answers, threshold: float, reject: float
) -> tuple[float, float]:
    """Strangers named, and people of the gallery not found, both as shares."""
    named = outcomes.named(near, far, threshold, reject).mean()
    missed = outcomes.thresholded(asked, threshold, reject=reject).wrong.mean()
    return float(named), float(missed)

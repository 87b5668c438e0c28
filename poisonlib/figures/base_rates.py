"""What a detector's flags are worth when hardly anybody cloaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED

if TYPE_CHECKING:
    import plotly.graph_objects as go

ONE_IN = (2, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Flagged:
    """What a detector flags among many photographs, on average.

    Attributes:
        hits: cloaked ones.
        alarms: clean ones.
    """

    hits: float
    alarms: float

    @property
    def precision(self) -> float:
        """The share of flagged photographs that are cloaked, in [0, 1]; 0 if nothing is flagged."""
        flagged = self.hits + self.alarms
        return self.hits / flagged if flagged else 0.0


def among(photographs: float, one_in: float, *, recall: float, false_alarms: float) -> Flagged:
    """Bayes' rule in counts.

    Args:
        photographs: that are looked at.
        one_in: one of so many is cloaked.
        recall: share of cloaked ones that are flagged, in [0, 1].
        false_alarms: share of clean ones that are flagged, in [0, 1].

    Raises:
        ValueError: rates outside [0, 1], or ``one_in`` below 1.
    """
    if not (0 <= recall <= 1 and 0 <= false_alarms <= 1 and one_in >= 1):
        raise ValueError(
            "recall and false_alarms must be in [0, 1] and one_in at least 1, "
            f"got {recall}, {false_alarms} and {one_in}"
        )
    cloaked = photographs / one_in
    return Flagged(hits=recall * cloaked, alarms=false_alarms * (photographs - cloaked))


def flags_at_scale(
    photographs: float,
    *,
    recall: float,
    false_alarms: Sequence[tuple[str, float]],
    one_in: Sequence[int] = ONE_IN,
) -> go.Figure:
    """Hits beside false alarms for several rates of false alarm, a slider over how rare cloaks are.

    Args:
        photographs: how many are uploaded.
        recall: share of cloaked ones that are flagged.
        false_alarms: names and rates, each more than 0.
        one_in: the slider's steps; one alone is drawn without a slider.
    """
    import plotly.graph_objects as go

    # On two lines: three of them have to fit on a phone.
    names = [name.replace(" ", "<br>", 1) for name, _ in false_alarms]
    frames = []
    for rarity in one_in:
        cases = [
            among(photographs, rarity, recall=recall, false_alarms=rate) for _, rate in false_alarms
        ]
        hits, alarms = [case.hits for case in cases], [case.alarms for case in cases]
        right = go.Scatter(
            x=names, y=[2 * max(case.hits, case.alarms) for case in cases], mode="text",
            text=[f"{100 * case.precision:.3g} %<br>right" for case in cases],
            textposition="top center", textfont={"size": 13}, cliponaxis=False,
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        traces = [
            _bars(names, hits, "cloaked and flagged", CLOAKED.colour, "/"),
            _bars(names, alarms, "clean and flagged", CLEAN.colour, ""),
            right,
        ]
        frames.append(go.Frame(data=traces, name=f"1 in {rarity:,}"))
    fig = go.Figure(frames[0].data)
    fig.update_layout(
        barmode="group",
        xaxis={"title": {"text": "false-alarm rate"}, "tickangle": 0},
        yaxis={"title": {"text": "photographs flagged"}, "type": "log"}
        | {"range": [0, 11.5], "dtick": 2, "exponentformat": "power"},
        legend={"entrywidth": 160},
        margin={"t": 100},
        height=540,
    )
    if len(frames) > 1:
        fig.frames = frames
        fig.layout.sliders = slider([frame.name for frame in frames], prefix="cloaked", below=76)
    return fig


def _bars(names: list[str], counts: list[float], name: str, colour: str, pattern: str) -> go.Bar:
    import plotly.graph_objects as go

    return go.Bar(
        x=names,
        y=counts,
        name=name,
        marker={"color": colour, "pattern": {"shape": pattern}},
        hovertemplate="%{y:.3s} photographs",
    )

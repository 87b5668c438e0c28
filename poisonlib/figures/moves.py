"""What the trainer can do about each tool, side by side: wait, adapt, purify, detect.

Every answer comes from the recorded run of the chapter that teaches it; nothing is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.figures.adaptive import COUNTED, HOVER
from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.frames import slider
from poisonlib.figures.purification import protected
from poisonlib.figures.theme import CLOAKED, INK, TOOLS, short
from poisonlib.generations import judged, year
from poisonlib.statistics import wilson

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

STAND_STILL, WAIT, ADAPT, PURIFY, DETECT = "stand still", "wait", "adapt", "purify", "detect"
MOVES: Mapping[str, int] = {STAND_STILL: 2, WAIT: 5, ADAPT: 3, PURIFY: 4, DETECT: 4}
"""Each move, and the number of the chapter that teaches it."""
OUTCOMES: Mapping[paper.Verdict, str] = {
    "fooled": "the cloak holds",
    "not fooled": "the trainer wins",
    "undecided": "undecided",
}
"""What the book's verdict on an extractor means for a move."""
LEFT_OUT = "left out, and listed"
"""What becomes of users whose every photograph is flagged: nobody names them, but they stand on a
list of people who cloak."""


def answers(
    start: str,
    *,
    timeline: pandas.DataFrame,
    adaptive: pandas.DataFrame,
    purification: pandas.DataFrame,
    detection: pandas.DataFrame,
    filtered_on: str,
) -> pandas.DataFrame:
    """The error of each tool's users after each move of a trainer who has some extractor now.

    Waiting takes the later extractor, and purifying the purifier, with the least error: the trainer
    chooses last, but here among the users that are counted, which flatters them. Detecting throws
    out of the gallery what is flagged, when no clean photograph has leaked.

    Args:
        start: the extractor that the trainer has now.
        timeline, adaptive, purification, detection: the recorded tables of these names.
        filtered_on: the extractor that the detection record filtered galleries for; another
            ``start`` has no rows of ``"detect"``.

    Returns:
        a row for each tool and move: ``attack, move, how, error, low, high, n, users``, the
        users' error without a cloak as ``clean``, ``verdict``, ``outcome`` and ``chapter``.

    Raises:
        ValueError: a start that a record lacks.
    """
    import pandas

    for name, table, column in (
        ("timeline", timeline, "extractor"),
        ("adaptive", adaptive, "start"),
        ("purification", purification, "extractor"),
    ):
        if start not in set(table[column]):
            raise ValueError(
                f"the record {name} has no extractor {start!r}; it has {sorted(set(table[column]))}"
            )
    years = judged(timeline).assign(how=lambda rows: rows["extractor"])
    adapted = adaptive[(adaptive["trainer"] == "adapted") & (adaptive["start"] == start)]
    adapted = judged(adapted[adapted["recogniser"] == "1-NN"]).assign(how="copies of the tool")
    washed = _washed(purification[purification["extractor"] == start])
    flagged = _filtered(detection) if start == filtered_on else washed.iloc[:0]
    rows = []
    for tool, all_years in years.groupby("attack", sort=False):
        age = all_years["extractor"].map(year)
        later = all_years[(age >= paper.RELEASED[tool]) & (age > year(start))]
        for move, options in (
            (STAND_STILL, all_years[all_years["extractor"] == start]),
            (WAIT, later),
            (ADAPT, adapted[adapted["attack"] == tool]),
            (PURIFY, washed[washed["attack"] == tool]),
            (DETECT, flagged[flagged["attack"] == tool]),
        ):
            if len(options):
                best = options.loc[options["error"].idxmin()].to_dict()
                keys = ("attack", "how", "error", "low", "high", "n", "users", "clean", "verdict")
                out = move == DETECT and best["verdict"] == "fooled"
                outcome = LEFT_OUT if out else OUTCOMES[best["verdict"]]
                rows.append(
                    {"move": move, "chapter": MOVES[move], "outcome": outcome}
                    | {key: best[key] for key in keys}
                )
    return pandas.DataFrame(rows)


def by_move(starts: Mapping[str, pandas.DataFrame]) -> go.Figure:
    """Error of each tool's users after each move, with 95 % intervals; a slider over starts.

    Args:
        starts: what :func:`answers` returns, by the extractor that the trainer has now.
    """
    import plotly.graph_objects as go

    frames = [go.Frame(data=_marks(rows), name=start) for start, rows in starts.items()]
    fig = go.Figure(frames[0].data, frames=frames if len(frames) > 1 else None)
    fig.add_hline(
        y=paper.FOOLED_ABOVE, line={"color": INK, "width": 1, "dash": "dot"},
        annotation_text="the book's line", annotation_position="top left",
    )  # fmt: skip
    fig.update_layout(
        xaxis={"tickvals": list(MOVES), "tickangle": -35, "range": [-0.5, len(MOVES) - 0.5]}
        | {"categoryorder": "array", "categoryarray": list(MOVES), "type": "category"},
        yaxis={"range": [-0.03, 1.05], "tickformat": ".0%", "title": {"text": "error of the user"}},
        scattermode="group",
        legend={"entrywidth": 80},
        margin={"t": 72},
        height=540,
    )
    if len(frames) > 1:
        fig.update_layout(sliders=slider(list(starts), prefix="the trainer has", below=84))
    return fig


def _marks(rows: pandas.DataFrame) -> Sequence[go.Scatter]:
    import plotly.graph_objects as go

    traces = []
    for tool, mine in rows.groupby("attack", sort=False):
        mine = mine.set_index("move").reindex(list(MOVES)).reset_index()
        role = TOOLS.get(tool, CLOAKED)
        traces.append(
            go.Scatter(
                x=mine["move"],
                y=mine["error"],
                error_y=error_bars(mine, thickness=2),
                customdata=mine[[*COUNTED, "how"]],
                mode="markers",
                hovertemplate=f"{tool}, %{{x}} (%{{customdata[4]}}): " + HOVER,
                marker=role.marker | {"size": 11},
                name=short(tool),
                offsetgroup=tool,
            )  # fmt: skip
        )
    return traces


def _washed(purification: pandas.DataFrame) -> pandas.DataFrame:
    """Protected users' errors after each purifier, as :func:`judged` gives them without one."""
    nothing = purification["purifier"].iloc[0]
    keys = ["attack", "purifier"]
    bare = purification[
        (purification["condition"] == "control") & (purification["whose"] == "user")
    ].set_index(keys)
    rows = protected(purification[purification["purifier"] != nothing]).copy()
    rows["how"] = rows["purifier"]
    rows["clean"] = [bare.loc[tuple(key), "error"] for key in rows[keys].to_numpy()]
    highs = [bare.loc[tuple(key), "high"] for key in rows[keys].to_numpy()]
    rows["verdict"] = [
        paper.verdict(low=low, high=high, unprotected=clean)
        for low, high, clean in zip(rows["low"], rows["high"], highs, strict=True)
    ]
    return rows


def _filtered(detection: pandas.DataFrame) -> pandas.DataFrame:
    """Protected users' errors in a filtered gallery into which nothing clean has leaked."""
    import pandas

    galleries = detection[(detection["part"] == "gallery") & (detection["filtered"] == True)]  # noqa: E712
    bare = galleries[galleries["attack"] == "clean"]
    clean = wilson(int(bare["errors"].sum()), int(bare["n"].sum()))
    rows = []
    for tool, mine in galleries[galleries["leaks"] == 0].groupby("attack", sort=False):
        rate = wilson(int(mine["errors"].sum()), int(mine["n"].sum()))
        rows.append(
            {"attack": tool, "how": "flagged ones thrown out", "error": rate.value}
            | {"low": rate.low, "high": rate.high, "n": rate.n, "users": mine["user"].nunique()}
            | {"clean": clean.value}
            | {"verdict": paper.verdict(low=rate.low, high=rate.high, unprotected=clean.high)}
        )
    return pandas.DataFrame(rows)

"""What a sweep costs: measured seconds for each piece, how many pieces there are, and a figure.

Crafting and embedding cost so much for each photograph; a lookup costs so much for each pair of a
test photograph and a gallery photograph. All are measured on a small sweep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED
from workbench.sweep.jobs import MILLION

if TYPE_CHECKING:
    import plotly.graph_objects as go

HOUR = 3600.0
LOOKS = {"cloaks": (CLOAKED, "/"), "embeddings": (CLEAN, ""), "lookups": (DEFENDED, "x")}
"""How each part of a sweep is drawn: its role, and the pattern of its bars."""


@dataclass(frozen=True)
class Cost:
    """How long a sweep takes one core of the machine that was measured, in seconds.

    Attributes:
        cloaks: crafting cloaks.
        embeddings: embedding everybody.
        lookups: recognising people.

    Example:
        >>> from workbench.sweep import Cost
        >>> Cost(cloaks=3600.0, embeddings=60.0, lookups=40.0).wall(4, efficiency=0.925)
        1000.0
    """

    cloaks: float
    embeddings: float
    lookups: float

    @property
    def total(self) -> float:
        """All of it, in seconds of one core."""
        return self.cloaks + self.embeddings + self.lookups

    @property
    def parts(self) -> tuple[Cost, Cost, Cost]:
        """Each of the three by itself."""
        return Cost(self.cloaks, 0, 0), Cost(0, self.embeddings, 0), Cost(0, 0, self.lookups)

    def wall(self, workers: int, *, efficiency: float = 1.0, faster: float = 1.0) -> float:
        """Seconds of wall time.

        Args:
            workers: that share the jobs.
            efficiency: of sharing, in (0, 1]: speed-up divided by workers, measured or assumed.
                Makes no difference to a single worker.
            faster: how many times faster than the measured core a worker runs a network, which
                concerns cloaks and embeddings, not lookups.

        Raises:
            ValueError: no workers, or a number outside its range.
        """
        if workers < 1 or not 0 < efficiency <= 1 or not faster > 0:
            raise ValueError(
                "expected workers >= 1, efficiency in (0, 1] and faster > 0, got "
                f"{workers}, {efficiency}, {faster}"
            )
        alone = (self.cloaks + self.embeddings) / faster + self.lookups
        return alone if workers == 1 else alone / (workers * efficiency)


def measured(timings: pandas.DataFrame) -> Mapping[tuple[str, str], float]:
    """Seconds for each piece, by (kind, what).

    Args:
        timings: of a sweep, :func:`~workbench.sweep.timings`.

    Returns:
        seconds for each photograph under ``("cloaks", tool)`` and ``("embeddings", extractor)``,
        and for each million of compared pairs under ``("lookups", "recogniser, extractor")``. Jobs
        of one kind are pooled, so that long ones count by their length.

    Raises:
        ValueError: no timings.

    Example:
        >>> import pandas
        >>> from workbench.sweep import measured
        >>> columns = ["kind", "what", "pieces", "seconds"]
        >>> timings = pandas.DataFrame([("cloaks", "LowKey", 8, 24.0)], columns=columns)
        >>> measured(timings)["cloaks", "LowKey"]  # seconds for each photograph
        3.0
    """
    if timings.empty:
        raise ValueError("there are no timings; run a sweep that has something to do")
    sums = timings.groupby(["kind", "what"], sort=False)[["seconds", "pieces"]].sum()
    return (sums["seconds"] / sums["pieces"]).to_dict()


def estimate(
    costs: Mapping[tuple[str, str], float],
    *,
    people: int,
    photographs: int,
    users: int | None = None,
    seeds: int = 1,
    test_share: float = 0.3,
    users_per_job: int = 10,
) -> Cost:
    """The cost of a sweep of all measured tools, extractors and recognisers at another size.

    Args:
        costs: of :func:`measured`.
        people: in the set.
        photographs: of all of them together.
        users: who protect themselves in turn; everybody by default.
        seeds: how often all of it is repeated.
        test_share: of each person's photographs.
        users_per_job: users in one trial job.

    Returns:
        seconds of one core.

    Raises:
        ValueError: no people, fewer photographs than people, or more users than people.

    Example:
        >>> from workbench.sweep import estimate
        >>> cost = estimate({("cloaks", "LowKey"): 3.0}, people=100, photographs=1000)
        >>> cost.cloaks  # seconds: 700 training photographs, three for each
        2100.0
    """
    users = people if users is None else users
    if not 0 < users <= people <= photographs:
        raise ValueError(
            f"expected 0 < users <= people <= photographs, got {users}, {people} and {photographs}"
        )
    test = photographs * test_share
    gallery = photographs - test
    # In each trial job all test photographs are looked up once more, without any cloak.
    lookups = (users + math.ceil(users / users_per_job)) * test * gallery / MILLION
    tools = sum(kind == "cloaks" for kind, _ in costs)
    pieces = {
        "cloaks": users * gallery / people * seeds,
        "embeddings": float(photographs),
        "lookups": lookups * tools * seeds,
    }
    seconds = dict.fromkeys(pieces, 0.0)
    for (kind, _), cost in costs.items():
        seconds[kind] += cost * pieces[kind]
    return Cost(**seconds)


def hours_by_workers(
    cost: Cost,
    *,
    workers: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    faster: Sequence[float] = (1, 3, 10, 30, 100),
    efficiency: float = 1.0,
) -> go.Figure:
    """Hours that a sweep takes, part by part, by the number of workers.

    The slider sets how many times faster than the measured core a worker runs a network; lookups
    are as fast as before.

    Args:
        cost: of the sweep.
        workers: on the axis.
        faster: steps of the slider, two or more.
        efficiency: of sharing the work, in (0, 1].

    Example:
        >>> from workbench.sweep import Cost, hours_by_workers
        >>> figure = hours_by_workers(Cost(7200.0, 60.0, 3600.0), workers=(1, 2))
        >>> [list(bars.y) for bars in figure.data][0]  # cloaks: two hours of one, one of two
        [2.0, 1.0]
    """
    import plotly.graph_objects as go

    def bars(speed: float) -> list[go.Bar]:
        return [
            go.Bar(
                x=[str(count) for count in workers],
                y=[
                    part.wall(count, faster=speed, efficiency=efficiency) / HOUR
                    for count in workers
                ],
                name=name,
                marker={"color": role.colour, "pattern": {"shape": shape, "solidity": 0.4}},
                hovertemplate="%{x} workers: %{y:.2f} h for " + name + "<extra></extra>",
            )
            for (name, (role, shape)), part in zip(LOOKS.items(), cost.parts, strict=True)
        ]

    frames = [go.Frame(name=f"{speed:g}", data=bars(speed)) for speed in faster]
    fig = go.Figure(data=frames[0].data, frames=frames)
    return fig.update_layout(
        barmode="stack",
        xaxis={"type": "category", "title": {"text": "workers"}},
        yaxis={"title": {"text": "hours"}, "rangemode": "tozero"},
        sliders=slider(
            [frame.name for frame in frames], prefix="a worker runs a network so many times faster"
        ),
    )

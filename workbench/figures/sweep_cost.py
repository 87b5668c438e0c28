"""How long a sweep takes, and what a fleet of workers makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poisonlib.figures.frames import slider
from poisonlib.figures.theme import CLEAN, CLOAKED, DEFENDED, Role
from workbench.sweep import Cost

if TYPE_CHECKING:
    import plotly.graph_objects as go

HOUR = 3600.0
PARTS: dict[str, Role] = {
    "cloaks": CLOAKED,
    "embedding everybody": CLEAN,
    "looking people up": DEFENDED,
}
"""What a sweep consists of, and how each part is drawn."""


def hours_by_workers(
    cost: Cost,
    *,
    workers: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    faster: Sequence[float] = (1, 3, 10, 30, 100),
    efficiency: float = 1.0,
) -> go.Figure:
    """Hours until a sweep is done, part by part, by the number of workers.

    The slider sets how many times faster than the measured core a worker runs a network. Looking
    people up is no network and gains nothing from it.

    Args:
        cost: of the sweep.
        workers: on the axis.
        faster: steps of the slider, two or more.
        efficiency: of sharing the work out, in (0, 1].

    Example:
        >>> from workbench.figures import sweep_cost
        >>> from workbench.sweep import Cost
        >>> figure = sweep_cost.hours_by_workers(Cost(7200.0, 60.0, 3600.0), workers=(1, 2))
        >>> [list(bars.y) for bars in figure.data][0]  # cloaks: two hours of one, one of two
        [2.0, 1.0]
    """
    import plotly.graph_objects as go

    def bars(speed: float) -> list[go.Bar]:
        pieces = (
            Cost(cost.cloaks, 0.0, 0.0),
            Cost(0.0, cost.rows, 0.0),
            Cost(0.0, 0.0, cost.turns),
        )
        return [
            go.Bar(
                x=[str(count) for count in workers],
                y=[
                    piece.wall(count, faster=speed, efficiency=efficiency) / HOUR
                    for count in workers
                ],
                name=name,
                marker={"color": role.colour, "pattern": {"shape": shape, "solidity": 0.4}},
                hovertemplate="%{x} workers: %{y:.2f} h of " + name + "<extra></extra>",
            )
            for (name, role), piece, shape in zip(
                PARTS.items(), pieces, ("/", "", "x"), strict=True
            )
        ]

    names = [f"{speed:g}" for speed in faster]
    frames = [
        go.Frame(name=name, data=bars(speed)) for name, speed in zip(names, faster, strict=True)
    ]
    fig = go.Figure(data=frames[0].data, frames=frames)
    return fig.update_layout(
        barmode="stack",
        xaxis={"type": "category", "title": {"text": "workers"}},
        yaxis={"title": {"text": "hours"}, "rangemode": "tozero"},
        sliders=slider(names, prefix="a worker runs a network so many times faster"),
    )

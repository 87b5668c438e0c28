"""A slider over precomputed frames, and buttons that play them: no kernel is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def slider(names: Sequence[str], *, prefix: str, below: int = 44) -> list[dict[str, Any]]:
    """A layout's ``sliders`` that switch between frames of these names.

    Args:
        names: of the frames, as the slider's steps say them.
        prefix: what the slider sets, shown before the current step.
        below: pixels between the plot and the slider, for what the axis says there.

    Raises:
        ValueError: fewer than two steps, or two of one name.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"a slider needs two or more different steps, got {list(names)}")
    jump = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    jump |= {"transition": {"duration": 0}}
    steps = [{"label": name, "method": "animate", "args": [[name], jump]} for name in names]
    # A little shorter than the figure, so that the labels at its ends are not cut.
    place = {"x": 0.03, "len": 0.94, "pad": {"t": below, "l": 8, "r": 40}}
    return [{"active": 0, "steps": steps, "currentvalue": {"prefix": f"{prefix}: "}} | place]


def player(*, milliseconds: int = 900) -> list[dict[str, Any]]:
    """A layout's ``updatemenus`` with a button that plays all frames and one that stops.

    They stand under the plot, at the left end of the slider that :func:`slider` makes.

    Args:
        milliseconds: how long each frame stays.

    Raises:
        ValueError: a time that is not positive.
    """
    if milliseconds <= 0:
        raise ValueError(f"milliseconds must be positive, got {milliseconds}")
    still = {"transition": {"duration": 0}}
    play = still | {"frame": {"duration": milliseconds, "redraw": True}, "fromcurrent": True}
    stop = still | {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    buttons = [
        {"label": "Play", "method": "animate", "args": [None, play]},
        {"label": "Pause", "method": "animate", "args": [[None], stop]},
    ]
    place = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", "pad": {"t": 0, "r": 0}}
    return [{"type": "buttons", "direction": "right", "showactive": False, "buttons": buttons}
            | place]  # fmt: skip

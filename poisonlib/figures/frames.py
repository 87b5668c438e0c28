"""A slider over precomputed frames: it moves on the static page, without a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def slider(names: Sequence[str], *, prefix: str) -> list[dict[str, Any]]:
    """A layout's ``sliders`` that switch between frames of these names.

    Args:
        names: of the frames, as the slider's steps say them.
        prefix: what the slider sets, shown before the current step.

    Raises:
        ValueError: fewer than two steps, or two of one name.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"a slider needs two or more different steps, got {list(names)}")
    jump = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    jump |= {"transition": {"duration": 0}}
    steps = [{"label": name, "method": "animate", "args": [[name], jump]} for name in names]
    # A little shorter than the figure, so that the labels at its ends are not cut.
    place = {"x": 0.03, "len": 0.94}
    return [{"active": 0, "steps": steps, "currentvalue": {"prefix": f"{prefix}: "}} | place]

"""Controls over precomputed frames: a slider, play buttons, choosers. No kernel is needed.

In JupyterLab plotly draws the slider and the buttons itself; on the static page native controls
take their place (:mod:`poisonlib.figures.controls`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SEPARATOR = " | "
SLIDER_ROOM = 78
"""Pixels that plotly's slider takes in height, without the gap (``below``) to the plot."""


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


def player(*, milliseconds: int = 900, below: int = 44) -> list[dict[str, Any]]:
    """A layout's ``updatemenus`` with a button that plays all frames and one that stops.

    They are below the plot, at the right end of the line that shows the slider's value.

    Args:
        milliseconds: how long each frame stays.
        below: pixels between the plot and that line, as :func:`slider` has it.

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
    place = {"x": 1, "xanchor": "right", "y": 0, "yanchor": "top", "pad": {"t": below - 8, "r": 0}}
    return [{"type": "buttons", "direction": "right", "showactive": False, "buttons": buttons}
            | place]  # fmt: skip


def choosers(options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a figure's ``layout.meta`` holds so that the page offers menus to choose a frame by.

    The figure needs a frame for every combination, named by :func:`frame_name`; it opens on the
    combination of the first options. Choosers exist on the page alone: a notebook shows
    ``widgets.live`` with the same menus.

    Args:
        options: what each menu offers, by the menu's label.

    Raises:
        ValueError: no menu, one without a label, one with fewer than two or with equal options,
            or an option that holds the separator of a frame's name.
    """
    if not options or not all(label.strip() for label in options):
        raise ValueError(f"choosers need a menu or more, each with a label, got {list(options)}")
    for label, offered in options.items():
        if len(offered) < 2 or len(set(offered)) < len(offered) or SEPARATOR in "".join(offered):
            raise ValueError(
                f"{label!r} needs two or more different options without {SEPARATOR!r}, "
                f"got {list(offered)}"
            )
    return {"choosers": [{"label": each, "options": list(of)} for each, of in options.items()]}


def frame_name(*chosen: str) -> str:
    """The name of the frame that is shown when these options are chosen, one of each chooser.

    Example:
        >>> from poisonlib.figures.frames import frame_name
        >>> frame_name("Ada", "Fawkes")
        'Ada | Fawkes'
    """
    return SEPARATOR.join(chosen)

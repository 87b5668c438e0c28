"""Intervals as plotly draws them: lengths from the value, up and down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def error_bars(
    rows: pandas.DataFrame, *, thickness: float = 1.5, width: float = 3
) -> dict[str, Any]:
    """The error bars of rows with ``error`` and its interval ``low`` and ``high``.

    Args:
        rows: as :func:`poisonlib.trial.summarise` makes them.
        thickness, width: in pixels, of the line and of its ends.

    Returns:
        plotly's ``error_x`` or ``error_y``.
    """
    return {
        "array": rows["high"] - rows["error"],
        "arrayminus": rows["error"] - rows["low"],
        "thickness": thickness,
        "width": width,
    }

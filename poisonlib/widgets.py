"""Live versions of the book's figures, for readers who run the chapter.

The static page has no kernel, so every control exists twice: as a figure with precomputed frames,
which ``poisonlib.figures.show`` puts on the page, and as a live widget for JupyterLab, VS Code and
Colab. When the site is built the widget is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poisonlib.figures import theme
from poisonlib.figures.show import building_site


def live(function: Callable[..., Any], **controls: Any) -> None:
    """Show sliders and menus that call ``function`` again whenever they move.

    The function is called at once, so that a widget that fails fails its cell. When the site is
    built nothing is shown.

    Args:
        function: takes the controls as keywords and returns something to display (a plotly
            figure, drawn in the book's style; a table) or displays it itself.
        controls: a control for each keyword, as ipywidgets abbreviates them: ``(low, high, step)``
            is a slider, a list or dict a menu, a bool a checkbox, a widget itself.

    Raises:
        ValueError: no control given, or one that stands for no widget.

    Example:
        >>> from poisonlib import widgets
        >>> widgets.live(print)
        Traceback (most recent call last):
        ValueError: live needs at least one control, such as strength=(0.0, 1.0, 0.1)
    """
    if not controls:
        raise ValueError("live needs at least one control, such as strength=(0.0, 1.0, 0.1)")
    import ipywidgets
    import plotly.graph_objects as go
    from IPython.display import display

    failures: list[Exception] = []

    def call(**settings: Any) -> Any:
        try:
            result = function(**settings)
        except Exception as failure:
            failures.append(failure)
            raise
        return theme.styled(result) if isinstance(result, go.Figure) else result

    box = ipywidgets.interactive(call, {"auto_display": not building_site()}, **controls)
    for control in box.children:
        if hasattr(control, "continuous_update"):
            control.continuous_update = False  # call once where the slider stops
    if failures:
        raise failures[0]
    if not building_site():
        display(box)

"""One call that shows a plotly figure: in JupyterLab, VS Code, Colab and on the static page."""

from __future__ import annotations

import json
import os
import re
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from poisonlib.figures import theme
from poisonlib.figures.controls import replaced

if TYPE_CHECKING:
    import plotly.graph_objects as go

SITE_VARIABLE = "POISONLIB_SITE"
PLOTLY_MIME = "application/vnd.plotly.v1+json"
CONFIG = {"displayModeBar": False, "responsive": True, "scrollZoom": False}
DRAWN = (
    "document.getElementById('{plot_id}')"
    ".dispatchEvent(new Event('poisonlib:drawn', {bubbles: true}))"
)
"""The event of a figure that is drawn and has its frames."""
NUMBER = '<span class="poisonlib-number"></span>'
"""Where the site writes a figure's number (``tools/poisonlib_site.py``)."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FORMULA = re.compile(r'\$[^$"]+\$')
_SHORTEST_ALT = 20


def building_site() -> bool:
    """Whether the static site is being built (the Makefile says so by POISONLIB_SITE=1)."""
    return os.environ.get(SITE_VARIABLE) == "1"


def show(fig: go.Figure, *, name: str, alt: str, caption: str | None = None) -> None:
    """Show a figure wherever the notebook is read.

    On the static page the figure is plain HTML that the page's own plotly.js draws: frames and
    sliders work there without a kernel. In JupyterLab and VS Code it is plotly's own output, on
    Colab plotly's Colab output. The book's template is applied; the given figure is not changed.

    Args:
        fig: leave ``layout.width`` unset, so that it fits the page (down to 375 px).
        name: lower-case words joined by hyphens, unique in the book; the figure's address on the
            page is ``#fig-<name>``.
        alt: what a reader who cannot see the figure needs to know: what is drawn, and what it
            shows. At least a sentence.
        caption: visible text under the figure. Plain text.

    Raises:
        TypeError: ``fig`` is not a plotly figure.
        ValueError: a name of another form, an alt text too short to say anything, a fixed width,
            a ``$formula$`` (plotly would fetch a second MathJax; write ε, δ, <sub>...</sub>), or
            controls that do not fit the figure's frames.

    Example:
        >>> import plotly.graph_objects as go
        >>> from poisonlib import figures
        >>> points = go.Scatter(x=[2014, 2025], y=[2, 1], marker=figures.theme.CLOAKED.marker)
        >>> fig = go.Figure(points)
        >>> figures.show(fig, name="falling", alt="Two points: it falls over the years.")
        {'application/vnd.plotly.v1+json': ...
        >>> figures.show(fig, name="falling", alt="Points.")
        Traceback (most recent call last):
        ValueError: alt must say in a sentence what is drawn and what it shows (at least 20 ...
    """
    import plotly.graph_objects as go

    if not isinstance(fig, go.Figure):
        raise TypeError(f"fig must be a plotly Figure, got {type(fig).__name__}")
    _check(fig, name=name, alt=alt)
    fig = theme.styled(fig)
    if building_site():
        # HTML alone: a figure shown in another way then makes Sphinx warn, and the build fails.
        _display({"text/html": to_html(fig, name=name, alt=alt, caption=caption)})
        return
    if "google.colab" in sys.modules:
        fig.show(renderer="colab", config=CONFIG)
    else:
        figure = json.loads(fig.to_json()) | {"config": CONFIG}
        _display({PLOTLY_MIME: figure, "text/html": to_html(fig, name=name, alt=alt)})
    if caption:  # which plotly's own forms do not have
        _display({"text/html": f'<p class="poisonlib-caption"><em>{escape(caption)}</em></p>'})


def to_html(fig: go.Figure, *, name: str, alt: str, caption: str | None = None) -> str:
    """The figure as a ``<figure>`` element for a page that has loaded plotly.js already.

    The same figure gives the same text: the id is fixed by ``name``, and a figure with frames opens
    on its first frame instead of running to its last. Its slider, player, choosers and photographs
    become native controls below it, which ``book/_static/figures.js`` connects once it is drawn.

    Raises:
        ValueError: controls that do not fit the figure's frames.
    """
    fig, controls = replaced(fig, name=name)
    drawing = fig.to_html(
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        div_id=f"plot-{name}",
        auto_play=False,
        default_width="100%",
        config=CONFIG,
        post_script=DRAWN,
    )
    label = escape(alt, quote=True)
    return (
        f'<figure class="poisonlib-figure" id="fig-{name}">'
        f'<div class="poisonlib-drawing" role="img" aria-label="{label}">{drawing}</div>'
        f"{controls}<figcaption>{NUMBER}{escape(caption or '')}</figcaption></figure>"
    )


def check_name(name: str) -> None:
    """Refuse what is no lower-case words joined by hyphens: names become addresses on a page."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name must be lower-case words joined by hyphens, such as 'moving-neighbour', "
            f"got {name!r}"
        )


def _display(bundle: dict[str, Any]) -> None:
    from IPython.display import display

    display(bundle, raw=True)


def _check(fig: go.Figure, *, name: str, alt: str) -> None:
    check_name(name)
    if len(alt.strip()) < _SHORTEST_ALT:
        raise ValueError(
            f"alt must say in a sentence what is drawn and what it shows "
            f"(at least {_SHORTEST_ALT} characters), got {alt!r}"
        )
    if fig.layout.width is not None:
        raise ValueError(
            f"figures fit the page, from 375 px on: leave layout.width unset, "
            f"got {fig.layout.width}"
        )
    if formula := _FORMULA.search(
        json.dumps(fig.layout.to_plotly_json(), default=str, ensure_ascii=False)
    ):
        raise ValueError(
            f"plotly would need a second MathJax to set {formula[0]!r}; "
            "write Unicode (ε, δ) and <sub>, <sup> instead"
        )

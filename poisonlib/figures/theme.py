"""The visual language of the book: what each colour, marker and dash means, everywhere.

Colour is never the only cue. Each role has a colour of at least 3:1 contrast on white and on the
dark page (from the Okabe-Ito set, safe for colour-blind readers), a marker and a dash of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Role:
    """How one kind of photograph or curve is drawn.

    Attributes:
        name: what the legend calls it.
        colour: a hex colour.
        symbol: a plotly marker symbol.
        dash: a plotly line dash.

    Example:
        >>> from poisonlib.figures.theme import CLEAN, CLOAKED
        >>> CLEAN.marker
        {'color': '#0072B2', 'symbol': 'circle'}
        >>> CLOAKED.line
        {'color': '#D55E00', 'dash': 'dash'}
    """

    name: str
    colour: str
    symbol: str
    dash: str

    @property
    def marker(self) -> dict[str, object]:
        """A keyword argument of plotly's traces, as in ``go.Scatter(marker=CLEAN.marker)``."""
        return {"color": self.colour, "symbol": self.symbol}

    @property
    def line(self) -> dict[str, object]:
        """A keyword argument of plotly's traces, as in ``go.Scatter(line=CLEAN.line)``."""
        return {"color": self.colour, "dash": self.dash}


CLEAN = Role("clean", "#0072B2", "circle", "solid")
"""Photographs as they were taken."""
CLOAKED = Role("cloaked", "#D55E00", "x", "dash")
"""Photographs that wear a cloak."""
DEFENDED = Role("robust", "#009E73", "diamond", "dashdot")
"""What a trainer does about cloaks."""
TARGET = Role("target", "#CC79A7", "square", "dot")
"""Somebody else: a cloak's target, a stranger."""
ROLES = (CLEAN, CLOAKED, DEFENDED, TARGET)
"""All four, in the order in which plotly takes their colours."""

INK = "#1b1b1f"
GRID = "#e3e3e8"
PAPER = "#ffffff"
DEEP = "#8c2d04"
"""A vermillion deeper than that of :data:`CLOAKED`, for a second tool that cloaks."""
DARK = {INK: "#ced6dd", GRID: "#364150", PAPER: "#121212", DEEP: "#f4b183"}
"""What ``book/_static/custom.css`` draws instead in dark mode; the roles stay as they are."""
SEQUENTIAL = "Cividis"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


TOOLS: Mapping[str, Role] = {
    "Fawkes v0.3": Role("Fawkes v0.3", CLOAKED.colour, CLOAKED.symbol, CLOAKED.dash),
    "Fawkes v1.0": Role("Fawkes v1.0", DEEP, "triangle-up", "dot"),
    "LowKey": Role("LowKey", INK, "star", "longdash"),
}
"""How each tool is drawn: all are cloaks, so all are near vermillion, from light to dark."""
UNPROTECTED = Role("no cloak", CLEAN.colour, CLEAN.symbol, CLEAN.dash)


def short(tool: str) -> str:
    """A tool's name where there is little room: ``"v0.3"`` for ``"Fawkes v0.3"``.

    Example:
        >>> from poisonlib.figures import theme
        >>> theme.short("Fawkes v1.0")
        'v1.0'
    """
    return tool.removeprefix("Fawkes ") if tool in TOOLS else tool.replace("nothing", "clean")


def template() -> go.layout.Template:
    """The plotly template that every figure of the book is drawn with.

    Margins that leave room at 375 px, horizontal legend above the plot, no modes bar.

    Example:
        >>> from poisonlib.figures import theme
        >>> theme.template().layout.colorway == tuple(role.colour for role in theme.ROLES)
        True
    """
    import plotly.graph_objects as go

    axis = {
        "automargin": True,
        "gridcolor": GRID,
        "linecolor": INK,
        "ticks": "outside",
        "tickcolor": INK,
        "title": {"standoff": 8, "font": {"size": 14}},
        "zeroline": False,
    }
    return go.layout.Template(
        layout={
            "autosize": True,
            "colorway": [role.colour for role in ROLES],
            "colorscale": {"sequential": SEQUENTIAL},
            "font": {"family": FONT, "size": 14, "color": INK},
            "height": 420,
            "hovermode": "closest",
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 8, "r": 8, "t": 56, "b": 8},
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "sliderdefaults": {
                "pad": {"t": 44, "l": 8, "r": 40},
                "currentvalue": {"xanchor": "left"},
            },
            "title": {"x": 0, "xref": "container", "pad": {"l": 8}, "font": {"size": 16}},
            "xaxis": axis,
            "yaxis": axis,
        },
    )


def styled(fig: go.Figure) -> go.Figure:
    """A copy of a figure, drawn in the book's style; what its own layout sets, it keeps.

    Example:
        >>> import plotly.graph_objects as go
        >>> from poisonlib.figures import theme
        >>> drawn = theme.styled(go.Figure(layout={"height": 200}))
        >>> drawn.layout.height, drawn.layout.template.layout.height  # its own wins
        (200, 420)
    """
    import plotly.graph_objects as go

    return go.Figure(fig).update_layout(template=template())

"""How tools are drawn over generations of extractors, and what their figures share.

The tables behind the figures, pooled and judged, come from
:mod:`poisonlib.generations`; its functions are at hand here, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from poisonlib.figures.theme import CLEAN, CLOAKED, DEEP, INK, Role
from poisonlib.generations import AGREEMENTS, by_release, family, judged, pooled, unprotected, year

__all__ = [
    "AGREEMENTS",
    "TOOLS",
    "UNPROTECTED",
    "by_release",
    "family",
    "judged",
    "pooled",
    "short",
    "unprotected",
    "year",
]

TOOLS: Mapping[str, Role] = {
    "Fawkes v0.3": Role("Fawkes v0.3", CLOAKED.colour, CLOAKED.symbol, CLOAKED.dash),
    "Fawkes v1.0": Role("Fawkes v1.0", DEEP, "triangle-up", "dot"),
    "LowKey": Role("LowKey", INK, "star", "longdash"),
}
"""How each tool is drawn: all are cloaks, so all are near vermillion, from light to dark."""
UNPROTECTED = Role("no cloak", CLEAN.colour, CLEAN.symbol, CLEAN.dash)


def short(tool: str) -> str:
    """A tool's name where there is little room: ``"v0.3"`` for ``"Fawkes v0.3"``."""
    return tool.removeprefix("Fawkes ") if tool in TOOLS else tool.replace("nothing", "clean")

"""How tools are drawn over generations of extractors, and what their figures share.

The tables behind the figures, pooled and judged, come from
:mod:`poisonlib.generations`; its functions are at hand here, too.
"""

from __future__ import annotations

from poisonlib.figures.theme import TOOLS, UNPROTECTED
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


def short(tool: str) -> str:
    """A tool's name where there is little room: ``"v0.3"`` for ``"Fawkes v0.3"``."""
    return tool.removeprefix("Fawkes ") if tool in TOOLS else tool.replace("nothing", "clean")

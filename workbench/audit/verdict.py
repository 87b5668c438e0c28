"""What a result means for somebody who would rely on the cloak: one rule, in plain words."""

from __future__ import annotations

from typing import Literal

from poisonlib.statistics import Difference, Rate

Verdict = Literal[
    "no measurable effect", "not enough photographs to say", "helps somewhat", "protects"
]
"""One of :data:`VERDICTS`."""
VERDICTS: tuple[Verdict, ...] = (
    "no measurable effect",
    "not enough photographs to say",
    "helps somewhat",
    "protects",
)
"""From the worst for a user to the best."""

PROTECTS_ABOVE = 1 / 2
"""Who relies on a cloak needs a recogniser to be wrong more often than right. (An extractor counts
as *fooled* in this book from less on, see ``poisonlib.paper.FOOLED_ABOVE``: that line compares
models, this one is about a person.)"""

RULED_OUT = 1 / 3
"""*No measurable effect* requires that an effect as large as this is ruled out."""

RULE = (
    "Compared are the same clean photographs with and without the cloak, by 95 % intervals. "
    "Protects: the cloak makes a difference, and the error with it lies above "
    f"{PROTECTS_ABOVE:.0%}. Helps somewhat: it makes a difference, and no more is certain. No "
    "measurable effect: no difference is certain, and one of "
    f"{100 * RULED_OUT:.0f} points or more is ruled out. Not enough photographs to say: neither "
    "a difference is certain nor a large one ruled out."
)
"""The rule of :func:`verdict`, for readers."""

TOMORROW = "a pass today says nothing about tomorrow's model"
"""Stands beside every verdict."""

PHRASES: dict[Verdict, str] = {
    "no measurable effect": "the cloak has no measurable effect",
    "not enough photographs to say": "these are not enough photographs to say whether it works",
    "helps somewhat": "the cloak helps somewhat",
    "protects": "the cloak protects",
}


def verdict(error: Rate, difference: Difference) -> Verdict:
    """What a trainer's result says about the cloak, by :data:`RULE`.

    Only bounds of intervals are compared with the lines, never the values inside. A bound that lies
    exactly on a line has not crossed it.

    Args:
        error: the users' error with the cloak, with its interval.
        difference: that error less the one without the cloak, paired, with its interval.

    Example:
        Twenty photographs, eighteen of them misidentified with the cloak and two without:

        >>> from workbench.audit import verdict
        >>> from poisonlib.statistics import paired, wilson
        >>> verdict(wilson(18, 20), paired(16, 0, 20))
        'protects'
        >>> verdict(wilson(3, 20), paired(2, 1, 20))
        'no measurable effect'
    """
    if difference.low > 0:
        return "protects" if error.low > PROTECTS_ABOVE else "helps somewhat"
    if difference.high < RULED_OUT:
        return "no measurable effect"
    return "not enough photographs to say"

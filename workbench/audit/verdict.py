"""What a result means for somebody who would rely on the cloak: one rule, in plain words."""

from __future__ import annotations

from typing import Literal

from poisonlib.paper import RECOGNISES_BELOW
from poisonlib.statistics import Difference, Rate

Verdict = Literal[
    "cannot tell",
    "no measurable effect",
    "not enough photographs to say",
    "helps somewhat",
    "protects",
]
"""One of :data:`VERDICTS`, or :data:`CANNOT_TELL`."""
VERDICTS: tuple[Verdict, ...] = (
    "no measurable effect",
    "not enough photographs to say",
    "helps somewhat",
    "protects",
)
"""From the worst for a user to the best."""
CANNOT_TELL: Verdict = "cannot tell"
"""Of a trainer who does not recognise the owner of the photographs even without a cloak. It says
nothing about the cloak, and does not count for a grade."""

PROTECTS_ABOVE = 1 / 2
"""Who relies on a cloak needs a recogniser to be wrong more often than right. (An extractor counts
as *fooled* in this book from less on, see ``poisonlib.paper.FOOLED_ABOVE``: that line compares
models, this one is about a person.)"""

RULED_OUT = 1 / 3
"""*No measurable effect* requires that an effect as large as this is ruled out."""

RULE = (
    "Compared are the same clean photographs with and without the cloak, by 95 % intervals. "
    "Cannot tell: the trainer does not recognise the person even without the cloak, as its error "
    f"without it does not lie below {RECOGNISES_BELOW:.0%}; that says nothing about the cloak, and "
    "the trainer does not count for the overall verdict. "
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
    "cannot tell": "these trainers cannot tell whether the cloak works",
    "no measurable effect": "the cloak has no measurable effect",
    "not enough photographs to say": "these are not enough photographs to say whether it works",
    "helps somewhat": "the cloak helps somewhat",
    "protects": "the cloak protects",
}


def recognises(without: Rate) -> bool:
    """Whether a trainer with this error without a cloak can tell what a cloak does.

    By the upper bound of the interval, so that four photographs without an error are enough.

    Example:
        >>> from poisonlib.statistics import wilson
        >>> from workbench.audit.verdict import recognises
        >>> recognises(wilson(1, 24)), recognises(wilson(8, 24))
        (True, False)
    """
    return without.high < RECOGNISES_BELOW


def verdict(error: Rate, difference: Difference, *, without: Rate | None = None) -> Verdict:
    """What a trainer's result says about the cloak, by :data:`RULE`.

    Only bounds of intervals are compared with the lines, never the values inside. A bound that lies
    exactly on a line has not crossed it.

    Args:
        error: the users' error with the cloak, with its interval.
        difference: that error less the one without the cloak, paired, with its interval.
        without: the error without the cloak, with its interval; if given, a trainer who does not
            recognise the users without a cloak cannot tell.

    Example:
        Twenty photographs, eighteen of them misidentified with the cloak and two without:

        >>> from workbench.audit import verdict
        >>> from poisonlib.statistics import paired, wilson
        >>> verdict(wilson(18, 20), paired(16, 0, 20))
        'protects'
        >>> verdict(wilson(3, 20), paired(2, 1, 20))
        'no measurable effect'
        >>> verdict(wilson(20, 20), paired(6, 0, 20), without=wilson(14, 20))
        'cannot tell'
    """
    if without is not None and not recognises(without):
        return CANNOT_TELL
    if difference.low > 0:
        return "protects" if error.low > PROTECTS_ABOVE else "helps somewhat"
    if difference.high < RULED_OUT:
        return "no measurable effect"
    return "not enough photographs to say"

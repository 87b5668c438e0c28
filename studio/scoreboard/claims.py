"""The paper's claims, each with its criterion and the chapter that teaches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from poisonlib import paper
from poisonlib.tools import BASELINE, SURROGATES
from studio.scoreboard import parts
from studio.scoreboard.criteria import Band, Part
from studio.scoreboard.measure import ADAPTED, NEW, OLD, TWO_MODELS
from studio.scoreboard.measured import NOBODY, Measured
from studio.scoreboard.parts import NO_LESS_ROBUST, SLIGHTLY, WORKS

BASELINE_CHAPTER = "book/02_baseline_attack"
ADAPTIVE_CHAPTER = "book/03_adaptive_defense"
DETECTION_CHAPTER = "book/04_detection"
OBLIVIOUS_CHAPTER = "book/05_oblivious_timeline"
TWO_MODELS_CHAPTER = "book/06_top2_and_thresholding"


@dataclass(frozen=True)
class ToReproduce:
    """A claim of the paper, and what would make us say that it was reproduced.

    Attributes:
        name: short, unique.
        group: what it is part of.
        statement: the paper's, re-worded.
        holds: the criterion, in words.
        leans: what counts as the same direction, in words.
        parts: measures it.
        taught: page of the book, as ``book/NN_slug``.
        band: the paper's number and how close ours must be, or None for a claim in words.
        words: the statement in a few words, if there is no number.

    Example:
        >>> from studio import scoreboard
        >>> claim = scoreboard.CLAIMS[0]
        >>> claim.name, claim.taught
        ('nobody cloaks, naive trainer', 'book/02_baseline_attack')
    """

    name: str
    group: str
    statement: str
    holds: str
    leans: str
    parts: Callable[[Measured], Sequence[Part]]
    taught: str
    band: Band | None = None
    words: str = ""

    @property
    def in_short(self) -> str:
        """The paper's number, or its statement in a few words."""
        return self.words if self.band is None else str(self.band.claim)

    @property
    def criterion(self) -> str:
        """When a part of it holds, and when it leans."""
        return f"holds if {self.holds}; leans if {self.leans}"


LINE = f"{paper.FOOLED_ABOVE:.1%}"
_FOOLED = (
    f"the whole interval lies above {LINE}, half way between the paper's error of unprotected "
    "users and its lowest of protected ones, and above the interval of the same users without a "
    "cloak"
)
_NOT_FOOLED = (
    f"the whole interval lies below {LINE}, the line between fooled and not fooled, or does "
    "not reach above the interval of the same users without a cloak, if that lies higher"
)
_NO_WEAKER = "it holds (there is no weaker form)"


def _claims() -> tuple[ToReproduce, ...]:
    return (*_baseline(), *_adaptive(), *_detection(), *_oblivious(), *_switching(), *_two_models())


# The baseline


def _baseline() -> list[ToReproduce]:
    band = Band(paper.UNPROTECTED)
    claims = [
        ToReproduce(
            f"{NOBODY}, naive trainer",
            "the baseline",
            paper.UNPROTECTED.statement,
            str(band),
            _NOT_FOOLED,
            partial(parts.unprotected, extractor=BASELINE, band=band),
            BASELINE_CHAPTER,
            band,
        )
    ]
    for tool in SURROGATES:
        band = Band(paper.PROTECTED)
        claims.append(
            ToReproduce(
                f"{tool}, naive trainer",
                "the baseline",
                f"error for a user of {tool}, naive trainer",
                str(band),
                _FOOLED,
                partial(parts.protected, tool=tool, extractor=BASELINE, band=band, fooled=True),
                BASELINE_CHAPTER,
                band,
            )
        )
    return claims


# The adaptive trainer


def _adaptive() -> list[ToReproduce]:
    band, claims = Band(paper.ADAPTIVE, or_less=True), []
    for extractor in ADAPTED:
        start = "the baseline extractor" if extractor == ADAPTED[0] else "a later extractor"
        for tool in (NOBODY, *SURROGATES):
            who = "an unprotected user" if tool == NOBODY else f"a user of {tool}"
            common = {"extractor": extractor, "band": band}
            claims.append(
                ToReproduce(
                    f"{tool}, {extractor}",
                    "the adaptive trainer",
                    f"error for {who}, adaptive trainer, from {start}",
                    str(band),
                    _NOT_FOOLED,
                    partial(parts.unprotected, **common)
                    if tool == NOBODY
                    else partial(parts.protected, tool=tool, fooled=False, **common),
                    ADAPTIVE_CHAPTER,
                    band,
                )
            )
    return claims


# The detector


def _detection() -> list[ToReproduce]:
    claims = []
    for name, claim, ask in (
        ("precision", paper.DETECTOR_PRECISION, Measured.precision),
        ("recall", paper.DETECTOR_RECALL, Measured.recall),
    ):
        band = Band(claim, tolerance=0.01, rounding=0.0005)
        claims.append(
            ToReproduce(
                f"detector, {name}",
                "detection",
                claim.statement,
                str(band),
                f"the whole interval lies above {100 * WORKS:.0f} %",
                partial(parts.detected, ask=ask, band=band),
                DETECTION_CHAPTER,
                band,
            )
        )
    return claims


# The oblivious trainer


def _oblivious() -> list[ToReproduce]:
    claims = []
    band = Band(paper.OWN_EXTRACTOR)
    for own in SURROGATES["Fawkes v1.0"]:
        claims.append(
            ToReproduce(
                f"Fawkes v1.0, its own {own}",
                "the oblivious trainer",
                paper.OWN_EXTRACTOR.statement,
                str(band),
                _FOOLED,
                partial(parts.protected, tool="Fawkes v1.0", extractor=own, band=band, fooled=True),
                OBLIVIOUS_CHAPTER,
                band,
            )
        )
    for tool in SURROGATES:
        for works in (True, False):
            claims.append(_transfers(tool, works=works))
    for extractor in ("clip-2021", "robust-clip-2021"):
        claims.append(_close(extractor))
    return claims


def _transfers(tool: str, *, works: bool) -> ToReproduce:
    transfers = [one for one in paper.TRANSFERS if one.attack == tool and one.fooled == works]
    where = ", ".join(one.tested for one in transfers)
    return ToReproduce(
        f"{tool} {'works' if works else 'fails'}",
        "the oblivious trainer",
        f"{tool} {'works against' if works else 'fails against'} {where}",
        f"for each of these extractors: {_FOOLED if works else _NOT_FOOLED}",
        _NO_WEAKER
        if works
        else "the interval lies below those of all extractors against which the tool works in the "
        "paper",
        partial(parts.transferred, tool=tool, works=works),
        OBLIVIOUS_CHAPTER,
        words=f"{'works against' if works else 'fails against'} {where}",
    )


def _close(extractor: str) -> ToReproduce:
    return ToReproduce(
        f"{extractor} on clean photographs",
        "the oblivious trainer",
        paper.CLIP_IS_CLOSE,
        "the 95 % interval of the difference in error, on the same photographs of everybody, lies "
        f"above 0 (less accurate), and the difference is at most {100 * SLIGHTLY:.0f} points "
        "(slightly)",
        "the interval lies above 0",
        partial(parts.less_accurate, extractor=extractor),
        OBLIVIOUS_CHAPTER,
        words="slightly less accurate than the best",
    )


# A user who changes tools


def _switching() -> list[ToReproduce]:
    return [
        ToReproduce(
            f"{OLD}, then {new}",
            "no way back",
            paper.NO_WAY_BACK,
            f"half of a user's photographs carry {OLD}, half {new}; for each extractor against "
            f"which {OLD} fails in the paper: {_NOT_FOOLED}",
            _NO_WEAKER,
            partial(parts.switched, new=new),
            OBLIVIOUS_CHAPTER,
            words="no privacy is regained",
        )
        for new in NEW
    ]


# Two models

RULES = {
    "Top-2": "a person picks from both answers",
    "threshold": "a distance decides which model answers",
}


def _two_models() -> list[ToReproduce]:
    claims = []
    for models in TWO_MODELS:
        for rule, how in RULES.items():
            claims.append(
                ToReproduce(
                    f"{models}, {rule}",
                    "two models",
                    f"{paper.TWO_MODELS} ({how})",
                    "without cloaks the 95 % interval of the difference in error from the accurate "
                    "model alone, on the same photographs of everybody, reaches 0 or lies below "
                    "it; for each tool the users' error is at most "
                    f"{100 * NO_LESS_ROBUST:.0f} points above that of the robust model alone, and "
                    f"{_NOT_FOOLED}",
                    _NO_WEAKER,
                    partial(parts.together, models=models, rule=rule),
                    TWO_MODELS_CHAPTER,
                    words="as accurate as MagFace, and robust",
                )
            )
    return claims


CLAIMS: tuple[ToReproduce, ...] = _claims()
"""Every claim of the paper that this book tries to reproduce, in the order of its chapters."""

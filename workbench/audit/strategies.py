"""The trainers that a cloak is evaluated against, each with a strategy of its own.

Every strategy is a trainer of the chapters, built from the parts of ``poisonlib.defenses`` and with
the settings of the recorded experiments. Recognition is by nearest neighbour throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from poisonlib import extractors, paper
from poisonlib.defenses import ConfidenceThreshold, Growing, Purified, Top2
from poisonlib.defenses.combined import CHOOSERS, PAIRS, SHARE
from poisonlib.defenses.gallery import FALSE_ADDS
from poisonlib.defenses.purify import purifiers
from poisonlib.extractors import Extractor
from poisonlib.recognition import NearestNeighbour
from poisonlib.tools import ADAPTED, BASELINE, LATER
from poisonlib.trial import MakeRecogniser
from workbench.extractors import load

if TYPE_CHECKING:
    from workbench.audit.evaluator import Evaluator

Trainer = tuple[Extractor, MakeRecogniser]

FAMILIES = (
    "naive",
    "newer model",
    "adaptive",
    "purification",
    "detection",
    "two models",
    "leak and growth",
)
"""The kinds of trainers, from the one who does nothing to the one who does most."""

#: Those of ``purifiers()`` that trainers use, and what each does in words.
PURIFIERS = {
    "JPEG 30": "compresses every photograph to a poor JPEG first",
    "median": "replaces every pixel by the median of its neighbourhood first",
    "denoiser": "runs every photograph through a network that was trained to remove cloaks",
}


@dataclass(frozen=True)
class Strategy:
    """One way for a trainer to build a recogniser from what users share.

    Attributes:
        name: unique among the strategies of an evaluator.
        family: one of ``workbench.audit.strategies.FAMILIES``.
        year: of the most recent extractor that it needs.
        does: what the trainer does, in plain words; the trainer is the subject.
        make: from an evaluator, which has the photographs and loads extractors, to the trainer's
            extractor and a function that makes a recogniser of it.
        leaked: how many clean photographs of each user the trainer has.
        grows: whether the trainer begins with a third of the gallery and sees the rest later; of
            users, clean.

    Example:
        >>> from poisonlib import extractors
        >>> from workbench.audit import Strategy
        >>> from poisonlib.recognition import Linear
        >>> def make(evaluator):
        ...     return extractors.load("softmax-2014"), Linear
        >>> Strategy("linear", "naive", 2014, "trains a linear classifier", make).year
        2014
    """

    name: str
    family: str
    year: int
    does: str
    make: Callable[[Evaluator], Trainer]
    leaked: int = 0
    grows: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {self.family!r}")
        if self.leaked < 0:
            raise ValueError(f"leaked must be 0 or more photographs, got {self.leaked}")


def strategies(
    which: Literal["all", "quick"] = "all",
    *,
    extractors: Sequence[str | Extractor] | None = None,
) -> tuple[Strategy, ...]:
    """The default strategies: naive trainers by the years of their extractors, then the others.

    Args:
        which: ``"quick"`` is a part of them that takes seconds, for live notebooks: without the
            detector, the slower purifiers, growth, and two models together.
        extractors: of the naive trainers, by name or as they are; by default all that ship, or
            four of them where ``which`` is quick.

    Raises:
        ValueError: another ``which``, or an unknown extractor.

    Example:
        >>> from workbench.audit import strategies
        >>> strategies("quick")[0].name
        'naive, softmax-2014'
        >>> len(strategies("quick")) < len(strategies())
        True
    """
    if which not in ("all", "quick"):
        raise ValueError(f"which must be 'all' or 'quick', got {which!r}")
    naive_ones = _naive(_NAIVE_QUICK if which == "quick" else None, extractors)
    if which == "quick":
        return (*naive_ones, _adaptive(ADAPTED), _purifying("JPEG 30"), _leak())
    adapted = [_adaptive(name) for name in _shipped(adapted=True)]
    purifying = [_purifying(name) for name in PURIFIERS]
    pairs = [pair for pair in PAIRS if "itself" not in pair]
    both = [make(pair) for pair in pairs for make in (_top2, _threshold)]
    growth = [_growth(), _growth(leaked=1)]
    # Growth comes last, so that two models do not embed the galleries that it has grown.
    return (*naive_ones, *adapted, *purifying, _filtering(), *both, _leak(), *growth)


_NAIVE_QUICK = (BASELINE, LATER, "magface-2021", "vit-2025")


def _shipped(*, adapted: bool = False) -> tuple[str, ...]:
    return extractors.names(adapted=adapted)


def _naive(
    default: Sequence[str] | None, wanted: Sequence[str | Extractor] | None
) -> list[Strategy]:
    chosen = wanted if wanted is not None else default or _shipped()
    made = [naive(each) for each in chosen]
    return sorted(made, key=lambda strategy: (strategy.year, strategy.name))


def naive(extractor: str | Extractor) -> Strategy:
    """A trainer who does nothing about cloaks, with an extractor by name or as it is.

    An extractor from after the first cloaking tools is a newer model, which may resist them.

    Raises:
        ValueError: an unknown extractor.
    """
    card = (load(extractor) if isinstance(extractor, str) else extractor).card
    is_newer = card.year > min(paper.RELEASED.values())
    family = "newer model" if is_newer else "naive"
    does = f"takes the photographs as they are, with {card.name}"
    if is_newer:
        does += ", a model from after the first cloaking tools"
    make = partial(_unchanged, extractor=extractor)
    return Strategy(f"{family}, {card.name}", family, card.year, does, make)


def _unchanged(evaluator: Evaluator, *, extractor: str | Extractor) -> Trainer:
    return evaluator.extractor(extractor), NearestNeighbour


def _adaptive(name: str) -> Strategy:
    start = name.removeprefix("adapted-")
    does = f"has fine-tuned {start} on other people's photographs and cloaked copies of them"
    make = partial(_unchanged, extractor=name)
    return Strategy(f"adaptive, {start}", "adaptive", _year(name), does, make)


def _purifying(purifier: str, name: str = LATER) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(Purified(load(name), purifiers()[purifier])), NearestNeighbour

    does = f"{PURIFIERS[purifier]}, then uses {name}"
    return Strategy(f"{purifier}, {name}", "purification", _year(name), does, make)


def _filtering(name: str = LATER) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(name), evaluator.filtered

    does = (
        "drops photographs that a detector classifies as cloaked, and with them people who have no "
        f"others in the gallery; then uses {name}"
    )
    return Strategy(f"detect and drop, {name}", "detection", _year(name), does, make)


def _leak(name: str = LATER) -> Strategy:
    does = f"has one clean photograph of the user under the right name, and uses {name}"
    make = partial(_unchanged, extractor=name)
    return Strategy(f"one leak, {name}", "leak and growth", _year(name), does, make, leaked=1)


def _growth(name: str = LATER, *, leaked: int = 0) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        threshold = evaluator.threshold(name, share=max(FALSE_ADDS))
        return evaluator.extractor(name), Growing(evaluator.rounds, threshold=threshold)

    does = (
        "starts from a third of the photographs, and adds each later, clean one that it "
        f"recognises with confidence, with {name}"
    )
    title = f"growth, {name}"
    if leaked:
        does, title = f"has one clean photograph of the user, {does}", f"leak and {title}"
    family = "leak and growth"
    return Strategy(title, family, _year(name), does, make, leaked=leaked, grows=True)


def _top2(pair: str) -> Strategy:
    accurate, robust = PAIRS[pair]

    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(accurate), Top2.over(_known(evaluator, robust))

    does = f"lets a person choose from two answers, of {accurate} and {robust}"
    year = max(_year(accurate), _year(robust))
    return Strategy(f"Top-2, {pair}", "two models", year, does, make)


def _threshold(pair: str) -> Strategy:
    accurate, robust = PAIRS[pair]

    def make(evaluator: Evaluator) -> Trainer:
        threshold = evaluator.threshold(accurate, share=SHARE, choosers=CHOOSERS)
        two = ConfidenceThreshold.over(_known(evaluator, robust), threshold=threshold)
        return evaluator.extractor(accurate), two

    does = f"uses {robust} wherever {accurate} is not confident"
    year = max(_year(accurate), _year(robust))
    return Strategy(f"threshold, {pair}", "two models", year, does, make)


def _known(evaluator: Evaluator, name: str) -> Extractor:
    """An extractor that has embedded the gallery already, in batches that take little memory."""
    extractor = evaluator.extractor(name)
    evaluator.embeddings(extractor)
    return extractor


def _year(name: str) -> int:
    return extractors.load(name).card.year

"""The trainers that a cloak is evaluated against, each with a strategy of its own.

Every strategy is a trainer of the chapters, built from the parts of ``poisonlib.defenses`` and with
the settings of the recorded experiments. Recognition is by nearest neighbour throughout.

Recognisers that learnt from photographs of real people stand first, as only they know real faces.
The others learnt from rendered people.
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
from workbench.extractors import load, pretrained, trained_on_photographs

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

PHOTOGRAPHS, RENDERED, OTHER = "photographs of real people", "rendered people", "other data"
"""What recognisers learnt from."""

#: The recogniser that ships and learnt from photographs of real people.
KNOWS_FACES = "dlib-2017"

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
        learnt_from: what the recogniser learnt from, of two models the accurate one:
            ``PHOTOGRAPHS``, ``RENDERED`` or ``OTHER`` of ``workbench.audit.strategies``.

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
    learnt_from: str = OTHER

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {self.family!r}")
        if self.leaked < 0:
            raise ValueError(f"leaked must be 0 or more photographs, got {self.leaked}")


def strategies(
    which: Literal["all", "audit", "quick"] = "all",
    *,
    extractors: Sequence[str | Extractor] | None = None,
    photographs: bool = True,
) -> tuple[Strategy, ...]:
    """The default strategies: trainers whose recognisers learnt from photographs, then the others.

    Within each part stand naive trainers by the years of their extractors, then those who do more
    about cloaks.

    Args:
        which: ``"all"``; ``"audit"``, those of an audit of photographs, which takes a minute: all
            that learnt from photographs, and of the others those without purification, detection,
            leak, growth and two models; or ``"quick"``, a part of them that takes seconds, for live
            notebooks.
        extractors: of the naive trainers, by name or as they are. By default all that ship; for an
            audit all on this machine that learnt from photographs and four others; if quick, one
            and four.
        photographs: whether to include those whose recognisers learnt from photographs of real
            people. Without them, all that is left is a world of rendered people.

    Raises:
        ValueError: another ``which``, or an unknown extractor.

    Example:
        >>> from workbench.audit import strategies
        >>> strategies("quick")[0].name, strategies("quick", photographs=False)[0].name
        ('naive, dlib-2017', 'naive, softmax-2014')
        >>> len(strategies("quick")) < len(strategies("audit")) < len(strategies())
        True
    """
    if which not in ("all", "audit", "quick"):
        raise ValueError(f"which must be 'all', 'audit' or 'quick', got {which!r}")
    chosen = _default(which) if extractors is None else extractors
    naive_ones = sorted(map(naive, chosen), key=lambda strategy: (strategy.year, strategy.name))
    made = [*naive_ones, *_with_photographs(which), *_with_rendered(which)]
    places = (PHOTOGRAPHS, OTHER, RENDERED) if photographs else (OTHER, RENDERED)
    return tuple(strategy for place in places for strategy in made if strategy.learnt_from == place)


_NAIVE_QUICK = (BASELINE, LATER, "magface-2021", "vit-2025")


def _default(which: str) -> tuple[str, ...]:
    """The extractors of the naive trainers."""
    if which == "quick":
        return (KNOWS_FACES, *_NAIVE_QUICK)
    if which == "audit":
        unadapted = [name for name in trained_on_photographs() if not _is_adapted(name)]
        return (*unadapted, *_NAIVE_QUICK)
    return (*extractors.names(photographs=True), *extractors.names())


def _with_photographs(which: str) -> list[Strategy]:
    """Trainers who do something about cloaks, with recognisers that learnt from photographs."""
    adapted = [_adaptive(name) for name in extractors.names(adapted=True, photographs=True)]
    if which == "quick":
        return [*adapted, _leak(KNOWS_FACES)]
    purifying = [_purifying(name, KNOWS_FACES) for name in PURIFIERS]
    pair = _Pair(f"{KNOWS_FACES} + adapted", KNOWS_FACES, f"adapted-{KNOWS_FACES}")
    growth = [_growth(KNOWS_FACES), _growth(KNOWS_FACES, leaked=1)]
    leak = _leak(KNOWS_FACES)
    two = [_top2(pair), _threshold(pair)]
    return [*adapted, *purifying, _filtering(KNOWS_FACES), *two, leak, *growth]


def _with_rendered(which: str) -> list[Strategy]:
    """Trainers who do something about cloaks, with recognisers that learnt from rendered people."""
    if which == "quick":
        return [_adaptive(ADAPTED), _purifying("JPEG 30"), _leak()]
    if which == "audit":
        return [_adaptive(ADAPTED)]
    adapted = [_adaptive(name) for name in extractors.names(adapted=True)]
    purifying = [_purifying(name) for name in PURIFIERS]
    pairs = [_Pair(name, *PAIRS[name]) for name in PAIRS if "itself" not in name]
    both = [make(pair) for pair in pairs for make in (_top2, _threshold)]
    growth = [_growth(), _growth(leaked=1)]
    # Growth comes last, so that two models do not embed the galleries that it has grown.
    return [*adapted, *purifying, _filtering(), *both, _leak(), *growth]


def _is_adapted(name: str) -> bool:
    return name in extractors.names(adapted=True, photographs=True)


def learnt_from(extractor: Extractor) -> str:
    """What an extractor learnt from: ``PHOTOGRAPHS``, ``RENDERED`` or ``OTHER``, by its name.

    Example:
        >>> from poisonlib import extractors
        >>> from workbench.audit.strategies import learnt_from
        >>> learnt_from(extractors.load("dlib-2017")), learnt_from(extractors.load("vit-2025"))
        ('photographs of real people', 'rendered people')
    """
    name = extractor.card.name
    if name in (*trained_on_photographs(), *pretrained.names()):
        return PHOTOGRAPHS
    return RENDERED if name in (*_shipped(), *_shipped(adapted=True)) else OTHER


def _shipped(*, adapted: bool = False) -> tuple[str, ...]:
    return extractors.names(adapted=adapted)


def naive(extractor: str | Extractor) -> Strategy:
    """A trainer who does nothing about cloaks, with an extractor by name or as it is.

    An extractor from after the first cloaking tools is a newer model, which may resist them.

    Raises:
        ValueError: an unknown extractor.
    """
    loaded = load(extractor) if isinstance(extractor, str) else extractor
    card = loaded.card
    is_newer = card.year > min(paper.RELEASED.values())
    family = "newer model" if is_newer else "naive"
    does = f"takes the photographs as they are, with {card.name}"
    if is_newer:
        does += ", a model from after the first cloaking tools"
    make = partial(_unchanged, extractor=extractor)
    source = learnt_from(loaded)
    return Strategy(f"{family}, {card.name}", family, card.year, does, make, learnt_from=source)


def _unchanged(evaluator: Evaluator, *, extractor: str | Extractor) -> Trainer:
    return evaluator.extractor(extractor), NearestNeighbour


def _adaptive(name: str) -> Strategy:
    start = name.removeprefix("adapted-")
    does = f"has fine-tuned {start} on other people's photographs and cloaked copies of them"
    make = partial(_unchanged, extractor=name)
    return Strategy(f"adaptive, {start}", "adaptive", _year(name), does, make, **_source(name))


def _purifying(purifier: str, name: str = LATER) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(Purified(load(name), purifiers()[purifier])), NearestNeighbour

    does = f"{PURIFIERS[purifier]}, then uses {name}"
    title = f"{purifier}, {name}"
    return Strategy(title, "purification", _year(name), does, make, **_source(name))


def _filtering(name: str = LATER) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(name), evaluator.filtered

    does = (
        "drops photographs that a detector classifies as cloaked, and with them people who have no "
        f"others in the gallery; then uses {name}"
    )
    title = f"detect and drop, {name}"
    return Strategy(title, "detection", _year(name), does, make, **_source(name))


def _leak(name: str = LATER) -> Strategy:
    does = f"has one clean photograph of the user under the right name, and uses {name}"
    make = partial(_unchanged, extractor=name)
    more = {"leaked": 1} | _source(name)
    return Strategy(f"one leak, {name}", "leak and growth", _year(name), does, make, **more)


def _growth(name: str = LATER, *, leaked: int = 0) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        threshold = evaluator.threshold(name, share=max(FALSE_ADDS), **_choosing(name))
        return evaluator.extractor(name), Growing(evaluator.rounds, threshold=threshold)

    does = (
        "starts from a third of the photographs, and adds each later, clean one that it "
        f"recognises with confidence, with {name}"
    )
    title = f"growth, {name}"
    if leaked:
        does, title = f"has one clean photograph of the user, {does}", f"leak and {title}"
    more = {"leaked": leaked, "grows": True} | _source(name)
    return Strategy(title, "leak and growth", _year(name), does, make, **more)


@dataclass(frozen=True)
class _Pair:
    """Two models of one trainer, by name: the accurate one, and what stands behind it."""

    name: str
    accurate: str
    robust: str


def _top2(pair: _Pair) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(pair.accurate), Top2.over(_known(evaluator, pair.robust))

    does = f"lets a person choose from two answers, of {pair.accurate} and {pair.robust}"
    title = f"Top-2, {pair.name}"
    return Strategy(title, "two models", _later(pair), does, make, **_source(pair.accurate))


def _threshold(pair: _Pair) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        settings = {"share": SHARE, "choosers": CHOOSERS} | _choosing(pair.accurate)
        threshold = evaluator.threshold(pair.accurate, **settings)
        two = ConfidenceThreshold.over(_known(evaluator, pair.robust), threshold=threshold)
        return evaluator.extractor(pair.accurate), two

    does = f"uses {pair.robust} wherever {pair.accurate} is not confident"
    title = f"threshold, {pair.name}"
    return Strategy(title, "two models", _later(pair), does, make, **_source(pair.accurate))


def _choosing(name: str) -> dict[str, int]:
    """On whom a trainer chooses a threshold: of a slow network, on fewer photographs of each."""
    return {"choosers": CHOOSERS, "each": 4} if name == KNOWS_FACES else {}


def _known(evaluator: Evaluator, name: str) -> Extractor:
    """An extractor that has embedded the gallery already, in batches that take little memory."""
    extractor = evaluator.extractor(name)
    evaluator.embeddings(extractor)
    return extractor


def _source(name: str) -> dict[str, str]:
    return {"learnt_from": learnt_from(load(name))}


def _later(pair: _Pair) -> int:
    return max(_year(pair.accurate), _year(pair.robust))


def _year(name: str) -> int:
    return load(name).card.year

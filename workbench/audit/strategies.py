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
from typing import TYPE_CHECKING, Any, Literal

from poisonlib import extractors, paper
from poisonlib.defenses import ConfidenceThreshold, Growing, Purified, Top2
from poisonlib.defenses.combined import CHOOSERS, PAIRS, SHARE
from poisonlib.defenses.gallery import FALSE_ADDS
from poisonlib.defenses.purify import purifiers
from poisonlib.extractors import Extractor
from poisonlib.recognition import NearestNeighbour
from poisonlib.tools import BASELINE, LATER
from poisonlib.trial import MakeRecogniser
from workbench.extractors import load, pretrained, trained_on_photographs
from workbench.photos.owner import KNOWS_FACES

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
    about cloaks, each with every extractor that knows faces.

    Args:
        which: ``"all"``; ``"audit"``, those of an audit of photographs, which takes a minute: all
            that learnt from photographs, and of the others those without purification, detection,
            leak, growth and two models; or ``"quick"``, a part of them that takes seconds, for live
            notebooks.
        extractors: of the trainers, by name or as they are. By default naive trainers have all that
            ship, for an audit all on this machine that learnt from photographs and four others, and
            if quick one and four; of the others, only one is used by those who do more.
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
        >>> [one.name for one in strategies("quick", extractors=["dlib-2017"])]
        ['naive, dlib-2017', 'adaptive, dlib-2017', 'one leak, dlib-2017']
    """
    if which not in ("all", "audit", "quick"):
        raise ValueError(f"which must be 'all', 'audit' or 'quick', got {which!r}")
    own = extractors is not None
    given = _default(which) if extractors is None else extractors
    chosen = [load(each) if isinstance(each, str) else each for each in given]
    naive_ones = sorted(map(naive, chosen), key=lambda strategy: (strategy.year, strategy.name))
    known = [each for each in chosen if learnt_from(each) != RENDERED]
    drawn = [each for each in chosen if learnt_from(each) == RENDERED]
    made = [*naive_ones, *_with_photographs(which, known), *_with_rendered(which, drawn, own=own)]
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


def _with_photographs(which: str, known: Sequence[Extractor]) -> list[Strategy]:
    """Trainers who do something about cloaks, with recognisers that know faces."""
    made = [_adaptive(name) for each in known for name in _adapted(each)]
    if which == "quick":
        return [*made, *map(_leak, known)]
    for each in known:
        made += [_purifying(name, each) for name in PURIFIERS]
        made.append(_filtering(each))
        for name in _adapted(each):
            pair = _Pair(f"{each.card.name} + adapted", each, load(name))
            made += [_top2(pair), _threshold(pair)]
        made += [_leak(each), _growth(each), _growth(each, leaked=1)]
    return made


def _with_rendered(which: str, drawn: Sequence[Extractor], *, own: bool) -> list[Strategy]:
    """Trainers who do something about cloaks, with recognisers that learnt from rendered people.

    Args:
        which, drawn: the line-up, and the extractors of its naive trainers.
        own: whether these were asked for, so that no other is used.
    """
    bases = list(drawn) if own else [load(LATER)]
    adapted = [_adaptive(name) for each in bases for name in _adapted(each)]
    if which == "quick":
        purifying = [_purifying("JPEG 30", each) for each in bases]
        return [*adapted, *purifying, *map(_leak, bases)]
    if which == "audit":
        return adapted
    if not own:
        adapted = [_adaptive(name) for name in extractors.names(adapted=True)]
    purifying = [_purifying(name, each) for each in bases for name in PURIFIERS]
    names = [] if own else [name for name in PAIRS if "itself" not in name]
    pairs = [_Pair(name, *map(load, PAIRS[name])) for name in names]
    both = [make(pair) for pair in pairs for make in (_top2, _threshold)]
    growth = [_growth(each, leaked=leaked) for each in bases for leaked in (0, 1)]
    # Growth comes last, so that two models do not embed the galleries that it has grown.
    leaks = map(_leak, bases)
    return [*adapted, *purifying, *map(_filtering, bases), *both, *leaks, *growth]


def _adapted(extractor: Extractor) -> list[str]:
    """The adapted form of an extractor, if one ships."""
    name = f"adapted-{extractor.card.name}"
    return [name] if _is_adapted(name) else []


def _is_adapted(name: str) -> bool:
    adapted = (extractors.names(adapted=True, photographs=real) for real in (True, False))
    return any(name in names for names in adapted)


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
    return Strategy(f"adaptive, {start}", "adaptive", make=make, does=does, **_about(load(name)))


def _purifying(purifier: str, base: Extractor) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(Purified(base, purifiers()[purifier])), NearestNeighbour

    does = f"{PURIFIERS[purifier]}, then uses {base.card.name}"
    title = f"{purifier}, {base.card.name}"
    return Strategy(title, "purification", make=make, does=does, **_about(base))


def _filtering(base: Extractor) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(base), evaluator.filtered

    does = (
        "drops photographs that a detector classifies as cloaked, and with them people who have no "
        f"others in the gallery; then uses {base.card.name}"
    )
    title = f"detect and drop, {base.card.name}"
    return Strategy(title, "detection", make=make, does=does, **_about(base))


def _leak(base: Extractor) -> Strategy:
    name = base.card.name
    does = f"has one clean photograph of the user under the right name, and uses {name}"
    make = partial(_unchanged, extractor=base)
    about = {"make": make, "does": does, "leaked": 1} | _about(base)
    return Strategy(f"one leak, {name}", "leak and growth", **about)


def _growth(base: Extractor, *, leaked: int = 0) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        threshold = evaluator.threshold(base, share=max(FALSE_ADDS), **_choosing(base))
        return evaluator.extractor(base), Growing(evaluator.rounds, threshold=threshold)

    does = (
        "starts from a third of the photographs, and adds each later, clean one that it "
        f"recognises with confidence, with {base.card.name}"
    )
    title = f"growth, {base.card.name}"
    if leaked:
        does, title = f"has one clean photograph of the user, {does}", f"leak and {title}"
    about = {"make": make, "does": does, "leaked": leaked, "grows": True} | _about(base)
    return Strategy(title, "leak and growth", **about)


@dataclass(frozen=True)
class _Pair:
    """Two models of one trainer: the accurate one, and what stands behind it."""

    name: str
    accurate: Extractor
    robust: Extractor

    @property
    def about(self) -> dict[str, Any]:
        year = max(self.accurate.card.year, self.robust.card.year)
        return _about(self.accurate) | {"year": year}


def _top2(pair: _Pair) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        return evaluator.extractor(pair.accurate), Top2.over(_known(evaluator, pair.robust))

    accurate, robust = pair.accurate.card.name, pair.robust.card.name
    does = f"lets a person choose from two answers, of {accurate} and {robust}"
    return Strategy(f"Top-2, {pair.name}", "two models", make=make, does=does, **pair.about)


def _threshold(pair: _Pair) -> Strategy:
    def make(evaluator: Evaluator) -> Trainer:
        settings = {"share": SHARE, "choosers": CHOOSERS} | _choosing(pair.accurate)
        threshold = evaluator.threshold(pair.accurate, **settings)
        two = ConfidenceThreshold.over(_known(evaluator, pair.robust), threshold=threshold)
        return evaluator.extractor(pair.accurate), two

    accurate, robust = pair.accurate.card.name, pair.robust.card.name
    does = f"uses {robust} wherever {accurate} is not confident"
    return Strategy(f"threshold, {pair.name}", "two models", make=make, does=does, **pair.about)


def _choosing(base: Extractor) -> dict[str, int]:
    """On whom a trainer chooses a threshold: of larger networks, on fewer photographs of each."""
    return {} if learnt_from(base) == RENDERED else {"choosers": CHOOSERS, "each": 4}


def _known(evaluator: Evaluator, which: Extractor) -> Extractor:
    """An extractor that has embedded the gallery already, in batches that take little memory."""
    extractor = evaluator.extractor(which)
    evaluator.embeddings(extractor)
    return extractor


def _about(base: Extractor) -> dict[str, Any]:
    return {"year": base.card.year, "learnt_from": learnt_from(base)}

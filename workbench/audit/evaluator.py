"""A cloak against the trainers: the paper's protocol, once for each strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import Cloak
from poisonlib.attacks.function import AttackLike, as_attack, name_of_attack
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs, concatenate
from poisonlib.caching import cache_folder
from poisonlib.defenses import Filtered, Purified, choose_threshold, detector
from poisonlib.extractors import CachedExtractor, Card, Extractor, embed
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.trial import Trial, TrialResult, as_published, choose_users, cloak_user, split
from workbench import extractors
from workbench.audit.others import count_rendered
from workbench.audit.report_card import ReportCard, summarise_trial
from workbench.audit.strategies import OTHER, Strategy, Trainer, learnt_from, strategies

#: What an attack raises that was used wrongly, and a function that broke a rule or failed.
ATTACK_ERRORS = (TypeError, ValueError, RuntimeError)


def gauntlet(
    cloak: AttackLike | Callable[[Tensor], Tensor],
    *,
    photos: Photos | None = None,
    users: Sequence[int | str] | int = 5,
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
    name: str | None = None,
    progress: Progress | None = None,
) -> ReportCard:
    """Evaluate a cloak against every strategy that a trainer has.

    One user at a time shares cloaked photographs only, among many people who share clean ones, as
    in :class:`poisonlib.trial.Trial`; then the trainer recognises clean photographs of that user.
    To try several cloaks, make an :class:`Evaluator` and let it ``evaluate`` each: it embeds
    everybody else once.

    Args:
        cloak: a function from ``(n, 3, 112, 112)`` images in [0, 1], the photographs of one user,
            to images of the same shape; or an attack of ``poisonlib.attacks``, such as
            :class:`~poisonlib.attacks.PrecomputedCloaks`.
        photos: gallery and users together; the packaged users, if not given.
        users: who uses the cloak, by label or name; or how many, drawn by ``seed``.
        strategies: of :func:`workbench.audit.strategies`; all of them, if not given.
        seed: of the split into gallery and test photographs, of the draw of users, and of the
            cloaks of an attack.
        name: of the cloak in the report; its own name, if not given.
        progress: called with (steps done, steps in all, what is being done).

    Raises:
        TypeError, ValueError: not a cloak, no users or strategies, or a cloak that breaks a rule;
            see :class:`poisonlib.attacks.FunctionAttack`.
        RuntimeError: the cloak itself failed. The message says for which user.

    Example:
        A negative of every photograph, against one trainer and on noise, for a look at it:

        >>> import torch
        >>> from workbench import audit
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(16, 3, 64, 64), torch.arange(16) // 4, ("A", "B", "C", "D"))
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> card = audit.gauntlet(lambda image: 1 - image, photos=photos, users=2, strategies=naive)
        >>> card.table["strategy"].tolist()
        ['naive, dlib-2017']
    """
    evaluator = Evaluator(photos, strategies=strategies, seed=seed)
    return evaluator.evaluate(cloak, users=users, name=name, progress=progress)


@dataclass
class _Cache:
    """What was computed about the photographs, whichever of them are for testing."""

    extractors: dict[str, CachedExtractor] = field(default_factory=dict)
    embeddings: dict[str, Tensor] = field(default_factory=dict)
    thresholds: dict[tuple, float] = field(default_factory=dict)
    rendered: int | None = None

    @cached_property
    def filtered(self) -> Filtered:
        return Filtered(detector.load())


class Evaluator:
    """Evaluates any number of cloaks on one gallery, which each extractor embeds once.

    Args:
        photos: gallery and users together; the packaged users, if not given.
        strategies: the trainers; all of :func:`workbench.audit.strategies`, if not given.
        seed: of the split, of the draw of users, and of the cloaks of an attack.
        test: ``(n,)`` bool, which photographs are for testing; by default drawn by ``seed``.
        known: extractors that have embedded some of the photographs already.
        rendered: how many photographs, from the first one on, are those of packaged users; counted
            if not given.

    Attributes:
        photos: as they are published.
        strategies: the trainers.
        seed: as given.
        test: ``(n,)`` bool, the photographs for testing.

    Raises:
        ValueError: no strategies, two of one name, or too few photographs of somebody.

    Example:
        >>> import torch
        >>> from workbench import audit
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(16, 3, 64, 64), torch.arange(16) // 4, ("A", "B", "C", "D"))
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> evaluator = audit.Evaluator(photos, strategies=naive)
        >>> cards = [evaluator.evaluate(lambda x: level * x, users=1) for level in (0.9, 0.5)]
        >>> cards[0].visible["linf_max"] < cards[1].visible["linf_max"]
        True
    """

    def __init__(
        self,
        photos: Photos | None = None,
        *,
        strategies: Sequence[Strategy] | None = None,
        seed: int = 0,
        test: Tensor | None = None,
        known: Iterable[CachedExtractor] = (),
        rendered: int | None = None,
    ) -> None:
        self.strategies = _checked(strategies)
        self.photos = as_published(people.load("users") if photos is None else photos)
        self.seed = seed
        self.test = split(self.photos.labels, seed=seed) if test is None else test
        self._trainers: dict[str, Trainer] = {}
        self._cache = _Cache({each.fingerprint: each for each in known}, rendered=rendered)

    def evaluate(
        self,
        cloak: AttackLike | Callable[[Tensor], Tensor],
        *,
        users: Sequence[int | str] | int = 5,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> ReportCard:
        """The report card of a cloak that users apply to their photographs; see :func:`gauntlet`.

        Each user is cloaked once, for all trainers.
        """
        attack = as_attack(cloak)
        chosen = choose_users(self.photos, users, seed=self.seed)
        steps = len(chosen) + len(self.strategies)
        progress = progress or no_progress
        clean, cloaks = [], []
        for done, user in enumerate(chosen):
            progress(done, steps, f"cloaking {self.photos.names[user]}")
            clean.append(self.photos.images[(self.photos.labels == user) & ~self.test])
            cloaks.append(self._cloak(attack, user))
        crafted = concatenate(cloaks)
        precomputed = PrecomputedCloaks(torch.cat(clean), crafted)
        rows = []
        for done, strategy in enumerate(self.strategies, start=len(chosen)):
            progress(done, steps, strategy.name)
            rows.append(summarise_trial(strategy, *self.trial(strategy, precomputed, chosen)))
        progress(steps, steps, "done")
        return ReportCard.of(name or name_of_attack(attack), rows, crafted, seed=self.seed)

    def trial(
        self, strategy: Strategy, cloaks: PrecomputedCloaks, users: Sequence[int | str]
    ) -> tuple[Card, TrialResult]:
        """The trial of one trainer against cloaks that are crafted already.

        Returns:
            the card of the trainer's extractor, and the result.
        """
        extractor, recogniser = self._trainer(strategy)
        attack = WithCleanPhotographs(cloaks, strategy.leaked) if strategy.leaked else cloaks
        photos, test, embeddings = self.photos, self.test, self.embeddings(extractor)
        if strategy.grows:
            first = ~self.later
            photos, test, embeddings = self._first, test[first], embeddings[first]
        trial = Trial(attack, extractor, recogniser, name=strategy.name)
        result = trial.run(photos, users=users, seed=self.seed, embeddings=embeddings, test=test)
        return extractor.card, result

    def with_test(self, test: Tensor) -> Evaluator:
        """The same with other photographs for testing; what was computed about them is shared.

        Args:
            test: ``(n,)`` bool.
        """
        other = Evaluator(self.photos, strategies=self.strategies, seed=self.seed, test=test)
        other._cache = self._cache
        return other

    def extractor(self, which: str | Extractor) -> CachedExtractor:
        """An extractor, by name or as it is, that embeds each photograph once.

        Raises:
            ValueError: no such extractor.
        """
        extractor = extractors.load(which) if isinstance(which, str) else which
        known = self._cache.extractors
        if extractor.fingerprint not in known:
            cached = CachedExtractor(extractor)
            is_known = isinstance(which, str | Purified) or learnt_from(extractor) != OTHER
            if is_known and self.rendered:
                # Only embeddings of rendered people are stored on disk: they identify nobody.
                cached.folder = cache_folder("embeddings")
                embed(cached, self.photos.images[: self.rendered])
                cached.folder = None
            known[extractor.fingerprint] = cached
        return known[extractor.fingerprint]

    def embeddings(self, extractor: CachedExtractor) -> Tensor:
        """Embeddings ``(n, d)`` of all photographs by an extractor of this evaluator."""
        known = self._cache.embeddings
        if extractor.fingerprint not in known:
            known[extractor.fingerprint] = embed(extractor, self.photos.images)
        return known[extractor.fingerprint]

    @property
    def filtered(self) -> Filtered:
        """The packaged detector's filter, which has scored the gallery already."""
        filtered = self._cache.filtered
        # In parts, so that the whole gallery is not copied when it is scored for the first time.
        for part in torch.nonzero(~self.test)[:, 0].split(256):
            filtered.scores(self.photos.images[part])
        return filtered

    def threshold(
        self,
        extractor: str | Extractor,
        *,
        share: float,
        choosers: int | None = None,
        each: int | None = None,
    ) -> float:
        """The distance at which an extractor confuses this share of strangers with somebody.

        Args:
            extractor: by name or as it is.
            share: in (0, 1).
            choosers: how many of the packaged public people, the first ones, choose; all if None.
            each: with how many of their photographs, the first ones; all if None.
        """
        loaded = extractors.load(extractor) if isinstance(extractor, str) else extractor
        key = (loaded.fingerprint, share, choosers, each)
        known = self._cache.thresholds
        if key not in known:
            public = people.load("public", **({} if each is None else {"each": each}))
            if choosers is not None:
                public = public.of_people(public.people[:choosers])
            folder = cache_folder("embeddings")  # of rendered people
            cached = CachedExtractor(loaded, folder=folder)
            known[key] = choose_threshold(cached, as_published(public), false_adds=share)
        return known[key]

    @cached_property
    def later(self) -> Tensor:
        """``(n,)`` bool: training photographs that a growing gallery does not begin with.

        It begins with the first third of each person's, and at least with one.
        """
        later = ~self.test
        for person in self.photos.people:
            training = torch.nonzero((self.photos.labels == person) & ~self.test)[:, 0]
            later[training[: max(1, len(training) // 3)]] = False
        return later

    @cached_property
    def _first(self) -> Photos:
        """What a growing gallery begins with, and the photographs for testing."""
        return self.photos.subset(~self.later)

    @cached_property
    def rounds(self) -> tuple[Tensor, ...]:
        """The later photographs, clean: in each round the next one of everybody who has one."""
        place = torch.full_like(self.photos.labels, -1)
        for person in self.photos.people:
            later = (self.photos.labels == person) & self.later
            place[later] = torch.arange(int(later.sum()))
        return tuple(self.photos.images[place == number] for number in range(int(place.max()) + 1))

    @property
    def rendered(self) -> int:
        """How many photographs, from the first one on, are those of packaged users."""
        if self._cache.rendered is None:
            self._cache.rendered = count_rendered(self.photos)
        return self._cache.rendered

    def _cloak(self, attack: AttackLike, user: int) -> Cloak:
        try:
            return cloak_user(attack, self.photos, user, test=self.test, seed=self.seed)
        except Exception as failure:
            kind = next((kind for kind in ATTACK_ERRORS if isinstance(failure, kind)), None)
            message = str(failure) if kind else f"{type(failure).__name__}: {failure}"
            name = self.photos.names[user]
            raise (kind or RuntimeError)(f"no cloak for {name}: {message}") from failure

    def _trainer(self, strategy: Strategy) -> Trainer:
        if strategy.name not in self._trainers:
            self._trainers[strategy.name] = strategy.make(self)
        return self._trainers[strategy.name]


def _checked(chosen: Sequence[Strategy] | None) -> tuple[Strategy, ...]:
    chosen = strategies() if chosen is None else tuple(chosen)
    names = [strategy.name for strategy in chosen]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"a gauntlet needs at least one strategy, and each of its own name, got {names}; "
            "workbench.audit.strategies makes them"
        )
    return chosen

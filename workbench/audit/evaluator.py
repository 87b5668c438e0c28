"""Where a cloak meets the trainers: the paper's protocol, once for each strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import Cloak
from poisonlib.attacks.function import AttackLike, as_attack, name_of_attack
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs, all_of
from poisonlib.defenses import Filtered, choose_threshold, detector
from poisonlib.extractors import Extractor, embed
from poisonlib.extractors.cached import CachedExtractor
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.trial import Trial, TrialResult, as_published, choose_users, split
from workbench import extractors
from workbench.audit.report_card import ReportCard, row_of
from workbench.audit.strategies import Strategy, Trainer, strategies
from workbench.extractors.disk_cache import embed_cached

#: What an attack says that was used wrongly, and a function that broke a rule or failed.
RULES = (TypeError, ValueError, RuntimeError)

#: Photographs that go through a network at once: more take memory, and no less time.
BATCH = 64


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
    """Play a cloak against every strategy that a trainer has.

    One user at a time shares cloaked photographs only, among many people who share clean ones, as
    in :class:`poisonlib.trial.Trial`; then the trainer is asked about clean photographs of that
    user. To try several cloaks, make an :class:`Evaluator` and let it ``play`` each: it keeps what
    the extractors made of everybody else.

    Args:
        cloak: a function from ``(n, 3, 112, 112)`` images in [0, 1], the photographs of one user,
            to images of the same shape; or an attack of ``poisonlib.attacks``, such as
            :class:`~poisonlib.attacks.PrecomputedCloaks`.
        photos: gallery and users together; the packaged users, if not given.
        users: who wears the cloak, by label or name; or how many, drawn by ``seed``.
        strategies: of :func:`workbench.audit.strategies`; all of them, if not given.
        seed: of the split into gallery and test photographs, of the draw of users, and of the
            cloaks of an attack.
        name: what the report calls the cloak; its own name, if not given.
        progress: called with (steps done, steps in all, what is being done).

    Raises:
        TypeError, ValueError: not a cloak, no users or strategies, or a cloak that breaks a rule;
            see :class:`poisonlib.attacks.FunctionAttack`.
        RuntimeError: the cloak itself failed. The message says for which user.

    Example:
        A negative of every photograph, before one trainer and on noise, for a look at it:

        >>> import torch
        >>> from workbench import audit
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(16, 3, 64, 64), torch.arange(16) // 4, ("A", "B", "C", "D"))
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> card = audit.gauntlet(lambda image: 1 - image, photos=photos, users=2, strategies=naive)
        >>> card.table["strategy"].tolist()
        ['naive, softmax-2014']
    """
    arena = Evaluator(photos, strategies=strategies, seed=seed)
    return arena.play(cloak, users=users, name=name, progress=progress)


class Evaluator:
    """The gallery, and what each trainer's extractor makes of it, kept for any number of cloaks.

    Args:
        photos: gallery and users together; the packaged users, if not given.
        strategies: the line-up; all of :func:`workbench.audit.strategies`, if not given.
        seed: of the split, of the draw of users, and of the cloaks of an attack.
        test: ``(n,)`` bool, which photographs are asked about; by default drawn by ``seed``.

    Attributes:
        photos: as they are published.
        strategies: the line-up.
        seed: as given.
        test: ``(n,)`` bool, the photographs that are asked about.

    Raises:
        ValueError: no strategies, two of one name, or too few photographs of somebody.

    Example:
        >>> import torch
        >>> from workbench import audit
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(16, 3, 64, 64), torch.arange(16) // 4, ("A", "B", "C", "D"))
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> arena = audit.Evaluator(photos, strategies=naive)
        >>> cards = [arena.play(lambda image: level * image, users=1) for level in (0.9, 0.5)]
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
    ) -> None:
        self.strategies = _line_up(strategies)
        self.photos = as_published(people.load("users") if photos is None else photos)
        self.seed = seed
        self.test = split(self.photos.labels, seed=seed) if test is None else test
        self._trainers: dict[str, Trainer] = {}
        self._seen = _Seen()

    def play(
        self,
        cloak: AttackLike | Callable[[Tensor], Tensor],
        *,
        users: Sequence[int | str] | int = 5,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> ReportCard:
        """Let users wear a cloak before every trainer of the line-up; see :func:`gauntlet`."""
        attack = as_attack(cloak)
        chosen = choose_users(self.photos, users, seed=self.seed)
        steps = len(chosen) + len(self.strategies)
        tell = progress or no_progress
        clean, cloaks = [], []
        for done, user in enumerate(chosen):
            tell(done, steps, f"cloaking {self.photos.names[user]}")
            mine = self.photos.images[(self.photos.labels == user) & ~self.test]
            clean.append(mine)
            cloaks.append(self._cloaked(attack, mine, user))
        worn = all_of(cloaks)
        given = PrecomputedCloaks(torch.cat(clean), worn)
        rows = []
        for done, strategy in enumerate(self.strategies, start=len(chosen)):
            tell(done, steps, strategy.name)
            rows.append(row_of(strategy, *self.trial(strategy, given, chosen)))
        tell(steps, steps, "done")
        return ReportCard.of(name or name_of_attack(attack), rows, worn, seed=self.seed)

    def trial(
        self, strategy: Strategy, given: PrecomputedCloaks, users: Sequence[int | str]
    ) -> tuple[str, TrialResult]:
        """One trainer's turns against cloaks that are made already.

        Returns:
            the name of the trainer's extractor, and what came out.
        """
        extractor, recogniser = self._trainer(strategy)
        attack = WithCleanPhotographs(given, strategy.leaked) if strategy.leaked else given
        photos, test, rows = self.photos, self.test, self.rows(extractor)
        if strategy.grows:
            kept = ~self.later
            photos, test, rows = photos.subset(kept), test[kept], rows[kept]
        trial = Trial(attack, extractor, recogniser, name=strategy.name)
        result = trial.run(photos, users=users, seed=self.seed, embeddings=rows, test=test)
        return extractor.card.name, result

    def asking(self, test: Tensor) -> Evaluator:
        """The same arena, asking about other photographs: what has been seen is kept.

        Args:
            test: ``(n,)`` bool.
        """
        other = Evaluator(self.photos, strategies=self.strategies, seed=self.seed, test=test)
        other._seen = self._seen
        return other

    def extractor(self, which: str | Extractor) -> CachedExtractor:
        """An extractor by name, or as it is, that embeds each photograph once.

        Raises:
            ValueError: no such extractor.
        """
        found = extractors.load(which) if isinstance(which, str) else which
        known = self._seen.extractors
        if found.fingerprint not in known:
            known[found.fingerprint] = CachedExtractor(found)
            is_slow = isinstance(which, str) and which in extractors.pretrained.names()
            if is_slow and self._synthetic is not None:
                rows = embed_cached(found, self._synthetic, batch_size=BATCH)
                known[found.fingerprint].know(self._synthetic, rows)
        return known[found.fingerprint]

    def rows(self, extractor: CachedExtractor) -> Tensor:
        """What an extractor of this arena makes of all photographs, ``(n, d)``."""
        known = self._seen.rows
        if extractor.fingerprint not in known:
            known[extractor.fingerprint] = embed(extractor, self.photos.images, batch_size=BATCH)
        return known[extractor.fingerprint]

    @property
    def filtered(self) -> Filtered:
        """The packaged detector's filter, which has looked at the gallery already."""
        filtered = self._seen.filtered
        # Part by part, so that the whole gallery is not copied to be looked at for the first time.
        for part in torch.nonzero(~self.test)[:, 0].split(256):
            filtered.scores(self.photos.images[part])
        return filtered

    def threshold(self, name: str, *, share: float, choosers: int | None = None) -> float:
        """The distance at which an extractor mistakes so large a share of strangers for somebody.

        Args:
            name: of the extractor.
            share: in (0, 1).
            choosers: how many of the packaged public people, the first ones, choose; all if None.
        """
        key = (name, share, choosers)
        known = self._seen.thresholds
        if key not in known:
            public = people.load("public")
            if choosers is not None:
                public = public.of_people(public.people[:choosers])
            extractor, public = extractors.load(name), as_published(public)
            rows = embed(extractor, public.images, batch_size=BATCH)
            known[key] = choose_threshold(extractor, public, false_adds=share, embeddings=rows)
        return known[key]

    @cached_property
    def later(self) -> Tensor:
        """``(n,)`` bool: training photographs that a growing gallery does not begin with.

        It begins with the first third of each person's, and at least with one.
        """
        later = ~self.test
        for person in self.photos.people:
            mine = torch.nonzero((self.photos.labels == person) & ~self.test)[:, 0]
            later[mine[: max(1, len(mine) // 3)]] = False
        return later

    @cached_property
    def rounds(self) -> tuple[Tensor, ...]:
        """The later photographs, clean: in each round the next one of everybody who has one."""
        place = torch.full_like(self.photos.labels, -1)
        for person in self.photos.people:
            mine = (self.photos.labels == person) & self.later
            place[mine] = torch.arange(int(mine.sum()))
        return tuple(self.photos.images[place == number] for number in range(int(place.max()) + 1))

    @cached_property
    def _synthetic(self) -> Tensor | None:
        """The packaged users' photographs, if the set begins with them.

        What a network made of them may stay on the disk. Of real people it may not.
        """
        users = people.load("users").images
        first = self.photos.images[: len(users)]
        return first if torch.equal(first, users) else None

    def _cloaked(self, attack: AttackLike, mine: Tensor, user: int) -> Cloak:
        try:
            return attack(mine, seed=self.seed + user)
        except Exception as failure:
            kind = next((kind for kind in RULES if isinstance(failure, kind)), RuntimeError)
            said = str(failure) if kind in RULES else f"{type(failure).__name__}: {failure}"
            raise kind(f"no cloak for {self.photos.names[user]}: {said}") from failure

    def _trainer(self, strategy: Strategy) -> Trainer:
        if strategy.name not in self._trainers:
            self._trainers[strategy.name] = strategy.make(self)
        return self._trainers[strategy.name]


class _Seen:
    """What was found out about the photographs, whichever of them are asked about."""

    def __init__(self) -> None:
        self.extractors: dict[str, CachedExtractor] = {}
        self.rows: dict[str, Tensor] = {}
        self.thresholds: dict[tuple, float] = {}

    @cached_property
    def filtered(self) -> Filtered:
        return Filtered(detector.load())


def _line_up(given: Sequence[Strategy] | None) -> tuple[Strategy, ...]:
    line_up = strategies() if given is None else tuple(given)
    names = [strategy.name for strategy in line_up]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"a gauntlet needs at least one strategy, and each of its own name, got {names}; "
            "workbench.audit.strategies makes a line-up"
        )
    return line_up

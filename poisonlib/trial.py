"""The trial: does a cloak protect its user from a recogniser trained on the cloaked pictures?

The protocol of the paper's code (FaceCure, ``eval.py``): one user at a time replaces *all* of
their training photographs by cloaked ones, everybody else stays clean, the recogniser is trained on
all of these, and is then tested on the user's *unperturbed* test photographs. A recogniser that
shows several candidates is wrong if the right name is not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.attacks import Attack, Cloak
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.caching import only_costs_time
from poisonlib.extractors import Extractor, embed
from poisonlib.extractors.base import check_extractor
from poisonlib.hashing import sha256_of_tensors
from poisonlib.log import Log
from poisonlib.photos import Photos
from poisonlib.progress import Progress
from poisonlib.recognition import EmbeddingRecogniser, NearestNeighbour, Recogniser
from poisonlib.statistics import wilson

if TYPE_CHECKING:
    import pandas

MakeRecogniser = Callable[[Extractor], Recogniser]


def split(labels: Tensor, *, seed: int, test_share: float = 0.3) -> Tensor:
    """Which photographs are for testing: ``int(test_share * n)`` of each person's n, at random.

    Args:
        labels: ``(n,)`` integer labels.
        seed: of the choice.
        test_share: in (0, 1); the paper's is 0.3.

    Returns:
        ``(n,)`` bool, True for test photographs.

    Raises:
        ValueError: a person has too few photographs to leave one on each side.

    Example:
        >>> import torch
        >>> from poisonlib.trial import split
        >>> test = split(torch.tensor([0] * 10 + [1] * 10), seed=0)
        >>> test[:10].sum(), test[10:].sum()  # three of ten photographs of each
        (tensor(3), tensor(3))
    """
    checks.labels(labels, len(labels))
    generator = torch.Generator().manual_seed(seed)
    test = torch.zeros(len(labels), dtype=torch.bool)
    for person in torch.unique(labels).tolist():
        mine = torch.nonzero(labels == person)[:, 0]
        take = int(test_share * len(mine))
        if not 0 < take < len(mine):
            raise ValueError(
                f"person {person} has {len(mine)} photograph(s), which leaves {take} to test "
                f"with and {len(mine) - take} to train with; give at least "
                f"{-(-1 // test_share):.0f} photographs of each person"
            )
        test[mine[torch.randperm(len(mine), generator=generator)[:take]]] = True
    return test


def as_published(photos: Photos) -> Photos:
    """The photographs as 8-bit files hold them, which is how everybody gets to see them.

    Photographs that come from such files are returned as they are, without a copy.

    Example:
        >>> import torch
        >>> from poisonlib.photos import Photos
        >>> from poisonlib.trial import as_published
        >>> raw = Photos(torch.full((1, 3, 8, 8), 0.3001), torch.tensor([0]), ("Ada",))
        >>> levels = as_published(raw).images * 255
        >>> torch.equal(levels, levels.round())
        True
    """
    if photos.is_8_bit:
        return photos
    images = torch.cat([round_to_8_bits(part) for part in photos.images.split(16)])
    return Photos(images, photos.labels, photos.names)


@dataclass(frozen=True)
class TrialResult:
    """What happened, one row for each user, condition and side.

    Attributes:
        table: tidy ``DataFrame`` with columns ``attack, extractor, recogniser, condition``
            (``"control"``: processed but not perturbed, or ``"cloaked"``), ``user, whose``
            (``"user"``: the protected user's clean test photographs, or ``"others"``),
            ``errors, n, error``, and on cloaked rows the mean ``dssim``, mean ``lpips`` and
            largest ``linf`` of the user's cloaks.
        wrong: by (user, condition) ``(n,)`` bool, which of the user's clean test photographs, in
            their order in the set, got another name: the same photographs in both conditions, so
            that the two can be compared one by one.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.attacks import Unperturbed
        >>> from poisonlib.photos import Photos
        >>> from poisonlib.trial import Trial
        >>> photos = Photos(torch.rand(8, 3, 64, 64), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> trial = Trial(Unperturbed(), extractors.load("softmax-2014"))
        >>> result = trial.run(photos, users=["Ada"], seed=0)
        >>> (result.table["condition"] + " " + result.table["whose"]).tolist()
        ['control user', 'control others', 'cloaked user', 'cloaked others']
    """

    table: pandas.DataFrame
    wrong: Mapping[tuple[str, str], Tensor] = field(default_factory=dict)

    def summary(self) -> pandas.DataFrame:
        """Error by condition and side with 95 % Wilson interval, number of photographs and users.

        The other people's photographs are the same in every user's turn, so they count once:
        their error is the mean over turns, their n that of one turn.
        """
        return summarise(self.table)


def summarise(table: pandas.DataFrame) -> pandas.DataFrame:
    """Pool a trial table over users; see :meth:`poisonlib.trial.TrialResult.summary`.

    Example:
        >>> from poisonlib import provenance
        >>> from poisonlib.trial import summarise
        >>> pooled = summarise(provenance.load("baseline").table)
        >>> list(pooled.columns[-6:])
        ['error', 'low', 'high', 'n', 'users', 'user_sd']
    """
    import pandas

    rows = []
    keys = ["attack", "extractor", "recogniser", "condition", "whose"]
    for key, group in table.groupby(keys, sort=False):
        turns = len(group) if group["whose"].iloc[0] == "others" else 1
        n = round(int(group["n"].sum()) / turns)
        rate = wilson(round(int(group["errors"].sum()) / turns), n)
        rows.append(
            dict(zip(keys, key, strict=True))
            | {"error": rate.value, "low": rate.low, "high": rate.high, "n": n}
            | {"users": group["user"].nunique(), "user_sd": float(group["error"].std(ddof=0))}
        )
    return pandas.DataFrame(rows)


@dataclass(frozen=True)
class Trial:
    """One attack against one way of recognising people.

    Attributes:
        attack: makes the cloaks; wrap it in :class:`~poisonlib.attacks.Cached` to store them.
        extractor: the trainer's, which need not be the one the cloak was crafted on.
        recogniser: how the trainer builds on it: :class:`~poisonlib.recognition.NearestNeighbour`
            (the default), :class:`~poisonlib.recognition.Linear`,
            :class:`~poisonlib.recognition.EndToEnd`, or any function of an extractor.
        name: of the attack in the table; its class name if not given.
        columns: further columns of the table, the same in every row of this trial.

    Example:
        Two steps of an attack, for a look at it; leave ``steps`` out for full strength:

        >>> from poisonlib import extractors, people
        >>> from poisonlib.attacks import FawkesV1
        >>> from poisonlib.trial import Trial
        >>> tracker = extractors.load("softmax-2014")
        >>> trial = Trial(FawkesV1([tracker], steps=2), tracker)
        >>> photos = people.load("users").of_people(range(4))
        >>> result = trial.run(photos, users=[0], seed=0)
        >>> result.summary()[["attack", "condition", "whose"]].iloc[2].tolist()
        ['FawkesV1', 'cloaked', 'user']
    """

    attack: Attack
    extractor: Extractor
    recogniser: MakeRecogniser = NearestNeighbour
    name: str | None = None
    columns: Mapping[str, object] = field(default_factory=dict)

    def run(
        self,
        photos: Photos,
        *,
        users: Sequence[int | str] | int,
        seed: int,
        embeddings: Tensor | None = None,
        test: Tensor | None = None,
        progress: Progress | None = None,
    ) -> TrialResult:
        """Let each user protect themselves in turn, and count who is recognised.

        Args:
            photos: gallery and users together, several photographs of each person.
            users: who protects themselves, by label or name; or how many, drawn by ``seed``.
            seed: of the split, of the draw of users, and of the cloaks.
            embeddings: ``(n, d)``, what ``embed(extractor, photos.images)`` returns, to run many
                trials of one extractor; computed if not given.
            test: ``(n,)`` bool, which photographs are for testing; ``split(photos.labels, seed)``
                if not given.
            progress: called with (users done, users in all, what is being done).

        Raises:
            ValueError: no users, unknown users, one person only, too few photographs, or embeddings
                or a choice of test photographs that are not one for each photograph.
        """
        import pandas

        chosen = choose_users(photos, users, seed=seed)
        test = split(photos.labels, seed=seed) if test is None else _checked(test, photos, chosen)
        protocol = _Protocol(self, as_published(photos), test, seed, embeddings)
        table, wrong = [], {}
        for user in chosen:
            rows, wrong[photos.names[user], "control"] = protocol.control(user)
            table += rows
        for done, user in enumerate(chosen):
            if progress is not None:
                progress(done, len(chosen), f"{self._attack_name} for {photos.names[user]}")
            rows, wrong[photos.names[user], "cloaked"] = protocol.cloaked(user)
            table += rows
        if progress is not None:
            progress(len(chosen), len(chosen), "done")
        return TrialResult(pandas.DataFrame(table), wrong)

    @property
    def _attack_name(self) -> str:
        return self.name or type(getattr(self.attack, "attack", self.attack)).__name__

    @property
    def _described(self) -> dict[str, object]:
        """The columns that say which trial a row belongs to."""
        return {
            "attack": self._attack_name,
            "extractor": self.extractor.card.name,
            "recogniser": getattr(self.recogniser, "__name__", str(self.recogniser)),
        } | dict(self.columns)


def grid(
    cases: Iterable[Trial],
    photos: Photos,
    *,
    users: Sequence[int | str] | int,
    seed: int,
    test: Tensor | None = None,
    embeddings: Mapping[str, Tensor] | None = None,
    log: Path | None = None,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    """Many trials on the same photographs: every case with every user.

    Each extractor embeds the photographs once, however many cases use it. With a ``log``, every
    finished pair of case and user is appended to a file, and a run that was stopped resumes there;
    where the file cannot be written, the run continues without it.

    Args:
        cases: the trials; they are told apart by attack, extractor, recogniser and ``columns``.
        photos: gallery and users together, several photographs of each person.
        users, seed, test: as in :meth:`Trial.run`.
        embeddings: ``(n, d)`` of the photographs, where they are known, by fingerprint of the
            extractor; see :meth:`Trial.run`.
        log: file to resume from, if it exists, and to append to.
        progress: called with (turns done, turns in all, what is being done).

    Returns:
        the tables of all trials one below the other, in the order of the cases; see
        :attr:`TrialResult.table`.

    Raises:
        ValueError: as :meth:`Trial.run`; two cases that cannot be told apart; or a log that belongs
            to other photographs or another seed.

    Example:
        Two extractors against a tool that does nothing:

        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.attacks import Unperturbed
        >>> from poisonlib.photos import Photos
        >>> from poisonlib.trial import Trial, grid
        >>> photos = Photos(torch.rand(8, 3, 64, 64), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> family = [extractors.load(name) for name in ("softmax-2014", "arcface-2019")]
        >>> table = grid([Trial(Unperturbed(), one) for one in family], photos, users=2, seed=0)
        >>> len(table)  # 2 cases x 2 users x (control, cloaked) x (user, others)
        16
    """
    import pandas

    cases = list(cases)
    keys = [json.dumps(case._described, sort_keys=True, default=str) for case in cases]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"two cases cannot be told apart: {twice}; give them columns that differ")
    chosen = choose_users(photos, users, seed=seed)
    test = split(photos.labels, seed=seed) if test is None else _checked(test, photos, chosen)
    published = as_published(photos)
    seen = sha256_of_tensors(published.images, test)
    finished = Log(log, about={"seed": seed, "photographs": seen})
    embeddings = dict(embeddings or {})
    table: list[dict] = []
    for place, (case, key) in enumerate(zip(cases, keys, strict=True)):
        protocol = None
        for turn, user in enumerate(chosen):
            name = f"{key} {photos.names[user]}"
            if progress is not None:
                said = f"{case._attack_name} for {photos.names[user]}, {case.extractor.card.name}"
                progress(place * len(chosen) + turn, len(cases) * len(chosen), said)
            if name not in finished:
                if protocol is None:
                    fingerprint = check_extractor(case.extractor).fingerprint
                    known = embeddings.get(fingerprint)
                    protocol = _Protocol(case, published, test, seed, known)
                    embeddings[fingerprint] = protocol.embeddings
                rows = protocol.control(user)[0] + protocol.cloaked(user)[0]
                with only_costs_time():
                    finished[name] = rows
            table += finished[name] if name in finished else rows
    if progress is not None:
        progress(len(cases) * len(chosen), len(cases) * len(chosen), "done")
    return pandas.DataFrame(table)


def cloak_user(
    attack: Attack, photos: Photos, user: int | str, *, test: Tensor, seed: int
) -> Cloak:
    """The cloaks of one user's training photographs, drawn with ``seed`` plus the user's label.

    Every trial of the book draws a user's cloaks like this, so that a cloak made once serves in all
    of them.

    Args:
        attack: any attack.
        photos: with the user among them.
        user: by label or name.
        test: ``(n,)`` bool, which photographs are for testing and stay as they are.
        seed: of the trial.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Unperturbed
        >>> from poisonlib.photos import Photos
        >>> from poisonlib.trial import cloak_user, split
        >>> photos = Photos(torch.rand(8, 3, 64, 64), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> test = split(photos.labels, seed=0)
        >>> len(cloak_user(Unperturbed(), photos, "Ben", test=test, seed=0))
        3
    """
    label = photos.label(user)
    training = (photos.labels == label) & ~test
    return attack(as_published(photos.subset(training)).images, seed=seed + label)


def _checked(test: Tensor, photos: Photos, users: Sequence[int]) -> Tensor:
    if test.dtype != torch.bool or test.shape != photos.labels.shape:
        raise ValueError(
            f"test must say yes or no of each of {len(photos)} photographs, got {test.dtype} of "
            f"shape {tuple(test.shape)}; poisonlib.trial.split makes it"
        )
    for user in users:
        asked = test[photos.labels == user]
        if asked.all() or not asked.any():
            raise ValueError(
                f"{photos.names[user]} has {int(asked.sum())} of {len(asked)} photographs to test "
                "with; leave at least one on each side"
            )
    return test


def choose_users(photos: Photos, users: Sequence[int | str] | int, *, seed: int) -> list[int]:
    """The labels of the users: those given, or that many drawn at random with ``seed``.

    Raises:
        ValueError: none, more than there are people, or an unknown one.

    Example:
        >>> import torch
        >>> from poisonlib.photos import Photos
        >>> from poisonlib.trial import choose_users
        >>> photos = Photos(torch.rand(3, 3, 8, 8), torch.arange(3), ("Ada", "Ben", "Cem"))
        >>> choose_users(photos, ["Cem", "Ada"], seed=0)
        [2, 0]
        >>> len(choose_users(photos, 2, seed=0))
        2
    """
    if isinstance(users, int):
        if not 0 < users <= len(photos.people):
            raise ValueError(
                f"users must be between 1 and the {len(photos.people)} people there are, "
                f"got {users}"
            )
        order = torch.randperm(len(photos.people), generator=torch.Generator().manual_seed(seed))
        return sorted(photos.people[index] for index in order[:users].tolist())
    if len(users) == 0:
        raise ValueError("a trial needs at least one user to protect, got none")
    return [photos.label(user) for user in users]


class _Protocol:
    """One trial on one set of photographs: who is named what, without a cloak and with one.

    For frozen features everybody is embedded once, and only the user's cloaks each time; other
    recognisers are trained again for each gallery.
    """

    def __init__(
        self, trial: Trial, photos: Photos, test: Tensor, seed: int, embeddings: Tensor | None
    ) -> None:
        if embeddings is not None and len(embeddings) != len(photos):
            raise ValueError(
                f"embeddings must hold one embedding for each of {len(photos)} photographs, got "
                f"{len(embeddings)}; use embed(extractor, photos.images)"
            )
        self.trial, self.photos, self.test, self.seed = trial, photos, test, seed
        self.embeddings = embeddings
        if isinstance(trial.recogniser(trial.extractor), EmbeddingRecogniser):
            if embeddings is None:
                self.embeddings = embed(trial.extractor, photos.images)
            self.candidates = self._candidates_of_embeddings
        else:
            self.candidates = self._candidates_of_photographs

    @cached_property
    def unprotected(self) -> Tensor:
        """Candidates ``(n, k)`` for the test photographs when nobody cloaks."""
        return self.candidates(None, None)

    def control(self, user: int) -> tuple[list[dict], Tensor]:
        """Rows of the table for a user without a cloak, and which test photographs are misnamed."""
        return self._count(self.unprotected, user, "control")

    def cloaked(self, user: int) -> tuple[list[dict], Tensor]:
        """The same with the user's training photographs cloaked."""
        cloak = cloak_user(self.trial.attack, self.photos, user, test=self.test, seed=self.seed)
        training = (self.photos.labels == user) & ~self.test
        rows, wrong = self._count(self.candidates(training, cloak.images), user, "cloaked")
        visible = {
            "dssim": float(cloak.dssim.mean()),
            "lpips": float(cloak.lpips.mean()),
            "linf": float(cloak.linf.max()),
        }
        return [row | visible for row in rows], wrong

    def _count(self, candidates: Tensor, user: int, condition: str) -> tuple[list[dict], Tensor]:
        truth = self.photos.labels[self.test]
        wrong = (candidates != truth[:, None]).all(dim=1)
        rows = []
        for whose, side in (("user", truth == user), ("others", truth != user)):
            errors, n = int(wrong[side].sum()), int(side.sum())
            about = {"condition": condition, "user": self.photos.names[user], "whose": whose}
            counts = {"errors": errors, "n": n, "error": errors / n}
            rows.append(self.trial._described | about | counts)
        return rows, wrong[truth == user]

    def _candidates_of_embeddings(self, training: Tensor | None, cloaked: Tensor | None) -> Tensor:
        embeddings = self.embeddings
        if training is not None:
            embeddings = embeddings.clone()
            embeddings[training] = embed(self.trial.extractor, cloaked)
        recogniser = self.trial.recogniser(self.trial.extractor)
        recogniser.fit_embeddings(embeddings[~self.test], self.photos.labels[~self.test])
        return recogniser.candidates_of_embeddings(self.embeddings[self.test])

    def _candidates_of_photographs(self, training: Tensor | None, cloaked: Tensor | None) -> Tensor:
        gallery = self.photos.images[~self.test]
        if training is not None:
            gallery[training[~self.test]] = cloaked
        recogniser = self.trial.recogniser(self.trial.extractor)
        recogniser.fit(gallery, self.photos.labels[~self.test])
        return recogniser.candidates(self.photos.images[self.test])

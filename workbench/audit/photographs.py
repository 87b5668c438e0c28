"""The audit: photographs that some tool has cloaked, put before every trainer there is.

The protocol is the gauntlet's with one user, the owner of the photographs, among many other people.
One person has few photographs, so each of them is the test once: they are dealt into folds, and in
each fold's turn the trainer has the cloaked copies of all others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import PrecomputedCloaks
from poisonlib.photos import Photos
from poisonlib.progress import Progress
from poisonlib.trial import TrialResult
from workbench.audit.evaluator import Evaluator
from workbench.audit.report_card import ReportCard, row_of
from workbench.audit.strategies import Strategy
from workbench.folders import PairedFaces
from workbench.photos import from_folder, lfw
from workbench.photos.walk import Skipped

#: Each photograph is the test in one of so many turns.
FOLDS = 4
#: Of more pairs of photographs, so many are taken: more would hardly narrow an interval.
MOST = 200
#: Of a larger background, so many files are looked at: more people would hardly fit into memory.
MOST_OTHERS = 4000
#: What the owner of the photographs is called among the other people.
OWNER = "the owner of these photographs"


@dataclass(frozen=True, eq=False)
class Audit:
    """What came of the photographs of one person.

    Attributes:
        card: trainer by trainer.
        faces: the pairs that were played, each photograph once.
        problems: files that were not, and why.
        background: who else was in the gallery, in words.

    Example:
        >>> import torch
        >>> from workbench import audit
        >>> from workbench.folders import PairedFaces
        >>> from poisonlib.photos import Photos
        >>> others = Photos(torch.rand(12, 3, 112, 112), torch.arange(12) // 4, ("A", "B", "C"))
        >>> clean = torch.rand(4, 3, 112, 112)
        >>> faces = PairedFaces(clean, 1 - clean, (None,) * 4, ((),) * 4, ())
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> done = audit.audit(faces, background=others, strategies=naive)
        >>> len(done.faces), done.problems, done.background
        (4, (), 'the packaged synthetic people')
    """

    card: ReportCard
    faces: PairedFaces
    problems: tuple[Skipped, ...]
    background: str

    def to_json(self) -> str:
        """The audit as a strict JSON object: the card's, and what became of the files."""
        from workbench.photos.walk import shown

        said = json.loads(self.card.to_json())
        said |= {
            "background": self.background,
            "pairs": [shown(pair.name) for pair in self.faces.pairs],
            "problems": [
                {"file": shown(problem.file), "reason": problem.reason} for problem in self.problems
            ],
        }
        return json.dumps(said, ensure_ascii=False, allow_nan=False, indent=2)


def audit(
    faces: PairedFaces,
    *,
    background: Photos | None = None,
    described: str = "the packaged synthetic people",
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
    name: str = "the cloak",
    progress: Progress | None = None,
) -> Audit:
    """Play a tool's cloaked copies of one person's photographs against every trainer.

    Args:
        faces: of :func:`workbench.folders.read_pairs`: the photographs as they were and as they
            were published.
        background: other people, who share clean photographs, at least four of each; the packaged
            users, if not given.
        described: the background, in words.
        strategies: of :func:`workbench.audit.strategies`; all of them, if not given.
        seed: of the folds and of the other people's split.
        name: what the report calls the cloak.
        progress: called with (turns done, turns in all, what is being done).

    Raises:
        ValueError: fewer than four different photographs, or a background that cannot be split.

    Example:
        Four pictures of noise, in the form that :func:`workbench.folders.read_pairs` gives faces,
        and one trainer:

        >>> import torch
        >>> from workbench import audit
        >>> from workbench.folders import PairedFaces
        >>> from poisonlib.photos import Photos
        >>> others = Photos(torch.rand(12, 3, 112, 112), torch.arange(12) // 4, ("A", "B", "C"))
        >>> clean = torch.rand(4, 3, 112, 112)
        >>> faces = PairedFaces(clean, 1 - clean, (None,) * 4, ((),) * 4, ())
        >>> naive = audit.strategies("quick")[:1]  # only the first trainer
        >>> done = audit.audit(faces, background=others, strategies=naive)
        >>> done.card.table[["strategy", "n"]].values.tolist()
        [['naive, softmax-2014', 4]]
    """
    clean, cloaked, kept, again = _each_once(faces)
    if len(clean) < FOLDS:
        raise ValueError(
            f"an audit needs at least {FOLDS} different photographs with their cloaked copies, "
            f"got {len(clean)}; {FOLDS * 5} or more give intervals that say something"
        )
    others = people.load("users") if background is None else background
    owner = Photos(clean, torch.zeros(len(clean), dtype=torch.int64), (OWNER,))
    fold = folds(len(clean), seed=seed)
    arena = Evaluator(others.joined(owner), strategies=strategies, seed=seed)
    given = PrecomputedCloaks(clean, cloaked)
    results: dict[str, list[TrialResult]] = {each.name: [] for each in arena.strategies}
    turns = FOLDS * len(arena.strategies)
    met = {}
    for number in range(FOLDS):
        # Everybody else as the arena has split them; the owner comes last.
        test = torch.cat([arena.test[: len(others)], fold == number])
        asking = arena.asking(test)
        for done, strategy in enumerate(arena.strategies, start=number * len(arena.strategies)):
            if progress is not None:
                progress(done, turns, f"{strategy.name}, turn {number + 1} of {FOLDS}")
            met[strategy.name], result = asking.trial(strategy, given, [OWNER])
            results[strategy.name].append(result)
    if progress is not None:
        progress(turns, turns, "done")
    rows = [
        row_of(each, met[each.name], _together(results[each.name])) for each in arena.strategies
    ]
    card = ReportCard.of(name, rows, given.cloak, seed=seed)
    return Audit(card, kept, (*faces.problems, *again), described)


def folds(count: int, *, seed: int) -> Tensor:
    """The turn in which each photograph is the test: ``(count,)`` int64, in [0, FOLDS).

    As even as can be, and drawn by the seed.

    Example:
        >>> from workbench.audit.photographs import folds
        >>> folds(8, seed=0).bincount()
        tensor([2, 2, 2, 2])
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    turn = torch.empty(count, dtype=torch.int64)
    turn[order] = torch.arange(count) % FOLDS
    return turn


def background(
    which: str, *, most: int | None = None, progress: Progress | None = None
) -> tuple[Photos, str]:
    """Other people for the gallery, and what they are called.

    Args:
        which: ``"people"`` (packaged, synthetic), ``"lfw"`` (where scikit-learn keeps it), or a
            folder that holds a folder of photographs for each person.
        most: files that are looked at, see :func:`workbench.photos.from_folder`.
        progress: called with (files done, files in all, what is being done) where there are files.

    Raises:
        FileNotFoundError, ValueError: there are none; the message says what to do.

    Example:
        >>> from workbench.audit import background
        >>> others, described = background("people")
        >>> len(others.people), described
        (100, 'the packaged synthetic people')
    """
    if which == "people":
        return people.load("users"), "the packaged synthetic people"

    if which == "lfw":
        return lfw(most=most, progress=progress), "Labeled Faces in the Wild"
    found = from_folder(Path(which), min_photos=4, most=most, progress=progress)
    return found, "a folder of your own"


def _each_once(faces: PairedFaces) -> tuple[Tensor, Tensor, PairedFaces, tuple[Skipped, ...]]:
    """The clean and the cloaked faces, without a photograph that is there already."""
    seen: dict[bytes, int] = {}
    again = []
    for at, image in enumerate(faces.clean):
        first = seen.setdefault(image.mul(255).round().byte().numpy().tobytes(), at)
        if first != at:
            name = faces.pairs[first].name
            again.append(Skipped(faces.pairs[at].name, f"the same photograph as {name}"))
    keep = sorted(seen.values())
    kept = PairedFaces(
        faces.clean[keep],
        faces.cloaked[keep],
        tuple(faces.pairs[at] for at in keep),
        tuple(faces.notes[at] for at in keep),
        faces.problems,
    )
    return kept.clean, kept.cloaked, kept, tuple(again)


def _together(results: Sequence[TrialResult]) -> TrialResult:
    """The turns of one user as one result; their test photographs follow one another."""
    import pandas

    table = pandas.concat([result.table for result in results], ignore_index=True)
    keys = results[0].wrong
    return TrialResult(table, {key: torch.cat([one.wrong[key] for one in results]) for key in keys})

"""The audit: photographs that some tool has cloaked, against every trainer in the book.

The protocol is the gauntlet's with one user, the owner of the photographs, among many other people.
One person has few photographs, so they are cross-validated: they are divided into folds, and for
each fold the trainer has the cloaked copies of all others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from poisonlib.attacks import PrecomputedCloaks
from poisonlib.extractors import CachedExtractor, Card, Extractor, load
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.trial import TrialResult
from workbench.audit.evaluator import Evaluator
from workbench.audit.others import also_the_owner, count_rendered, gallery
from workbench.audit.report_card import ReportCard, summarise_trial
from workbench.audit.strategies import KNOWS_FACES, PHOTOGRAPHS, RENDERED, Strategy
from workbench.audit.strategies import strategies as strategies_of
from workbench.folders import PairedFaces
from workbench.folders.resemblance import first_of_its_kind
from workbench.photos.walk import Skipped, printable

#: Each photograph is for testing in one of so many folds.
FOLDS = 4
#: Pairs of photographs that are used at most: more would hardly narrow an interval.
MOST_PAIRS = 200
#: The name of the owner of the photographs among the other people.
OWNER = "the owner of these photographs"

MEANING = (
    "No commercial service is among them. Services use newer recognisers that learnt from far more "
    "photographs, so a pass here says nothing about them. A failure here is evidence that they do "
    "not fail either: what a weaker recogniser sees through, a stronger one hardly misses."
)
SET_ASIDE = (
    "What learnt from rendered people is listed for comparison and does not count for the overall "
    "verdict: a cloak for real faces may pass it by, and among rendered people it recognises a "
    "real face as the only real one, cloaked or not."
)
AMONG_RENDERED = (
    "The other people of the gallery are rendered. That is easier for a trainer than a gallery of "
    "real people, among whom some are similar to the owner: expect more errors there, without the "
    "cloak and with it. Give photographs of real people as the background for a harder test."
)


@dataclass(frozen=True, eq=False)
class Audit:
    """The result for the photographs of one person.

    Attributes:
        card: trainer by trainer.
        faces: the pairs that were used, each photograph once.
        problems: files that were not used, and why.
        background: who else was in the gallery, in words.
        among_rendered: whether all of them are rendered people of the package.
    """

    card: ReportCard
    faces: PairedFaces
    problems: tuple[Skipped, ...]
    background: str
    among_rendered: bool = False

    @property
    def asked(self) -> dict[str, dict[str, str]]:
        """For each kind of data: the recognisers that learnt from it, and on what exactly."""
        found: dict[str, dict[str, str]] = {}
        for row in self.card.table.to_dict("records"):
            name = row["extractor"].partition(" + ")[0]  # without a purifier
            found.setdefault(row["learnt_from"], {})[name] = row["trained_on"]
        return found

    @property
    def statement(self) -> tuple[str, ...]:
        """In plain sentences: which recognisers were asked, and what the answer is worth."""
        said = []
        for learnt_from, recognisers in self.asked.items():
            if learnt_from == PHOTOGRAPHS:
                told = "; ".join(f"{name} ({data})" for name, data in recognisers.items())
                said.append(f"Recognisers that learnt from photographs of real people: {told}.")
            elif learnt_from == RENDERED:
                said.append(
                    "Recognisers that learnt from rendered people only, and know real faces poorly "
                    f"or not at all: {', '.join(recognisers)}."
                )
            else:
                said.append(f"Recognisers of your own: {', '.join(recognisers)}.")
        if self.card.sets_rendered_aside:
            said.append(SET_ASIDE)
        return (*said, MEANING, *([AMONG_RENDERED] if self.among_rendered else ()))

    def to_json(self) -> str:
        """The audit as a strict JSON object: the card's, and what became of the files."""
        content = json.loads(self.card.to_json()) | {
            "background": self.background,
            "asked": self.asked,
            "statement": list(self.statement),
            "pairs": [printable(pair.name) for pair in self.faces.pairs],
            "problems": [
                {"file": printable(problem.file), "reason": problem.reason}
                for problem in self.problems
            ],
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2)


def audit(
    faces: PairedFaces,
    *,
    background: Photos | None = None,
    described: str | None = None,
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
    name: str = "the cloak",
    progress: Progress | None = None,
) -> Audit:
    """Evaluate a tool's cloaked copies of one person's photographs against every trainer.

    Args:
        faces: of :func:`workbench.folders.read_pairs`: the clean photographs and their cloaked
            copies.
        background: other people, who share clean photographs, at least four of each; if not given,
            the packaged users with some of their photographs.
        described: the background, in words.
        strategies: of :func:`workbench.audit.strategies`; those for an audit, if not given.
        seed: of the folds and of the other people's split.
        name: of the cloak in the report.
        progress: called with (trials done, trials in all, what is being done).

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
        >>> result = audit.audit(faces, background=others, strategies=naive)
        >>> result.card.table[["strategy", "n"]].values.tolist()
        [['naive, dlib-2017', 4]]
    """
    faces = _without_duplicates(faces)
    count = len(faces)
    if count < FOLDS:
        raise ValueError(
            f"an audit needs at least {FOLDS} different photographs with their cloaked copies, "
            f"got {count}; {FOLDS * 5} or more give useful intervals"
        )
    progress = progress or no_progress
    others, described = (
        gallery() if background is None else (background, described or "other people")
    )
    recogniser = knows_faces()
    rendered = count_rendered(others)
    others, removed = _without_the_owner(faces.clean, others, recogniser, rendered=rendered)
    rendered = count_rendered(others) if removed else rendered
    faces = replace(faces, problems=(*faces.problems, *removed))
    owner = Photos(faces.clean, torch.zeros(count, dtype=torch.int64), (OWNER,))
    if strategies is None:
        strategies = strategies_of("audit")
    gallery_of_all = others.joined(owner)
    known = {"known": [recogniser], "rendered": rendered}
    evaluator = Evaluator(gallery_of_all, strategies=strategies, seed=seed, **known)
    cloaks = PrecomputedCloaks(faces.clean, faces.cloaked)
    fold = folds(count, seed=seed)
    trials = FOLDS * len(evaluator.strategies)
    cards: dict[str, Card] = {}
    results: dict[str, list[TrialResult]] = {each.name: [] for each in evaluator.strategies}
    for number in range(FOLDS):
        # Everybody else is split by the seed; the owner comes last.
        test = torch.cat([evaluator.test[: len(others)], fold == number])
        of_fold = evaluator.with_test(test)
        for done, strategy in enumerate(of_fold.strategies, number * len(of_fold.strategies)):
            progress(done, trials, f"{strategy.name}, fold {number + 1} of {FOLDS}")
            cards[strategy.name], result = of_fold.trial(strategy, cloaks, [OWNER])
            results[strategy.name].append(result)
    progress(trials, trials, "done")
    rows = [
        summarise_trial(each, cards[each.name], _pooled(results[each.name]))
        for each in evaluator.strategies
    ]
    card = ReportCard.of(name, rows, cloaks.cloak, seed=seed, of_real_people=True)
    return Audit(card, faces, faces.problems, described, evaluator.rendered >= len(others))


def folds(count: int, *, seed: int) -> Tensor:
    """The fold in which each photograph is for testing: ``(count,)`` int64, in [0, FOLDS).

    Of sizes that differ by one at most, drawn by the seed.

    Example:
        >>> from workbench.audit.photographs import folds
        >>> folds(8, seed=0).bincount()
        tensor([2, 2, 2, 2])
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    fold = torch.empty(count, dtype=torch.int64)
    fold[order] = torch.arange(count) % FOLDS
    return fold


def knows_faces() -> CachedExtractor:
    """The packaged recogniser of real faces, which embeds each photograph once."""
    return CachedExtractor(load(KNOWS_FACES))


def _without_the_owner(
    owner: Tensor, others: Photos, recogniser: Extractor, *, rendered: int
) -> tuple[Photos, list[Skipped]]:
    """The background without whoever in it is the owner, and who that was."""
    again = also_the_owner(owner, others, recogniser, rendered=rendered)
    reason = "in the background, is the owner of the photographs; left out of it"
    removed = [Skipped(Path(others.names[label]), reason) for label in again]
    left = [label for label in others.people if label not in again]
    return (others.of_people(left) if again else others), removed


def _without_duplicates(faces: PairedFaces) -> PairedFaces:
    """Each clean photograph once, however often it was saved; the others are among the problems."""
    first = first_of_its_kind(faces.clean, faces.wholes)
    problems = [
        Skipped(faces.pairs[place].name, f"nearly the same photograph as {_name(faces, one)}")
        for place, one in enumerate(first)
        if one != place
    ]
    places = sorted(set(first))
    return replace(
        faces,
        clean=faces.clean[places],
        cloaked=faces.cloaked[places],
        pairs=tuple(faces.pairs[place] for place in places),
        notes=tuple(faces.notes[place] for place in places),
        problems=(*faces.problems, *problems),
        wholes=None if faces.wholes is None else faces.wholes[places],
    )


def _name(faces: PairedFaces, place: int) -> str:
    return printable(faces.pairs[place].name)


def _pooled(results: Sequence[TrialResult]) -> TrialResult:
    """The folds of one user as one result; their test photographs follow one another."""
    import pandas

    table = pandas.concat([result.table for result in results], ignore_index=True)
    keys = results[0].wrong
    return TrialResult(table, {key: torch.cat([one.wrong[key] for one in results]) for key in keys})

"""The runs behind the scoreboard: every number that a claim is judged by, in one table.

One path for both profiles; they differ in how many users protect themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib import extractors, paper, people
from poisonlib.attacks import CloakCache, Mixture
from poisonlib.defenses import detector
from poisonlib.defenses.combined import PAIRS
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.tools import BASELINE, LATER, paper_tools
from poisonlib.trial import Progress, Trial, as_published, split
from studio.scoreboard.measured import NOBODY
from studio.studies.combined import Embedded, cloaked, embedded, observe
from studio.studies.precompute import Experiment

#: The extractors that the paper says something on, by the name of ours.
PAPERS = tuple(dict.fromkeys(said.extractor for said in paper.TRANSFERS))
#: What an adaptive trainer makes of the baseline's extractor, and of a later one.
ADAPTED = (f"adapted-{BASELINE}", f"adapted-{LATER}")
#: The two systems of two models that the paper describes: an accurate one and a robust one.
TWO_MODELS = {name: PAIRS[name] for name in ("MagFace + CLIP", "MagFace + adapted")}
#: Before these the old tool had failed already, so that whoever wore it looks for a newer one.
OLD, NEW = "Fawkes v0.3", ("Fawkes v1.0", "LowKey")
LOST = tuple(said.extractor for said in paper.TRANSFERS if said.attack == OLD and not said.fooled)
SHARE = 0.5
#: What is kept of what pairs of models answer.
KEPT = ("queries", "thresholds")


@dataclass(frozen=True)
class Profile:
    """How much is run.

    Attributes:
        users: how many protect themselves.
        about: in words.

    Example:
        >>> from studio.scoreboard import PROFILES
        >>> PROFILES["quick"].users < PROFILES["full"].users
        True
    """

    users: int
    about: str


PROFILES: Mapping[str, Profile] = {
    "quick": Profile(8, "at most ten minutes on two cores, cloaks included; most of it coarse"),
    "full": Profile(20, "as many users as the chapters have; the record on the book's page"),
}
"""The profiles of the ``reproduce`` command, by name."""


def measure(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Run everything. Rows are of several kinds, told apart by ``part``:

    - ``"trial"``: a user's turn, with the columns of a trial (1-NN);
    - ``"clean"``: everybody's test photographs when nobody cloaks: which ones are ``wrong``;
    - ``"switch"``: a user's turn with half of the photographs ``old``, half ``new``;
    - ``"queries"`` and ``"thresholds"``: of pairs of models, as
      :func:`studio.studies.combined` yields them;
    - ``"detector"``: of how many photographs how many were ``flagged``.

    Example:
        A run takes minutes. What it yields is recorded:

        >>> from poisonlib import provenance
        >>> from studio import scoreboard
        >>> rows = provenance.load("reproduce").table
        >>> sorted(rows["part"].unique())
        ['clean', 'detector', 'queries', 'switch', 'thresholds', 'trial']
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    tools = paper_tools(public, cache=cache or CloakCache())
    cloaks = cloaked(tools, photos, users=users, seed=seed)
    steps = [*PAPERS, *ADAPTED, "two models", "the detector"]
    seen: dict[str, Embedded] = {}

    def say(done: int) -> None:
        if progress is not None:
            progress(done, len(steps), steps[done] if done < len(steps) else "done")

    for done, name in enumerate([*PAPERS, *ADAPTED]):
        say(done)
        extractor = extractors.load(name)
        rows = embed(extractor, photos.images)
        if name in PAPERS:
            yield _everybody(extractor, photos, rows, seed=seed)
        run = {"users": users, "seed": seed, "embeddings": rows}
        for tool, attack in tools.items():
            yield from _turns("trial", Trial(attack, extractor, name=tool), photos, **run)
        for new in NEW if name in LOST else ():
            mixed = Mixture(tools[OLD], tools[new], share=SHARE)
            turns = _turns("switch", Trial(mixed, extractor, name=new), photos, **run)
            yield from (row | {"old": OLD, "new": new} for row in turns)
        if any(name in names for names in TWO_MODELS.values()):
            seen[name] = embedded(extractor, photos, public, cloaks, embeddings=rows)
    say(len(steps) - 2)
    for name, models in TWO_MODELS.items():
        rows = observe(photos, public, tuple(seen[model] for model in models), seed=seed)
        yield from ({"pair": name} | row for row in rows if row["part"] in KEPT)
    say(len(steps) - 1)
    yield from _flagged(cloaks, photos, seed=seed)
    say(len(steps))


#: What ``precompute_cloaks`` needs to make the cloaks of a run in several processes.
EXPERIMENT = Experiment(measure, paper_tools)


def _turns(part: str, trial: Trial, photos: Photos, **run: object) -> Iterator[dict]:
    """The rows of a trial, of the protected users only."""
    table = trial.run(photos, **run).table
    mine = table[table["whose"] == "user"].drop(columns=["dssim", "lpips", "linf"])
    yield from ({"part": part} | row for row in mine.to_dict("records"))


def _everybody(extractor: Extractor, photos: Photos, rows: Tensor, *, seed: int) -> dict:
    test = split(photos.labels, seed=seed)
    nearest = NearestNeighbour(extractor).fit_embeddings(rows[~test], photos.labels[~test])
    wrong = torch.nonzero(nearest.predict_embeddings(rows[test]) != photos.labels[test])[:, 0]
    said = {"part": "clean", "extractor": extractor.card.name, "wrong": wrong.tolist()}
    return said | {"n": int(test.sum()), "users": len(photos.people)}


def _flagged(
    cloaks: Mapping[tuple[str, int], Tensor], photos: Photos, *, seed: int
) -> Iterator[dict]:
    judge = detector.load()
    chosen = sorted({user for _, user in cloaks})
    originals = torch.isin(photos.labels, torch.tensor(chosen)) & ~split(photos.labels, seed=seed)
    groups = {NOBODY: photos.images[originals]}
    for tool in dict.fromkeys(tool for tool, _ in cloaks):
        groups[tool] = torch.cat([cloaks[tool, user] for user in chosen])
    for attack, images in groups.items():
        flagged = int(judge.flags(images).sum())
        counts = {"flagged": flagged, "n": len(images), "users": len(chosen)}
        yield {"part": "detector", "attack": attack} | counts

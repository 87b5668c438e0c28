"""The runs behind the scoreboard: every number that a claim is judged by, in one table.

One path for both profiles; they differ in how many users protect themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from poisonlib import extractors, paper, people
from poisonlib.attacks import Attack, Mixture
from poisonlib.defenses import detector
from poisonlib.defenses.combined import PAIRS
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.tools import BASELINE, LATER
from poisonlib.trial import Trial, as_published, split
from studio.scoreboard.measured import NOBODY
from studio.studies.combined import Cloaks, cloak_users, observe
from studio.studies.study import Run, Study

if TYPE_CHECKING:
    import pandas

#: The extractors that the paper says something on, by the name of ours.
PAPERS = tuple(dict.fromkeys(one.extractor for one in paper.TRANSFERS))
#: What an adaptive trainer makes of the baseline's extractor, and of a later one.
ADAPTED = (f"adapted-{BASELINE}", f"adapted-{LATER}")
#: The two systems of two models that the paper describes: an accurate one and a robust one.
TWO_MODELS = {name: PAIRS[name] for name in ("MagFace + CLIP", "MagFace + adapted")}
#: Users of the old tool look for a newer one, for it fails against these extractors.
OLD, NEW = "Fawkes v0.3", ("Fawkes v1.0", "LowKey")
LOST = tuple(one.extractor for one in paper.TRANSFERS if one.attack == OLD and not one.fooled)
SHARE = 0.5


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


def measure(run: Run) -> Iterator[dict]:
    """Run everything. Rows are of several kinds, told apart by ``part``:

    - ``"trial"``: a user's turn, with the columns of a trial (1-NN);
    - ``"clean"``: everybody's test photographs when nobody cloaks: which ones are ``wrong``;
    - ``"switch"``: a user's turn with half of the photographs ``old``, half ``new``;
    - ``"queries"`` and ``"thresholds"``: of pairs of models, as
      :func:`studio.studies.combined.combined` yields them;
    - ``"detector"``: of how many photographs how many were ``flagged``.

    Example:
        A run takes minutes. What it yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("reproduce").table
        >>> sorted(rows["part"].unique())
        ['clean', 'detector', 'queries', 'switch', 'thresholds', 'trial']
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    tools = run.tools()
    yield from _recorded("trial", run.trials(_trials(tools), photos))
    yield from _recorded("switch", run.trials(_switches(tools), photos))
    for name in PAPERS:
        yield _everybody(_load(name), photos, seed=run.seed)
    cloaks = cloak_users(tools, photos, users=run.users, seed=run.seed)
    for done, (pair, (accurate, robust)) in enumerate(TWO_MODELS.items()):
        run.progress(done, len(TWO_MODELS), f"two models: {pair}")
        both = (_load(accurate), _load(robust))
        yield from ({"pair": pair} | row for row in observe(photos, public, both, cloaks, run.seed))
    run.progress(len(TWO_MODELS), len(TWO_MODELS), "the detector")
    yield from _flagged(cloaks, photos, seed=run.seed)


STUDY = Study(measure)
"""What the ``reproduce`` command runs."""


def _load(name: str) -> Extractor:
    return extractors.load(name, cached=True)


def _trials(tools: Mapping[str, Attack]) -> Iterator[Trial]:
    for name, (tool, attack) in itertools.product((*PAPERS, *ADAPTED), tools.items()):
        yield Trial(attack, _load(name), name=tool)


def _switches(tools: Mapping[str, Attack]) -> Iterator[Trial]:
    for name, new in itertools.product(LOST, NEW):
        mixed = Mixture(tools[OLD], tools[new], share=SHARE)
        yield Trial(mixed, _load(name), name=new, columns={"old": OLD, "new": new})


def _recorded(part: str, table: pandas.DataFrame) -> Iterator[dict]:
    """The rows of trials, of the protected users only."""
    users = table[table["whose"] == "user"].drop(columns=["dssim", "lpips", "linf"])
    yield from ({"part": part} | row for row in users.to_dict("records"))


def _everybody(extractor: Extractor, photos: Photos, *, seed: int) -> dict:
    test = split(photos.labels, seed=seed)
    embeddings = embed(extractor, photos.images)
    nearest = NearestNeighbour(extractor).fit_embeddings(embeddings[~test], photos.labels[~test])
    wrong = nearest.predict_embeddings(embeddings[test]) != photos.labels[test]
    about = {"part": "clean", "extractor": extractor.card.name}
    counts = {"n": int(test.sum()), "users": len(photos.people)}
    return about | {"wrong": torch.nonzero(wrong)[:, 0].tolist()} | counts


def _flagged(cloaks: Cloaks, photos: Photos, *, seed: int) -> Iterator[dict]:
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

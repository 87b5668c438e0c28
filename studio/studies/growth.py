"""Gallery growth: how much a cloak still protects when the tracker adds what it recognises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib import extractors, people
from poisonlib.defenses import DynamicGallery, choose_threshold
from poisonlib.defenses.gallery import FALSE_ADDS
from poisonlib.extractors import embed
from poisonlib.photos import Photos
from poisonlib.statistics import wilson
from poisonlib.tools import BASELINE
from poisonlib.trial import as_published, choose_users, cloak_user, split
from studio.studies.study import Run

#: Extractors that the paper's tools fool to different degrees.
WATCHED = (BASELINE, "magface-2021", "adaface-2022")
#: How many cloaked photographs of a user the tracker starts with.
SHARED = 5
#: How many clean ones have leaked into that gallery, under the user's name.
LEAKED = (0, 1)
#: Photographs of other people in each round, for the one of the user.
DISTRACTORS = 10
UNPROTECTED = "no cloak"


@dataclass(frozen=True)
class Round:
    """How well a user is recognised after a round, and what the gallery has added.

    Attributes:
        errors: of the user's test photographs that are misnamed.
        n: of them.
        own: clean photographs of the user that were added under the user's name so far.
        lost: those added under another name.
        taken: other people's photographs added under the user's name.
        others_right, others_wrong: other people's photographs added, by whether under their own.

    Example:
        >>> from studio.studies.growth import Round
        >>> after = Round(errors=1, n=4, own=3, lost=0, taken=0, others_right=20, others_wrong=0)
        >>> after.errors / after.n
        0.25
    """

    errors: int
    n: int
    own: int
    lost: int
    taken: int
    others_right: int
    others_wrong: int


def growth(run: Run) -> Iterator[dict]:
    """The paper's tools, and no cloak, x extractors, leaks and thresholds, round after round.

    A gallery holds ``SHARED`` photographs of the user, cloaked but for those that leaked, and all
    training photographs of everybody else. Each round brings one clean photograph of the user, of
    those that were never shared, and ``DISTRACTORS`` test photographs of others.

    Rows are all users together, those of a trial with ``leaked``, ``false_adds``, ``round`` and the
    counts of a :class:`~studio.studies.growth.Round` besides; ``errors_by_user`` keeps the users
    apart.
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    test = split(photos.labels, seed=run.seed)
    users = choose_users(photos, run.users, seed=run.seed)
    cloaks: dict[str, dict[int, Tensor]] = {UNPROTECTED: {}}
    for tool, attack in run.tools().items():
        cloaks[tool] = {
            user: cloak_user(attack, photos, user, test=test, seed=run.seed).images[:SHARED]
            for user in users
        }
    settings = [
        (tool, leaked, share)
        for tool, leaked, share in itertools.product(cloaks, LEAKED, FALSE_ADDS)
        if tool != UNPROTECTED or leaked == 0
    ]
    for done, name in enumerate(WATCHED):
        run.progress(done, len(WATCHED), f"growing galleries of {name}")
        extractor = extractors.load(name)
        embeddings, known = embed(extractor, photos.images), embed(extractor, public.images)
        cloaked = {
            tool: {user: embed(extractor, images) for user, images in by_user.items()}
            for tool, by_user in cloaks.items()
        }
        thresholds = {
            share: choose_threshold(extractor, public, false_adds=share, embeddings=known)
            for share in FALSE_ADDS
        }
        for tool, leaked, share in settings:
            courses = [
                course(
                    DynamicGallery(extractor, threshold=thresholds[share]),
                    photos,
                    embeddings,
                    test,
                    user,
                    cloaked[tool].get(user),
                    leaked=leaked,
                    seed=run.seed + user,
                )
                for user in users
            ]
            shared = {"attack": tool, "extractor": name, "leaked": leaked}
            yield from _pooled(
                courses, shared | {"false_adds": share, "threshold": thresholds[share]}
            )
    run.progress(len(WATCHED), len(WATCHED), "done")


def course(
    tracker: DynamicGallery,
    photos: Photos,
    embeddings: Tensor,
    test: Tensor,
    user: int,
    cloaked: Tensor | None,
    *,
    leaked: int,
    seed: int,
) -> list[Round]:
    """The rounds of one user, from the gallery as it was to the end of the stream.

    Args:
        tracker: fitted here.
        photos: of everybody, with their ``embeddings`` ``(n, d)``, and which are for ``test``.
        user: whose label.
        cloaked: ``(SHARED, d)``, embeddings of the user's cloaks; None for no cloak.
        leaked: how many of them, the last ones, are in the gallery as they were taken.
        seed: of which distractors come when.

    Returns:
        one entry for the beginning and one for each round.
    """
    of_user, labels = photos.labels == user, photos.labels
    training = torch.nonzero(of_user & ~test)[:, 0]
    shared = embeddings[training[:SHARED]].clone()
    if cloaked is not None:
        shared[: SHARED - leaked] = cloaked[: SHARED - leaked]
    gallery = ~of_user & ~test
    tracker.fit_embeddings(
        torch.cat([embeddings[gallery], shared]),
        torch.cat([labels[gallery], torch.full((len(shared),), user)]),
    )
    others = torch.nonzero(~of_user & test)[:, 0]
    order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
    stream = training[SHARED:]
    waiting = others[order][: DISTRACTORS * len(stream)].split(DISTRACTORS)
    probes = embeddings[of_user & test]

    def standing(own: int, lost: int, taken: int, right: int, wrong: int) -> Round:
        errors = int((tracker.predict_embeddings(probes) != user).sum())
        return Round(errors, len(probes), own, lost, taken, right, wrong)

    counts = [0, 0, 0, 0, 0]
    history = [standing(*counts)]
    for clean, distractors in zip(stream, waiting, strict=True):
        added = tracker.observe_embeddings(embeddings[torch.cat([clean[None], distractors])])
        name, names, truth = int(added[0]), added[1:], labels[distractors]
        counts[0] += name == user
        counts[1] += name not in (user, -1)
        counts[2] += int((names == user).sum())
        counts[3] += int((names == truth).sum())
        counts[4] += int(((names != truth) & (names >= 0)).sum())
        history.append(standing(*counts))
    return history


def _pooled(courses: list[list[Round]], shared: dict) -> Iterator[dict]:
    for number, rounds in enumerate(zip(*courses, strict=True)):
        totals = {
            key: sum(getattr(each, key) for each in rounds) for key in Round.__dataclass_fields__
        }
        rate = wilson(totals["errors"], totals["n"])
        condition = "control" if shared["attack"] == UNPROTECTED else "cloaked"
        yield (
            shared
            | {"recogniser": "DynamicGallery", "condition": condition, "whose": "user"}
            | {"user": "all", "users": len(courses), "round": number}
            | totals
            | {"error": rate.value, "low": rate.low, "high": rate.high}
            | {"errors_by_user": [each.errors for each in rounds]}
        )

"""Gallery growth: what is left of a cloak when the tracker keeps what it recognises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache
from poisonlib.defenses import DynamicGallery, choose_threshold
from poisonlib.defenses.gallery import FALSE_ADDS
from poisonlib.extractors import embed
from poisonlib.photos import Photos
from poisonlib.statistics import wilson
from poisonlib.tools import BASELINE, paper_tools
from poisonlib.trial import Progress, as_published, choose_users, split

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
    """A user's standing after a round.

    Attributes:
        errors: of the user's test photographs that are misnamed.
        n: of them.
        own: clean photographs of the user that have been kept under the user's name so far.
        lost: those kept under another name.
        taken: other people's photographs kept under the user's name.
        others_right, others_wrong: other people's photographs kept, by whether under their own.

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


def growth(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools, and no cloak, x extractors, leaks and thresholds, round after round.

    A gallery holds ``SHARED`` photographs of the user, cloaked but for those that leaked, and all
    training photographs of everybody else. Each round brings one clean photograph of the user, of
    those that were never shared, and ``DISTRACTORS`` test photographs of others.

    Rows are all users together, those of a trial with ``leaked``, ``false_adds``, ``round`` and the
    counts of a :class:`~studio.studies.growth.Round` beside them; ``errors_by_user`` keeps
    the users apart.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("growth").table
        >>> sorted(rows["leaked"].unique().tolist())
        [0, 1]
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    test = split(photos.labels, seed=seed)
    chosen = choose_users(photos, users, seed=seed)
    tools = paper_tools(public, cache=cache or CloakCache())
    cloaks: dict[str, dict[int, Tensor]] = {UNPROTECTED: {}}
    for tool, attack in tools.items():
        mine = {user: photos.images[(photos.labels == user) & ~test] for user in chosen}
        made = {user: attack(mine[user], seed=seed + user).images for user in chosen}
        cloaks[tool] = {user: images[:SHARED] for user, images in made.items()}
    settings = [
        (tool, leaked, share)
        for tool, leaked, share in itertools.product(cloaks, LEAKED, FALSE_ADDS)
        if tool != UNPROTECTED or leaked == 0
    ]
    for done, name in enumerate(WATCHED):
        if progress is not None:
            progress(done, len(WATCHED), f"growing before {name}")
        extractor = extractors.load(name)
        rows, known = embed(extractor, photos.images), embed(extractor, public.images)
        limits = {
            share: choose_threshold(extractor, public, false_adds=share, embeddings=known)
            for share in FALSE_ADDS
        }
        worn = {
            tool: {user: embed(extractor, images) for user, images in of_users.items()}
            for tool, of_users in cloaks.items()
        }
        for tool, leaked, share in settings:
            courses = [
                course(
                    DynamicGallery(extractor, threshold=limits[share]),
                    photos,
                    rows,
                    test,
                    user,
                    worn[tool].get(user),
                    leaked=leaked,
                    seed=seed + user,
                )
                for user in chosen
            ]
            shared = {"attack": tool, "extractor": name, "leaked": leaked}
            yield from _pooled(courses, shared | {"false_adds": share, "threshold": limits[share]})
    if progress is not None:
        progress(len(WATCHED), len(WATCHED), "done")


def course(
    tracker: DynamicGallery,
    photos: Photos,
    rows: Tensor,
    test: Tensor,
    user: int,
    worn: Tensor | None,
    *,
    leaked: int,
    seed: int,
) -> list[Round]:
    """How one user fares, from the gallery as it was to the end of the stream.

    Args:
        tracker: fitted here.
        photos: of everybody, with their ``rows`` ``(n, d)`` and which are for ``test`` ``(n,)``.
        user: whose label.
        worn: ``(SHARED, d)`` rows of the user's cloaked photographs; None for no cloak.
        leaked: how many of them, the last ones, are in the gallery as they were taken.
        seed: of which distractors come when.

    Returns:
        one entry for the beginning and one for each round.
    """
    mine, labels = photos.labels == user, photos.labels
    training = torch.nonzero(mine & ~test)[:, 0]
    shared = rows[training[:SHARED]].clone()
    if worn is not None:
        shared[: SHARED - leaked] = worn[: SHARED - leaked]
    gallery = ~mine & ~test
    tracker.fit_embeddings(
        torch.cat([rows[gallery], shared]),
        torch.cat([labels[gallery], torch.full((len(shared),), user)]),
    )
    others = torch.nonzero(~mine & test)[:, 0]
    order = torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))
    stream = training[SHARED:]
    waiting = others[order][: DISTRACTORS * len(stream)].split(DISTRACTORS)
    probes = rows[mine & test]

    def standing(own: int, lost: int, taken: int, right: int, wrong: int) -> Round:
        errors = int((tracker.predict_embeddings(probes) != user).sum())
        return Round(errors, len(probes), own, lost, taken, right, wrong)

    counts = [0, 0, 0, 0, 0]
    history = [standing(*counts)]
    for clean, distractors in zip(stream, waiting, strict=True):
        kept = tracker.observe_embeddings(rows[torch.cat([clean[None], distractors])])
        name, names, truth = int(kept[0]), kept[1:], labels[distractors]
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

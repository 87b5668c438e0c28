"""Two models together: the answers of both, query by query, so that rules can be compared.

The outcome of each rule is computed by :mod:`studio.studies.outcomes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import Attack
from poisonlib.defenses import choose_threshold
from poisonlib.defenses.combined import CHOOSERS, PAIRS, SHARE, model
from poisonlib.defenses.gallery import distances_to_others
from poisonlib.extractors import CachedExtractor, Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import as_published, choose_users, cloak_user, split
from studio.studies.outcomes import UNPROTECTED
from studio.studies.study import Run

Cloaks = Mapping[tuple[str, int], Tensor]
"""By tool and user: the user's cloaked training photographs ``(k, 3, h, w)``."""

#: Shares of photographs of absent people that the accurate model may answer.
SHARES = (0.005, 0.01, SHARE, 0.05, 0.1, 0.2, 0.5)
DRAWS = 2000


def combined(run: Run) -> Iterator[dict]:
    """The paper's tools, and no cloak, against pairs of models, by 1-NN.

    Rows are of two kinds, told apart by ``part``; each has ``pair``, and each list is in the order
    of the photographs:

    - ``"queries"``: a person's clean test photographs, everybody's for the tool ``"no cloak"`` and
      then each user's for each tool: for either model whether it is ``right`` and how far its
      nearest neighbour is (``distance``), and whether both give the ``same`` name;
    - ``"thresholds"``: for each ``share`` the ``threshold`` at which the accurate model answers
      such a share of photographs of absent people, with its 95 % interval over people, and the
      robust model's ``reject``, at which that one does.

    The extractors ``magface-2021``, ``arcface-2019`` and ``robust-clip-2021`` were not trained on
    the public people here; the adapted one and the denoiser were, so that these two know them
    better than strangers.
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    cloaks = cloak_users(run.tools(), photos, users=run.users, seed=run.seed)
    names = dict.fromkeys(itertools.chain(*PAIRS.values()))
    models = {name: CachedExtractor(model(name)) for name in names}
    for done, (pair, (accurate, robust)) in enumerate(PAIRS.items()):
        run.progress(done, len(PAIRS), f"embedding with {accurate} and {robust}")
        both = (models[accurate], models[robust])
        yield from ({"pair": pair} | row for row in observe(photos, public, both, cloaks, run.seed))


def cloak_users(tools: Mapping[str, Attack], photos: Photos, *, users: int, seed: int) -> Cloaks:
    """The cloaks of a trial of the same photographs, users and seed."""
    test, chosen = split(photos.labels, seed=seed), choose_users(photos, users, seed=seed)
    return {
        (tool, user): cloak_user(attack, photos, user, test=test, seed=seed).images
        for (tool, attack), user in itertools.product(tools.items(), chosen)
    }


def observe(
    photos: Photos,
    public: Photos,
    models: tuple[Extractor, Extractor],
    cloaks: Cloaks,
    seed: int,
    *,
    choosers: int = CHOOSERS,
) -> Iterator[dict]:
    """The rows of :func:`combined` for one pair.

    Args:
        photos: of the people in the gallery, with the users among them.
        public: of other people.
        models: the accurate and the robust extractor.
        cloaks: of the users.
        seed: of the split into gallery and queries, and of the thresholds' intervals.
        choosers: how many public people choose thresholds.
    """
    labels, test = photos.labels, split(photos.labels, seed=seed)
    yield from _thresholds(models, public.of_people(public.people[:choosers]), seed=seed)
    embedded = [embed(each, photos.images) for each in models]

    def answers(cloaked: Tensor | None = None, user: int | None = None) -> list:
        """Names ``(q,)`` and distances ``(q,)`` of the queries, by either model."""
        both = []
        for each, clean in zip(models, embedded, strict=True):
            gallery = clean.clone()
            if cloaked is not None:
                gallery[(labels == user) & ~test] = embed(each, cloaked)
            nearest = NearestNeighbour(each).fit_embeddings(gallery[~test], labels[~test])
            index, distance = nearest.neighbours(clean[test])
            both.append((nearest.labels_[index], distance))
        return both

    def row(tool: str, person: int, given: list) -> dict:
        which = labels[test] == person
        (first, near), (second, far) = [(name[which], away[which]) for name, away in given]
        return {
            "part": "queries",
            "tool": tool,
            "person": photos.names[person],
            "wearer": person in users,
            "accurate_right": (first == person).int().tolist(),
            "accurate_distance": _rounded(near),
            "robust_right": (second == person).int().tolist(),
            "robust_distance": _rounded(far),
            "same": (first == second).int().tolist(),
        }

    users, bare = {user for _, user in cloaks}, answers()
    yield from (row(UNPROTECTED, person, bare) for person in photos.people)
    for (tool, user), images in cloaks.items():
        yield row(tool, user, answers(images, user))


def _thresholds(
    models: tuple[Extractor, Extractor], absent: Photos, *, seed: int
) -> Iterator[dict]:
    embedded = [embed(each, absent.images) for each in models]
    distances = distances_to_others(embedded[0], absent.labels)
    draw = np.random.default_rng(seed)
    of_person = [distances[absent.labels == person].numpy() for person in absent.people]
    drawn = draw.integers(len(of_person), size=(DRAWS, len(of_person)))
    pooled = [np.concatenate([of_person[one] for one in sample]) for sample in drawn]
    for share in SHARES:
        threshold, reject = (
            choose_threshold(each, absent, false_adds=share, embeddings=known)
            for each, known in zip(models, embedded, strict=True)
        )
        low, high = np.quantile([np.quantile(each, share) for each in pooled], [0.025, 0.975])
        about = {"part": "thresholds", "share": share, "threshold": threshold, "reject": reject}
        yield about | {"low": float(low), "high": float(high)}


def _rounded(distances: Tensor) -> list[float]:
    return [round(value, 4) for value in distances.tolist()]

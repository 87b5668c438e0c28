"""Two models together: the answers of both, query by query, so that rules can be compared.

What a rule makes of the answers is computed by :mod:`studio.studies.outcomes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import Attack
from poisonlib.defenses import choose_threshold
from poisonlib.defenses.combined import CHOOSERS, PAIRS, SHARE, model
from poisonlib.defenses.gallery import distances_to_others
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import as_published, choose_users, cloak_user, split
from studio.studies.outcomes import UNPROTECTED
from studio.studies.study import Run

#: Shares of photographs of absent people that the accurate model may answer.
SHARES = (0.005, 0.01, SHARE, 0.05, 0.1, 0.2, 0.5)
DRAWS = 2000


@dataclass(frozen=True)
class Embedded:
    """Everybody's photographs as one extractor sees them.

    Attributes:
        extractor: which one.
        users: ``(n, d)``, of the people in the gallery, as they were taken.
        public: ``(m, d)``, of other people.
        cloaked: by tool and user, ``(k, d)``, of the user's cloaked training photographs.
    """

    extractor: Extractor
    users: Tensor
    public: Tensor
    cloaked: Mapping[tuple[str, int], Tensor]


def combined(run: Run) -> Iterator[dict]:
    """The paper's tools, and no cloak, against pairs of models, by 1-NN.

    Rows are of these kinds, told apart by ``part``; each has ``pair``, and each list is in the
    order of the photographs:

    - ``"queries"``: a person's clean test photographs, everybody's for the tool ``"no cloak"`` and
      then each user's for each tool they wear: for either model whether it is ``right`` and how
      far its nearest neighbour is (``distance``), and whether both give the ``same`` name;
    - ``"others"``: the other people's photographs while a user wears a tool, all turns together:
      how many of ``n`` either model, or both, or the two with the threshold of each ``share`` get
      wrong, and how many need the second model;
    - ``"absent"``: a public person's photographs against the other public people, for thresholds;
    - ``"strangers"``: another public person's photographs against everybody in the gallery;
    - ``"thresholds"``: for each ``share`` the ``threshold`` at which the accurate model answers
      such a share of the absent people's photographs, with its 95 % interval over people, and the
      robust model's ``reject``, at which that one does.

    The extractors ``magface-2021``, ``arcface-2019`` and ``robust-clip-2021`` have learnt from none
    of the public people here; the adapted one has, and the denoiser, so that these two know them
    better than strangers.
    """
    photos, public = as_published(people.load("users")), as_published(people.load("public"))
    cloaks = cloaked(run.tools(), photos, users=run.users, seed=run.seed)
    seen: dict[str, Embedded] = {}
    for done, (pair, names) in enumerate(PAIRS.items()):
        for name in names:
            if name not in seen:
                run.progress(done, len(PAIRS), f"embedding with {name}")
                seen[name] = embedded(model(name), photos, public, cloaks)
        models = tuple(seen[name] for name in names)
        for row in observe(photos, public, models, seed=run.seed):
            yield {"pair": pair} | row
    run.progress(len(PAIRS), len(PAIRS), "done")


def cloaked(
    tools: Mapping[str, Attack], photos: Photos, *, users: int, seed: int
) -> dict[tuple[str, int], Tensor]:
    """By tool and user: the user's cloaked training photographs ``(k, 3, h, w)``.

    They are those of a trial of the same photographs, users and seed.
    """
    test, chosen = split(photos.labels, seed=seed), choose_users(photos, users, seed=seed)
    return {
        (tool, user): cloak_user(attack, photos, user, test=test, seed=seed).images
        for (tool, attack), user in itertools.product(tools.items(), chosen)
    }


def embedded(
    extractor: Extractor,
    photos: Photos,
    public: Photos,
    cloaks: Mapping[tuple[str, int], Tensor],
    *,
    embeddings: Tensor | None = None,
) -> Embedded:
    """Embed everybody once.

    Args:
        photos, public: as published.
        cloaks: of :func:`cloaked`.
        embeddings: ``(n, d)``, what ``embed(extractor, photos.images)`` returns, if it is at hand.
    """
    of_cloaks = {key: embed(extractor, images) for key, images in cloaks.items()}
    embeddings = embed(extractor, photos.images) if embeddings is None else embeddings
    return Embedded(extractor, embeddings, embed(extractor, public.images), of_cloaks)


def observe(
    photos: Photos,
    public: Photos,
    models: tuple[Embedded, Embedded],
    *,
    seed: int,
    choosers: int = CHOOSERS,
) -> Iterator[dict]:
    """The rows of :func:`combined` for one pair.

    Args:
        photos: of the people in the gallery, with the users among them.
        public: of other people.
        models: what the accurate and the robust extractor make of them.
        seed: of the split into gallery and queries, and of the thresholds' intervals.
        choosers: how many public people choose thresholds.
    """
    labels, test = photos.labels, split(photos.labels, seed=seed)
    truth = labels[test]
    first = torch.isin(public.labels, torch.tensor(public.people[:choosers]))
    limits = list(_thresholds(models, public, first, seed=seed))
    yield from limits
    absent = [distances_to_others(each.public[first], public.labels[first]) for each in models]
    yield from _by_person("absent", public.subset(first), absent)
    bare = [_answers(each, each.users, photos, test, each.users[test]) for each in models]
    strangers = [_answers(each, each.users, photos, test, each.public[~first]) for each in models]
    yield from _by_person("strangers", public.subset(~first), [far for _, far in strangers])
    wearers = list(dict.fromkeys(user for _, user in models[0].cloaked))
    for person in photos.people:
        who = {"tool": UNPROTECTED, "person": photos.names[person], "wearer": person in wearers}
        yield who | _queries(bare, truth == person, person)
    for tool, turns in itertools.groupby(models[0].cloaked, key=lambda key: key[0]):
        others: dict[float, np.ndarray] = {limit["share"]: np.zeros(6, int) for limit in limits}
        for _, user in turns:
            answers = []
            for each in models:
                embeddings = each.users.clone()
                embeddings[(labels == user) & ~test] = each.cloaked[tool, user]
                answers.append(_answers(each, embeddings, photos, test, each.users[test]))
            who = {"tool": tool, "person": photos.names[user], "wearer": True}
            yield who | _queries(answers, truth == user, user)
            for limit in limits:
                others[limit["share"]] += _others(answers, truth, user, limit["threshold"])
        for share, counts in others.items():
            about = {"part": "others", "tool": tool, "share": share, "turns": len(wearers)}
            yield about | dict(zip(OTHERS, counts.tolist(), strict=True))


OTHERS = ("accurate_errors", "robust_errors", "both_errors", "errors", "consulted", "n")


def _answers(
    each: Embedded, embeddings: Tensor, photos: Photos, test: Tensor, queries: Tensor
) -> tuple[Tensor, Tensor]:
    """Names ``(q,)`` and distances ``(q,)`` of queries, the gallery being all but ``test``."""
    nearest = NearestNeighbour(each.extractor).fit_embeddings(
        embeddings[~test], photos.labels[~test]
    )
    index, distance = nearest.neighbours(queries)
    return nearest.labels_[index], distance


def _queries(answers: list[tuple[Tensor, Tensor]], which: Tensor, person: int) -> dict:
    (first, near), (second, far) = answers
    return {
        "part": "queries",
        "accurate_right": (first[which] == person).int().tolist(),
        "accurate_distance": _rounded(near[which]),
        "robust_right": (second[which] == person).int().tolist(),
        "robust_distance": _rounded(far[which]),
        "same": (first == second)[which].int().tolist(),
    }


def _others(
    answers: list[tuple[Tensor, Tensor]], truth: Tensor, user: int, threshold: float
) -> np.ndarray:
    """The counts of ``OTHERS`` for the queries of all but the user."""
    (first, near), (second, _) = answers
    wrong, wrong_again, consulted = first != truth, second != truth, near > threshold
    counted = (
        wrong,
        wrong_again,
        wrong & wrong_again,
        torch.where(consulted, wrong_again, wrong),
        consulted,
        torch.ones_like(wrong),
    )
    return np.array([int(each[truth != user].sum()) for each in counted])


def _thresholds(
    models: tuple[Embedded, Embedded], public: Photos, first: Tensor, *, seed: int
) -> Iterator[dict]:
    chosen_on = public.subset(first)
    distances = [distances_to_others(each.public[first], chosen_on.labels) for each in models]
    draw = np.random.default_rng(seed)
    of_person = [distances[0][chosen_on.labels == person].numpy() for person in chosen_on.people]
    drawn = draw.integers(len(of_person), size=(DRAWS, len(of_person)))
    pooled = [np.concatenate([of_person[one] for one in sample]) for sample in drawn]
    for share in SHARES:
        limits = [
            choose_threshold(
                each.extractor, chosen_on, false_adds=share, embeddings=each.public[first]
            )
            for each in models
        ]
        low, high = np.quantile([np.quantile(each, share) for each in pooled], [0.025, 0.975])
        about = {"part": "thresholds", "share": share, "threshold": limits[0], "reject": limits[1]}
        yield about | {"low": float(low), "high": float(high)}


def _by_person(part: str, public: Photos, distances: list[Tensor]) -> Iterator[dict]:
    for person in public.people:
        which = public.labels == person
        near, far = (_rounded(each[which]) for each in distances)
        who = {"part": part, "person": public.names[person]}
        yield who | {"accurate_distance": near, "robust_distance": far}


def _rounded(distances: Tensor) -> list[float]:
    return [round(value, 4) for value in distances.tolist()]

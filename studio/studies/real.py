"""Both worlds: rendered people and real photographs, before our extractors and real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib import extractors, people
from poisonlib.attacks import Attack, CloakCache
from poisonlib.defenses import choose_threshold
from poisonlib.defenses.combined import SHARE
from poisonlib.extractors import embed
from poisonlib.generations import pooled
from poisonlib.photos import Photos
from poisonlib.recognition import EndToEnd, Linear, NearestNeighbour
from poisonlib.trial import Progress, Trial, as_published, choose_users, split
from studio.studies.real_tools import ON_REAL, REAL, lowkey_on_real, tools_with_a_real_one
from workbench.extractors import load, pretrained
from workbench.photos import lfw

if TYPE_CHECKING:
    import pandas

LFW, PEOPLE = "LFW", "people"
SECOND = ("edgeface-2023", "dlib-2017")
"""The real extractors that stand beside ``REAL`` in a system of two models."""
AT_MOST = {(PEOPLE, ON_REAL): 6}
"""Fewer users than the others have: these cloaks take six seconds of one core a photograph."""
FINE_TUNED = 24
"""How many people the gallery holds that a real extractor is fine-tuned on for every user anew."""


def photographs() -> Mapping[str, Photos]:
    """The rendered users, and LFW where it is on this machine."""
    try:
        return {PEOPLE: people.load("users")} | real_photographs()
    except FileNotFoundError:
        return {PEOPLE: people.load("users")}


def real_photographs() -> Mapping[str, Photos]:
    """LFW, its people numbered and not named.

    Raises:
        FileNotFoundError: it is not on this machine.
    """
    known = lfw()
    numbered = tuple(f"LFW {number:02}" for number in range(len(known.names)))
    return {LFW: Photos(known.images, known.labels, numbered)}


def both_worlds(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Tools x extractors, ours and real ones, x rendered and real people.

    By 1-NN, and before ``REAL`` also by a linear classifier. The paper's tools are crafted on
    shipped extractors, and once more LowKey on ``REAL``. Against this last cloak two models
    stand, ``REAL`` and each of ``SECOND``. Famous people's photographs were in the training
    data of most real extractors, so this is identification within a closed set and says nothing
    about strangers.

    Rows are those of a trial, with ``photographs`` beside them; other people's are there for the
    gallery without cloaks only. Rows of two models have the ``threshold``, where there is one.

    Raises:
        FileNotFoundError: no real extractor is on this machine.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("real").table
        >>> sorted(rows["recogniser"].unique())[:2]
        ['1-NN', 'Top-2 with dlib-2017']
    """
    _require_real()
    tools = tools_with_a_real_one(people.load("public"), cache=cache)
    for source, found in photographs().items():
        shown = as_published(found)
        rows: dict[str, Tensor] = {}
        for name in line_up():
            if progress is not None:
                progress(0, users, f"embedding {source} with {name}")
            extractor = load(name)
            rows[name] = embed(extractor, shown.images, batch_size=64)
            kinds = {"1-NN": NearestNeighbour} | ({"linear": Linear} if name == REAL else {})
            for (tool, attack), kind in itertools.product(tools.items(), kinds):
                trial = Trial(attack, extractor, kinds[kind], name=tool)
                some = min(users, AT_MOST.get((source, tool), users))
                result = trial.run(
                    shown, users=some, seed=seed, embeddings=rows[name], progress=progress
                )
                yield from _told(result.table, source, recogniser=kind)
        if REAL in rows:
            some = min(users, AT_MOST.get((source, ON_REAL), users))
            chosen = choose_users(shown, some, seed=seed)
            yield from _two_models(tools[ON_REAL], shown, rows, source, chosen, seed=seed)


def real_end_to_end(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """LowKey crafted on a real extractor, which is then fine-tuned on the gallery, cloaks and all.

    On real photographs. The network is trained anew in every user's turn, so the gallery is a small
    one: the users and as many others as make ``FINE_TUNED`` people. 1-NN on the same gallery
    stands beside it.

    Raises:
        FileNotFoundError: the real extractor or LFW is not on this machine.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("real-end-to-end").table
        >>> sorted(rows["recogniser"].unique())
        ['1-NN', 'end-to-end']
    """
    _require_real(REAL)
    attack = lowkey_on_real(people.load("public"), cache=cache)[ON_REAL]
    extractor = load(REAL)
    shown = as_published(real_photographs()[LFW])
    chosen = choose_users(shown, users, seed=seed)
    others = [person for person in shown.people if person not in chosen]
    few = torch.tensor(chosen + others[: FINE_TUNED - len(chosen)])
    inside, test = torch.isin(shown.labels, few), split(shown.labels, seed=seed)
    known, asked = inside & ~test, inside & test
    labels, truth = shown.labels[known], shown.labels[asked]
    for kind, recogniser in {"1-NN": NearestNeighbour, "end-to-end": EndToEnd}.items():
        for done, user in enumerate([None, *chosen]):
            if progress is not None:
                progress(done, 1 + len(chosen), f"{kind} on {LFW}")
            gallery = shown.images[known]
            if user is not None:
                gallery[labels == user] = attack(gallery[labels == user], seed=seed + user).images
            model = recogniser(extractor).fit(gallery, labels)
            wrong = model.predict(shown.images[asked]) != truth
            said = {"attack": ON_REAL, "extractor": REAL, "recogniser": kind}
            for row in _turn(said, wrong, truth, user, chosen, shown.names):
                yield row | {"photographs": LFW}


def by_photographs(table: pandas.DataFrame) -> pandas.DataFrame:
    """The summary of a trial table, apart for each set of photographs."""
    return pooled(table, ["photographs"])


def line_up() -> list[str]:
    """Every extractor that is here: the real ones, ours, and those adapted to cloaks."""
    return [*pretrained.available(), *extractors.names(), *extractors.names(adapted=True)]


def _require_real(name: str | None = None) -> None:
    if not pretrained.available() if name is None else not pretrained.is_available(name):
        raise FileNotFoundError(
            f"{name or 'no real extractor'} is not on this machine; see python -m poisonlib assets "
            "list, or for dlib-2017 run pip install -e '.[real]' in the book's folder"
        )


def _told(table: pandas.DataFrame, source: str, *, recogniser: str) -> list[dict]:
    """The rows of a trial that are kept: other people only where nobody cloaks."""
    kept = table[(table["whose"] == "user") | (table["condition"] == "control")]
    kept = kept.drop(columns=["lpips", "linf"]).assign(recogniser=recogniser, photographs=source)
    return kept.round({"error": 4, "dssim": 4}).to_dict("records")


def _turn(
    said: dict, wrong: Tensor, truth: Tensor, user: int | None, chosen: list[int], names: tuple
) -> Iterator[dict]:
    """Rows as a trial's, of one gallery: a user's cloaked one, or the one without cloaks (None)."""
    sides = [("cloaked", user, "user", truth == user)]
    if user is None:
        sides = [
            ("control", person, whose, (truth == person) == (whose == "user"))
            for person in chosen
            for whose in ("user", "others")
        ]
    for condition, person, whose, side in sides:
        errors, n = int(wrong[side].sum()), int(side.sum())
        counts = {"errors": errors, "n": n, "error": round(errors / n, 4)}
        yield said | {"condition": condition, "user": names[person], "whose": whose} | counts


def _two_models(
    attack: Attack,
    shown: Photos,
    rows: Mapping[str, Tensor],
    source: str,
    chosen: list[int],
    *,
    seed: int,
) -> Iterator[dict]:
    """``REAL``, which a cloak fools, with each of ``SECOND``: both answers, or one of them.

    The threshold is chosen on the people of the gallery who are no users, so that of photographs of
    the absent the accurate model answers :data:`~poisonlib.defenses.combined.SHARE`.
    """
    models = {name: load(name) for name in (REAL, *SECOND) if name in rows}
    test = split(shown.labels, seed=seed)
    public = ~torch.isin(shown.labels, torch.tensor(chosen))
    threshold = choose_threshold(
        models[REAL], shown.subset(public), false_adds=SHARE, embeddings=rows[REAL][public]
    )
    truth = shown.labels[test]
    for user in [None, *chosen]:
        mine = (shown.labels == user) & ~test if user is not None else None
        worn = None if mine is None else attack(shown.images[mine], seed=seed + user).images
        wrong, sure = {}, None
        for name, extractor in models.items():
            gallery = rows[name].clone()
            if mine is not None:
                gallery[mine] = embed(extractor, worn)
            model = NearestNeighbour(extractor).fit_embeddings(gallery[~test], shown.labels[~test])
            index, distances = model.neighbours(rows[name][test])
            wrong[name] = model.labels_[index] != truth
            sure = distances <= threshold if name == REAL else sure
        for second in [name for name in models if name != REAL]:
            by_kind = {
                "Top-2": wrong[REAL] & wrong[second],
                "threshold": torch.where(sure, wrong[REAL], wrong[second]),
            }
            for kind, errors in by_kind.items():
                said = {"attack": ON_REAL, "extractor": REAL, "recogniser": f"{kind} with {second}"}
                for row in _turn(said, errors, truth, user, chosen, shown.names):
                    yield row | {"photographs": source, "threshold": round(threshold, 4)}

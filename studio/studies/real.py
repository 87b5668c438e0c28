"""Both worlds: rendered people and real photographs, against our extractors and real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch

from poisonlib import extractors, people
from poisonlib.attacks import Attack, Cached, CloakCache, LowKey
from poisonlib.defenses import ConfidenceThreshold, Top2, choose_threshold
from poisonlib.defenses.combined import SHARE
from poisonlib.extractors import embed
from poisonlib.generations import pooled
from poisonlib.photos import Photos
from poisonlib.recognition import RECOGNISERS
from poisonlib.tools import paper_tools
from poisonlib.trial import Trial, as_published, choose_users, split
from studio.studies.study import Run
from workbench.extractors import load, pretrained
from workbench.photos import lfw

if TYPE_CHECKING:
    import pandas

#: The real extractor that a cloak is crafted on, and the tool's name.
REAL = "mobilefacenet-2019"
ON_REAL = f"LowKey on {REAL}"
LFW, PEOPLE = "LFW", "people"
SECOND = ("edgeface-2023", "dlib-2017")
"""The real extractors that stand beside ``REAL`` in a system of two models."""
AT_MOST = {(PEOPLE, ON_REAL): 6}
"""Fewer users than the others have: these cloaks take six seconds of one core a photograph."""
FINE_TUNED = 24
"""How many people are in the gallery on which a real extractor is fine-tuned for every user."""


def lowkey_on_real(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The strongest tool, crafted on a real extractor, which then knows all that an attacker could.

    Empty where that extractor is not on this machine.
    """
    if not pretrained.is_available(REAL):
        return {}
    attack = LowKey([load(REAL)])
    return {ON_REAL: attack if cache is None else Cached(attack, cache)}


def tools_with_a_real_one(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The paper's tools on our extractors, and the strongest one on a real extractor.

    Example:
        >>> import torch
        >>> from studio.studies.real import tools_with_a_real_one
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(tools_with_a_real_one(public))[:3]
        ['Fawkes v0.3', 'Fawkes v1.0', 'LowKey']
    """
    return paper_tools(public, cache=cache) | lowkey_on_real(public, cache=cache)


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


def line_up() -> list[str]:
    """Every extractor on this machine: the real ones, ours, and those adapted to cloaks."""
    return [*pretrained.available(), *extractors.names(), *extractors.names(adapted=True)]


def both_worlds(run: Run) -> Iterator[dict]:
    """Tools x extractors, ours and real ones, x rendered and real people.

    By 1-NN, and on ``REAL`` by a linear classifier, too. The paper's tools are crafted on shipped
    extractors, and LowKey once more on ``REAL``, whose cloaks also meet systems of two models:
    ``REAL`` and each of ``SECOND``. Famous people's photographs were in the training data of most
    real extractors, so this is identification within a closed set and says nothing about strangers.

    Rows are those of a trial, with ``photographs`` besides; other people's are recorded for the
    gallery without cloaks only. Rows of two models have the ``threshold``.

    Raises:
        FileNotFoundError: no real extractor is on this machine.
    """
    _require_real()
    tools = run.tools(tools_with_a_real_one)
    for source, photos in photographs().items():
        shown = as_published(photos)
        of_all, of_few = [], []
        for name in line_up():
            extractor = load(name)
            kinds = ("1-NN", "linear") if name == REAL else ("1-NN",)
            for (tool, attack), kind in itertools.product(tools.items(), kinds):
                about = {"extractor": name, "recogniser": kind, "photographs": source}
                case = Trial(attack, extractor, RECOGNISERS[kind], name=tool, columns=about)
                (of_few if tool == ON_REAL else of_all).append(case)
        yield from _recorded(run.trials(of_all, shown, name=source))
        few = min(run.users, AT_MOST.get((source, ON_REAL), run.users))
        if REAL in line_up():
            of_few += _two_models(tools[ON_REAL], shown, few, seed=run.seed, source=source)
            yield from _recorded(run.trials(of_few, shown, users=few, name=source))


def _two_models(
    attack: Attack, photos: Photos, users: int, *, seed: int, source: str
) -> Iterator[Trial]:
    """``REAL``, which a cloak fools, with each of ``SECOND``: both answers, or one of them.

    The threshold is chosen on the people of the gallery who are no users, so that of photographs of
    the absent the accurate model answers :data:`~poisonlib.defenses.combined.SHARE`.
    """
    models = {name: load(name) for name in (REAL, *SECOND) if name in line_up()}
    chosen = choose_users(photos, users, seed=seed)
    public = photos.subset(~torch.isin(photos.labels, torch.tensor(chosen)))
    known = embed(models[REAL], public.images)
    threshold = choose_threshold(models[REAL], public, false_adds=SHARE, embeddings=known)
    about = {"extractor": REAL, "photographs": source, "threshold": round(threshold, 4)}
    for second in list(models)[1:]:
        for kind, made in (
            ("Top-2", Top2.over(models[second])),
            ("threshold", ConfidenceThreshold.over(models[second], threshold=threshold)),
        ):
            columns = about | {"recogniser": f"{kind} with {second}"}
            yield Trial(attack, models[REAL], made, name=ON_REAL, columns=columns)


def real_end_to_end(run: Run) -> Iterator[dict]:
    """LowKey crafted on a real extractor, which is then fine-tuned on the gallery with the cloaks.

    On real photographs. The network is trained again for every user, so the gallery is a small
    one: the users and as many others as make ``FINE_TUNED`` people. 1-NN on the same gallery
    stands beside it.

    Raises:
        FileNotFoundError: the real extractor or LFW is not on this machine.
    """
    _require_real(REAL)
    attack, extractor = run.tools(lowkey_on_real)[ON_REAL], load(REAL)
    photos = as_published(real_photographs()[LFW])
    users = choose_users(photos, run.users, seed=run.seed)
    others = [person for person in photos.people if person not in users]
    gallery = torch.tensor(users + others[: FINE_TUNED - len(users)])
    inside, test = torch.isin(photos.labels, gallery), split(photos.labels, seed=run.seed)
    cases = []
    for kind in ("1-NN", "end-to-end"):
        about = {"extractor": REAL, "recogniser": kind, "photographs": LFW}
        cases.append(Trial(attack, extractor, RECOGNISERS[kind], name=ON_REAL, columns=about))
    few = photos.subset(inside)
    yield from _recorded(run.trials(cases, few, users=users, test=test[inside], name=LFW))


def by_photographs(table: pandas.DataFrame) -> pandas.DataFrame:
    """The summary of a trial table, apart for each set of photographs."""
    return pooled(table, ["photographs"])


def _require_real(name: str | None = None) -> None:
    if not pretrained.available() if name is None else not pretrained.is_available(name):
        raise FileNotFoundError(
            f"{name or 'no real extractor'} is not on this machine; see python -m poisonlib assets "
            "list, or for dlib-2017 run pip install -e '.[real]' in the book's folder"
        )


def _recorded(table: pandas.DataFrame) -> list[dict]:
    """The rows that are recorded: other people's only where nobody cloaks."""
    rows = table[(table["whose"] == "user") | (table["condition"] == "control")]
    rows = rows.drop(columns=["lpips", "linf"])
    return rows.round({"error": 4, "dssim": 4}).to_dict("records")

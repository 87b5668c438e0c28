"""Purification: the paper's tools against trainers who wash every photograph first."""

from __future__ import annotations

from collections.abc import Iterator

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache
from poisonlib.defenses import Purified, purifiers
from poisonlib.extractors import embed
from poisonlib.statistics import wilson
from poisonlib.tools import BASELINE, LATER, paper_tools
from poisonlib.trial import Progress, Trial, TrialResult, as_published

#: Two that the denoiser was trained with, and one that it never met.
JUDGED = (BASELINE, LATER, "magface-2021")


def purification(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools x every purifier x three extractors, by 1-NN.

    One row for each condition and side, all users together, with ``purifier`` beside the columns of
    a trial. Rows of the ``"control"`` condition say what a purifier costs when nobody cloaks; those
    with ``whose == "everybody"`` count the photographs of all people.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("purification").table
        >>> rows["purifier"].nunique() > 3
        True
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache or CloakCache())
    every = purifiers()
    for done, (name, purifier) in enumerate(every.items()):
        if progress is not None:
            progress(done, len(every), f"purifying: {name}")
        washed = photos.images if purifier is None else purifier(photos.images)
        for extractor in map(extractors.load, JUDGED):
            rows = embed(extractor, washed)
            judge = extractor if purifier is None else Purified(extractor, purifier)
            for tool, attack in tools.items():
                result = Trial(attack, judge, name=tool).run(
                    photos, users=users, seed=seed, embeddings=rows
                )
                for row in pooled(result):
                    yield row | {"extractor": extractor.card.name, "purifier": name}
    if progress is not None:
        progress(len(every), len(every), "done")


def pooled(result: TrialResult) -> Iterator[dict]:
    """The rows of a trial, all users together.

    Yields:
        the columns of :meth:`TrialResult.summary` with ``errors`` and ``user``, and a control row
        of ``"everybody"``.
    """
    for row in result.summary().to_dict("records"):
        yield row | {"errors": round(row["error"] * row["n"]), "user": "all"}
    table = result.table
    control = table[table["condition"] == "control"]
    turn = control[control["user"] == control["user"].iloc[0]]
    errors, n = int(turn["errors"].sum()), int(turn["n"].sum())
    first = turn.iloc[0]
    shared = {key: first[key] for key in ("attack", "extractor", "recogniser", "condition")}
    rate = wilson(errors, n)
    yield (
        shared
        | {"whose": "everybody", "user": "all", "errors": errors, "n": n}
        | {"error": rate.value, "low": rate.low, "high": rate.high}
    )

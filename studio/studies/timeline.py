"""The oblivious trainer: the same cloaks, met by one generation of extractors after another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache, Mixture
from poisonlib.extractors import embed
from poisonlib.tools import paper_tools
from poisonlib.trial import Progress, Trial, as_published

#: From which tool to which a user switches; "nothing" stands for unprotected photographs.
SWITCHES = (
    ("Fawkes v0.3", "Fawkes v1.0"),
    ("Fawkes v0.3", "LowKey"),
    ("nothing", "Fawkes v1.0"),
    ("nothing", "LowKey"),
)
SHARES = tuple(share / 10 for share in range(11))
"""Shares of a user's photographs that wear the newer cloak."""


def timeline(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools x every shipped extractor, by 1-NN.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("timeline").table
        >>> list(rows["extractor"].unique())[:2]
        ['softmax-2014', 'triplet-2015']
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache or CloakCache())
    for extractor in map(extractors.load, extractors.names()):
        rows = embed(extractor, photos.images)
        for tool, attack in tools.items():
            trial = Trial(attack, extractor, name=tool)
            result = trial.run(photos, users=users, seed=seed, embeddings=rows, progress=progress)
            yield from result.table.to_dict("records")


def switching(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Users who change tools: error as the share of newly cloaked photographs grows (1-NN).

    Rows are those of a trial, of the protected users only, with ``old``, ``new`` and ``share``
    beside them.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("switching").table
        >>> list(rows.columns)[-3:]
        ['old', 'new', 'share']
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache or CloakCache())
    for extractor in map(extractors.load, extractors.names()):
        rows = embed(extractor, photos.images)
        for (old, new), share in itertools.product(SWITCHES, SHARES):
            mixed = Mixture(tools.get(old), tools[new], share=share)
            trial = Trial(mixed, extractor, name=f"{old}, then {new}")
            result = trial.run(photos, users=users, seed=seed, embeddings=rows)
            mine = result.table[
                (result.table["whose"] == "user") & (result.table["condition"] == "cloaked")
            ].drop(columns=["dssim", "lpips", "linf"])
            yield from mine.assign(old=old, new=new, share=share).to_dict("records")
        if progress is not None:
            progress(1, 1, f"switching, judged by {extractor.card.name}")

"""The oblivious trainer: the same cloaks, met by one generation of extractors after another."""

from __future__ import annotations

from collections.abc import Iterator

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache, Mixture
from poisonlib.experiments.tools import paper_tools
from poisonlib.trial import Progress, Trial

#: From which tool to which a user switches; "nothing" stands for unprotected photographs.
SWITCHES = (
    ("Fawkes v0.3", "Fawkes v1.0"),
    ("Fawkes v0.3", "LowKey"),
    ("nothing", "Fawkes v1.0"),
    ("nothing", "LowKey"),
)
SHARES = tuple(share / 10 for share in range(11))


def timeline(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools x every shipped extractor, by 1-NN."""
    photos, public = people.load("users"), people.load("public")
    for tool, attack in paper_tools(public, cache=cache).items():
        for name in extractors.names():
            trial = Trial(attack, extractors.load(name), name=tool)
            result = trial.run(photos, users=users, seed=seed, progress=progress)
            yield from result.table.to_dict("records")


def switching(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Users who change tools: error as the share of newly cloaked photographs grows (1-NN).

    Rows are those of a trial, with ``old``, ``new`` and ``share`` beside them.
    """
    photos, public = people.load("users"), people.load("public")
    tools = paper_tools(public, cache=cache or CloakCache())
    for old, new in SWITCHES:
        for share in SHARES:
            mixed = Mixture(tools.get(old), tools[new], share=share)
            for name in extractors.names():
                trial = Trial(mixed, extractors.load(name), name=f"{old}, then {new}")
                result = trial.run(photos, users=users, seed=seed, progress=progress)
                mine = result.table[result.table["whose"] == "user"]
                yield from mine.assign(old=old, new=new, share=share).to_dict("records")

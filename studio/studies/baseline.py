"""What the tools achieve while the trainer stands still: the paper's baseline and its price."""

from __future__ import annotations

from collections.abc import Iterator

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache
from poisonlib.recognition import RECOGNISERS
from poisonlib.tools import BASELINE, LATER, paper_tools, weaker_tools
from poisonlib.trial import Progress, Trial


def baseline(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Three tools x three recognisers on the baseline generation, and 1-NN on the later one.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("baseline").table
        >>> sorted(rows["attack"].unique())
        ['Fawkes v0.3', 'Fawkes v1.0', 'LowKey']
    """
    photos, public = people.load("users"), people.load("public")
    for tool, attack in paper_tools(public, cache=cache).items():
        judged = [(BASELINE, kind) for kind in RECOGNISERS] + [(LATER, "1-NN")]
        for extractor, kind in judged:
            trial = Trial(attack, extractors.load(extractor), RECOGNISERS[kind], name=tool)
            result = trial.run(photos, users=users, seed=seed, progress=progress)
            yield from result.table.assign(recogniser=kind).to_dict("records")


def budget(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Every strength of every tool: how visible the change, how good the protection (1-NN).

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("budget").table
        >>> rows["attack"].nunique(), list(rows["extractor"].unique())
        (11, ['softmax-2014'])
    """
    photos, public = people.load("users"), people.load("public")
    tracker = extractors.load(BASELINE)
    for tool, attack in weaker_tools(public, cache=cache).items():
        trial = Trial(attack, tracker, name=tool)
        result = trial.run(photos, users=users, seed=seed, progress=progress)
        yield from result.table.to_dict("records")

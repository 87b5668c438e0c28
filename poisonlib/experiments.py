"""The recorded experiments: the paper's tools at full strength, against the shipped recognisers.

Each experiment is a function from settings to rows of a tidy table. The ``record`` command runs
one and keeps its rows with their provenance; a chapter runs a smaller one live and shows the
recorded one beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import torch

from poisonlib import extractors, people
from poisonlib.attacks import Attack, Cached, CloakCache, FawkesV03, FawkesV1, LowKey
from poisonlib.photos import Photos
from poisonlib.recognition import EndToEnd, Linear, NearestNeighbour
from poisonlib.trial import MakeRecogniser, Progress, Trial, as_published, choose_users, split

#: The recogniser generation of the paper's baseline, and a later one the baseline's cloaks meet.
BASELINE, LATER = "softmax-2014", "arcface-2019"

RECOGNISERS: Mapping[str, MakeRecogniser] = {
    "1-NN": NearestNeighbour,
    "linear": Linear,
    "end-to-end": EndToEnd,
}


def paper_tools(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """Fawkes v0.3, Fawkes v1.0 and LowKey, each at full strength and on its own surrogates.

    Fawkes v0.3 is crafted on the baseline generation alone, as the original was; v1.0 on two
    extractors, and LowKey on an ensemble, both of which here are the two shipped generations.

    Args:
        public: other people's photographs; v0.3 picks its target identity among them.
        cache: keeps the cloaks, if given.
    """
    baseline, later = extractors.load(BASELINE), extractors.load(LATER)
    tools: dict[str, Attack] = {
        "Fawkes v0.3": FawkesV03([baseline], targets=public, mode="high"),
        "Fawkes v1.0": FawkesV1([later, baseline], mode="high"),
        "LowKey": LowKey([later, baseline]),
    }
    return _kept(tools, cache)


def _kept(tools: dict[str, Attack], cache: CloakCache | None) -> dict[str, Attack]:
    if cache is None:
        return tools
    return {name: Cached(attack, cache) for name, attack in tools.items()}


def weaker_tools(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The same tools at every strength their authors offer, by name and mode."""
    baseline, later = extractors.load(BASELINE), extractors.load(LATER)
    tools: dict[str, Attack] = {}
    for mode in ("min", "low", "mid", "high"):
        tools[f"Fawkes v0.3 {mode}"] = FawkesV03([baseline], targets=public, mode=mode)
    for mode in ("low", "mid", "high"):
        tools[f"Fawkes v1.0 {mode}"] = FawkesV1([later, baseline], mode=mode)
    for steps in (5, 10, 20, 50):
        tools[f"LowKey {steps} steps"] = LowKey([later, baseline], steps=steps)
    return _kept(tools, cache)


def baseline(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """Three tools x three recognisers on the baseline generation, and 1-NN on the later one."""
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
    """Every strength of every tool: how visible the change, how good the protection (1-NN)."""
    photos, public = people.load("users"), people.load("public")
    tracker = extractors.load(BASELINE)
    for tool, attack in weaker_tools(public, cache=cache).items():
        trial = Trial(attack, tracker, name=tool)
        result = trial.run(photos, users=users, seed=seed, progress=progress)
        yield from result.table.to_dict("records")


EXPERIMENTS = {"baseline": baseline, "budget": budget}
TOOLS: Mapping[str, Callable[..., dict[str, Attack]]] = {
    "baseline": paper_tools,
    "budget": weaker_tools,
}


def cloak_ahead(
    experiment: str, *, users: int, seed: int, processes: int, progress: Progress | None = None
) -> None:
    """Make all cloaks of an experiment in several processes, into the default cache.

    The experiment itself then finds them there. Killed at any time, it has lost at most the
    cloaks being made.
    """
    from joblib import Parallel, delayed

    chosen = choose_users(people.load("users"), users, seed=seed)
    tools = list(TOOLS[experiment](people.load("public")))
    jobs = [(tool, user) for tool in tools for user in chosen]
    run = Parallel(n_jobs=processes, return_as="generator_unordered")
    done = run(delayed(_cloak_one)(experiment, tool, user, seed) for tool, user in jobs)
    for count, what in enumerate(done):
        if progress is not None:
            progress(count + 1, len(jobs), what)


def _cloak_one(experiment: str, tool: str, user: int, seed: int) -> str:
    torch.set_num_threads(1)
    tools, photos, test = _materials(experiment, seed)
    mine = (photos.labels == user) & ~test
    tools[tool](photos.images[mine], seed=seed + user)
    return f"{tool} for {photos.names[user]}"


@functools.cache
def _materials(experiment: str, seed: int) -> tuple[dict[str, Attack], Photos, torch.Tensor]:
    """What a worker process needs, loaded once in each."""
    photos = as_published(people.load("users"))
    tools = TOOLS[experiment](people.load("public"), cache=CloakCache())
    return tools, photos, split(photos.labels, seed=seed)

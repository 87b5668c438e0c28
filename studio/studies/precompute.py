"""Make the cloaks of an experiment ahead of it, in several processes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from poisonlib import people
from poisonlib.attacks import Attack, CloakCache
from poisonlib.photos import Photos
from poisonlib.trial import Progress, as_published, choose_users, split, summarise

if TYPE_CHECKING:
    import pandas


def users_of_the_miniature() -> Mapping[str, Photos]:
    """The shipped synthetic users, under the name by which tables call them."""
    return {"people": people.load("users")}


@dataclass(frozen=True)
class Experiment:
    """A recorded experiment.

    Attributes:
        rows: called with ``users, seed, cache, progress``, yields rows of a tidy table.
        tools: the attacks by name, given public people's photographs and a ``cache``.
        photographs: loads the sets of photographs that users are drawn from, by name.
        at_most: how many users a tool has in a set of photographs, (set, tool), where its cloaks
            take too long to make them for all.
        summary: from the table of all rows to the one that is printed.

    Example:
        >>> from studio.studies import EXPERIMENTS
        >>> experiment = EXPERIMENTS["budget"]
        >>> experiment.rows.__name__, experiment.tools.__name__
        ('budget', 'weaker_tools')
    """

    rows: Callable[..., Iterator[dict]]
    tools: Callable[..., dict[str, Attack]]
    photographs: Callable[[], Mapping[str, Photos]] = users_of_the_miniature
    at_most: Mapping[tuple[str, str], int] = field(default_factory=dict, hash=False)
    summary: Callable[[pandas.DataFrame], pandas.DataFrame] = summarise


def precompute_cloaks(
    experiment: Experiment,
    *,
    users: int,
    seed: int,
    processes: int,
    progress: Progress | None = None,
) -> None:
    """Make all cloaks of an experiment in several processes, into the default cache.

    The experiment itself then finds them there. Killed at any time, it has lost at most the
    cloaks being made.

    Example:
        An experiment on two users, with a tool that costs nothing:

        >>> import torch
        >>> from poisonlib.attacks import Cached, CloakCache, Unperturbed
        >>> from studio.studies.precompute import Experiment, precompute_cloaks
        >>> def tools(public, *, cache=None):
        ...     return {"control": Cached(Unperturbed(), cache or CloakCache())}
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(8, 3, 32, 32), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> experiment = Experiment(lambda **settings: iter([]), tools, lambda: {"mine": photos})
        >>> def tell(done, total, what):
        ...     print(done, "of", total)
        >>> precompute_cloaks(experiment, users=2, seed=0, processes=1, progress=tell)
        1 of 2
        2 of 2
    """
    from joblib import Parallel, delayed

    tools = list(experiment.tools(people.load("public")))
    jobs = [
        (source, tool, user)
        for source, photos in experiment.photographs().items()
        for tool in tools
        for user in choose_users(
            photos, min(users, experiment.at_most.get((source, tool), users)), seed=seed
        )
    ]
    run = Parallel(n_jobs=processes, return_as="generator_unordered")
    done = run(delayed(_cloak_one)(experiment, *job, seed) for job in jobs)
    for count, what in enumerate(done):
        if progress is not None:
            progress(count + 1, len(jobs), what)


def _cloak_one(experiment: Experiment, source: str, tool: str, user: int, seed: int) -> str:
    torch.set_num_threads(1)
    tools, photographs = _materials(experiment)
    photos = photographs[source]
    mine = (photos.labels == user) & ~split(photos.labels, seed=seed)
    tools[tool](photos.images[mine], seed=seed + user)
    return f"{tool} for {photos.names[user]}"


@functools.cache
def _materials(experiment: Experiment) -> tuple[dict[str, Attack], dict[str, Photos]]:
    """What a worker process needs, loaded once in each."""
    tools = experiment.tools(people.load("public"), cache=CloakCache())
    photographs = experiment.photographs()
    return tools, {source: as_published(photos) for source, photos in photographs.items()}

"""A recorded study: trials on the packaged users, run at full size and resumable."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from poisonlib import cloaks, people
from poisonlib.attacks import Attack, CloakCache
from poisonlib.caching import can_write
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.trial import Trial, choose_users, cloak_user, grid, split, summarise

if TYPE_CHECKING:
    import pandas
    from torch import Tensor

MakeTools = Callable[..., dict[str, Attack]]


def shipped_tools(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The paper's tools, with the cloaks that ship looked up and all others crafted.

    Args:
        public, cache: as every function that makes tools has them; not used.
    """
    return cloaks.load()


@dataclass(frozen=True)
class Run:
    """How a study is run.

    Attributes:
        users: how many users protect themselves, drawn by ``seed``.
        seed: of users, split and cloaks.
        weights: folder of the networks that do not ship.
        cache: of the cloaks.
        logs: folder of the logs from which a stopped study resumes; None to start afresh.
        progress: called with (turns done, turns in all, what is being done).

    Example:
        >>> from studio.studies import Run
        >>> list(Run(users=2, seed=0).tools())
        ['Fawkes v0.3', 'Fawkes v1.0', 'LowKey']
    """

    users: int
    seed: int
    weights: Path | None = None
    cache: CloakCache = field(default_factory=CloakCache)
    logs: Path | None = None
    progress: Progress = no_progress

    def tools(self, make: MakeTools = shipped_tools) -> dict[str, Attack]:
        """The attacks by name, their cloaks cached."""
        return make(people.load("public"), cache=self.cache)

    def trials(
        self,
        cases: Iterable[Trial],
        photos: Photos | None = None,
        *,
        users: Sequence[int | str] | int | None = None,
        test: Tensor | None = None,
        name: str = "trials",
    ) -> pandas.DataFrame:
        """The grid of some cases with the users; see :func:`poisonlib.trial.grid`.

        Args:
            cases: the trials.
            photos: gallery and users; the packaged users' by default.
            users: those of this run by default.
            test: which photographs are for testing.
            name: of the log, one for each set of photographs.
        """
        return grid(
            cases,
            people.load("users") if photos is None else photos,
            users=self.users if users is None else users,
            seed=self.seed,
            test=test,
            log=None if self.logs is None else self.logs / f"{name}.log",
            progress=self.progress,
        )


def packaged_users() -> Mapping[str, Photos]:
    """The photographs of the packaged users, under the name by which tables call them."""
    return {"people": people.load("users")}


@dataclass(frozen=True)
class Study:
    """A recorded study.

    Attributes:
        rows: from a :class:`Run` to the rows of a tidy table.
        tools: the attacks by name, given public people's photographs and a ``cache``.
        photographs: loads the sets of photographs that users are drawn from, by name.
        summary: from the table of all rows to the one that is printed.

    Example:
        >>> from studio.studies import STUDIES
        >>> STUDIES["budget"].tools.__name__
        'weaker_tools'
    """

    rows: Callable[[Run], Iterable[dict]]
    tools: MakeTools = shipped_tools
    photographs: Callable[[], Mapping[str, Photos]] = packaged_users
    summary: Callable[[pandas.DataFrame], pandas.DataFrame] = summarise

    @staticmethod
    def of_cases(
        cases: Callable[[Mapping[str, Attack], Path | None], Iterable[Trial]],
        tools: MakeTools = shipped_tools,
        finish: Callable[[pandas.DataFrame], pandas.DataFrame] = lambda table: table,
    ) -> Study:
        """A study that is a grid of trials.

        Args:
            cases: from the tools by name, and a folder of weights, to the trials.
            tools: makes the tools.
            finish: from the table of the grid to the one that is recorded.
        """

        def rows(run: Run) -> Iterator[dict]:
            table = run.trials(cases(run.tools(tools), run.weights))
            yield from finish(table).to_dict("records")

        return Study(rows, tools)


def precompute_cloaks(study: Study, run: Run, *, processes: int) -> None:
    """Craft all cloaks of a study in several processes, into the default cache.

    The study itself then finds them there. Where the cache cannot be written, nothing is crafted
    here, and the study does it. Killed at any time, it has lost at most the cloaks that
    were being crafted.

    Example:
        A study of two users, with a tool that costs nothing:

        >>> import torch
        >>> from poisonlib.attacks import Cached, Unperturbed
        >>> from poisonlib.photos import Photos
        >>> from studio.studies import Run, Study, precompute_cloaks
        >>> def tools(public, *, cache=None):
        ...     return {"control": Cached(Unperturbed(), cache)}
        >>> photos = Photos(torch.rand(8, 3, 32, 32), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> study = Study(lambda run: [], tools, lambda: {"toys": photos})
        >>> def report(done, total, doing):
        ...     print(done, "of", total)
        >>> precompute_cloaks(study, Run(users=2, seed=0, progress=report), processes=1)
        1 of 2
        2 of 2
    """
    if not can_write(CloakCache().folder):
        return
    materials = (study.tools, study.photographs)
    jobs = [
        (*materials, source, tool, user, run.seed)
        for source, photos in study.photographs().items()
        for tool in study.tools(people.load("public"))
        for user in choose_users(photos, run.users, seed=run.seed)
    ]
    in_processes(_cloak_one, jobs, processes=processes, progress=run.progress)


def in_processes(
    work: Callable[..., str],
    jobs: Sequence[tuple],
    *,
    processes: int,
    progress: Progress = no_progress,
) -> None:
    """Call a function with the arguments of each job, in several processes.

    Args:
        work: of a module; returns what it did, in words.
        jobs: its arguments.
        processes: how many at once.
        progress: called with (jobs done, jobs in all, what was done).
    """
    from joblib import Parallel, delayed

    run = Parallel(n_jobs=processes, return_as="generator_unordered")
    for done, what in enumerate(run(delayed(work)(*job) for job in jobs)):
        progress(done + 1, len(jobs), what)


def _cloak_one(
    tools: MakeTools, photographs: Callable, source: str, tool: str, user: int, seed: int
) -> str:
    torch.set_num_threads(1)
    attacks, sets = _materials(tools, photographs)
    photos = sets[source]
    cloak_user(attacks[tool], photos, user, test=split(photos.labels, seed=seed), seed=seed)
    return f"{tool} for {photos.names[user]}"


@functools.cache
def _materials(
    tools: MakeTools, photographs: Callable[[], Mapping[str, Photos]]
) -> tuple[dict[str, Attack], Mapping[str, Photos]]:
    """What a worker process needs, loaded once in each."""
    return tools(people.load("public"), cache=CloakCache()), photographs()

"""Run a sweep: share its jobs out, survive what fails, and put one table together."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from poisonlib import atomic, provenance
from poisonlib.progress import Progress
from poisonlib.provenance import Provenance
from workbench.sweep.config import Config
from workbench.sweep.jobs import Job, Turns, plan
from workbench.sweep.store import Store, open_store

if TYPE_CHECKING:
    import pandas
    from distributed import Client

#: Seconds that a silent scheduler, or a cluster without workers, is waited for.
PATIENCE = 20.0
#: M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (the most it takes), in bytes.
GLIBC = {-1: 1 << 30, -2: 1 << 28, -3: 1 << 25}


@dataclass(frozen=True)
class Outcome:
    """What became of a sweep.

    Attributes:
        store: its folder.
        made: how many jobs had to be done.
        found: how many were done already.
        failed: jobs that could not be done, each with what was wrong. The same sweep tries them
            again; until then their rows are missing from the table.
        seconds: wall time.
    """

    store: Store
    made: int
    found: int
    failed: tuple[tuple[Job, str], ...]
    seconds: float

    @property
    def table(self) -> pandas.DataFrame:
        """All rows: those of trials' tables, with their ``seed``."""
        import pandas

        return pandas.read_parquet(self.store.results)


def run(
    config: Config,
    folder: Path | str,
    *,
    processes: int = 1,
    dask: str | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Do what is not done yet, and write ``folder/results.parquet``.

    Killed at any time, the same call goes on: finished cloaks, embeddings and turns are kept, each
    as one whole file, and at most the jobs being done are lost. A worker of a cluster that dies
    takes only the jobs that it is at with it; the cluster gives those to another.

    Args:
        config: what to run.
        folder: for everything that the sweep keeps. With ``dask``, one that all workers see.
        processes: on this machine, if not ``dask``; with GPUs, as many as there are.
        dask: address of a running cluster's scheduler, e.g. ``"tcp://10.0.0.1:8786"``. Its workers
            need poisonlib and one thread each.
        command: that is run, for the provenance in the table's metadata.
        progress: called with (jobs done, jobs in all, what was done).

    Raises:
        FileNotFoundError, ValueError: what ``config`` asks for is not there, ``folder`` is of
            another sweep, no scheduler answers, or no turn at all could be played.
        ModuleNotFoundError: pyarrow or distributed is not installed.
    """
    started = time.perf_counter()
    _require("pyarrow", *(["distributed"] if dask is not None else []))
    config.check_extractors()
    store = open_store(folder, config)
    phases = plan(config, store)
    total, done, made = sum(map(len, phases)), 0, 0
    failed: list[tuple[Job, str]] = []
    with _shared_out(processes, dask) as share:
        for jobs in phases:
            for index, new, problem in share(jobs, store):
                done, made = done + 1, made + new
                if problem is not None:
                    failed.append((jobs[index], problem))
                if progress is not None:
                    progress(done, total, str(jobs[index]))
    seconds = time.perf_counter() - started
    origin = provenance.of_run(command, seed=config.seeds[0], seconds=seconds)
    _collect([job for job in phases[1] if isinstance(job, Turns)], store, config, origin, failed)
    return Outcome(store, made, total - made - len(failed), tuple(failed), seconds)


@contextlib.contextmanager
def _shared_out(processes: int, dask: str | None) -> Iterator[Callable[..., Iterator]]:
    """A function that does jobs elsewhere and yields (index, whether new, problem) as they end."""
    from joblib import Parallel, delayed, parallel_config

    with contextlib.ExitStack() as stack:
        if dask is not None:
            stack.enter_context(_client(dask))
            stack.enter_context(parallel_config("dask", wait_for_workers_timeout=PATIENCE))
        workers = {"n_jobs": processes if dask is None else -1, "batch_size": 1}
        parallel = stack.enter_context(Parallel(**workers, return_as="generator_unordered"))

        def share(jobs: Sequence[Job], store: Store) -> Iterator[tuple[int, bool, str | None]]:
            return parallel(delayed(_attempt)(index, job, store) for index, job in enumerate(jobs))

        yield share


def _client(address: str) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as problem:
        raise ValueError(
            f"no Dask scheduler answers at {address!r} ({problem}); start one with "
            "`dask scheduler` and workers with `dask worker ADDRESS --nthreads 1`"
        ) from problem


@functools.cache
def _keep_memory() -> None:
    """Let this process keep memory that it frees, for the next step of the same size.

    Dask starts its workers so that they return whatever they free at once. An optimisation frees
    and asks for the same again at every step, and two such workers on a machine then spend most of
    their time in the kernel: a second worker made a sweep slower. Only glibc has this setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        for option, value in GLIBC.items():
            set_option(option, value)


def _attempt(index: int, job: Job, store: Store) -> tuple[int, bool, str | None]:
    """Do a job in a worker. What is wrong with one job does not end the others."""
    _keep_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return index, job.do(store), None
    except (ValueError, TypeError, RuntimeError, OSError) as problem:
        return index, False, f"{type(problem).__name__}: {problem}"
    finally:
        torch.set_num_threads(threads)  # a single worker is the caller's own process


def _collect(
    turns: Sequence[Turns],
    store: Store,
    config: Config,
    origin: Provenance,
    failed: Sequence[tuple[Job, str]],
) -> None:
    """One table of all turns that could be played, with where it comes from as metadata."""
    import pyarrow
    import pyarrow.parquet as parquet

    parts = [parquet.read_table(path) for turn in turns if (path := turn.path(store)).exists()]
    if not parts:
        raise ValueError(f"no turn could be played; {failed[0][0]}: {failed[0][1]}")
    described = {"provenance": dataclasses.asdict(origin), "config": config.to_json()}
    table = pyarrow.concat_tables(parts)
    metadata = (table.schema.metadata or {}) | {"poisonlib": json.dumps(described)}
    with atomic.writing(store.results) as file:
        parquet.write_table(table.replace_schema_metadata(metadata), file)


def _require(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ModuleNotFoundError(
                f"a sweep needs {package}, which is not installed; "
                "run pip install -e '.[sweep]' in the book's folder"
            )

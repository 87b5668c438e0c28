"""Run a sweep: distribute its jobs, survive failures, and write one table."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas
import torch
from torch import Tensor

from poisonlib import atomic, provenance
from poisonlib.progress import Progress, no_progress
from poisonlib.provenance import Provenance
from workbench.sweep.config import Config
from workbench.sweep.folder import SweepFolder, open_folder, timings
from workbench.sweep.jobs import EmbeddingJob, Job, Result, TrialJob, plan

if TYPE_CHECKING:
    from distributed import Client

#: Seconds to wait for a silent scheduler, or for a cluster without workers.
PATIENCE = 20.0
#: M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (its maximum), in bytes.
GLIBC = {-1: 1 << 30, -2: 1 << 28, -3: 1 << 25}


@dataclass(frozen=True)
class Outcome:
    """What came of a sweep.

    Attributes:
        folder: the sweep's.
        done: how many jobs were done.
        done_before: how many were finished already.
        failed: jobs that failed, each with its error. The same sweep tries them again; until then
            their rows are missing from the table.
        seconds: wall time.
    """

    folder: SweepFolder
    done: int
    done_before: int
    failed: tuple[tuple[Job, str], ...]
    seconds: float

    @property
    def table(self) -> pandas.DataFrame:
        """All rows: those of trials' tables, with their ``seed``."""
        return pandas.read_parquet(self.folder.table)

    @property
    def timings(self) -> pandas.DataFrame:
        """See :func:`workbench.sweep.timings`."""
        return timings(self.folder)


def run(
    config: Config,
    folder: Path | str,
    *,
    processes: int = 1,
    dask: str | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Do what is not finished yet, and write ``folder/results.parquet``.

    Killed at any time, the same call resumes: cloaks and results of trials are stored as each is
    finished, and at most the jobs in progress are lost. Embeddings are in memory only, and computed
    again for trials that are not finished. A worker of a cluster that dies takes only its jobs in
    progress with it; the cluster gives those to another.

    Args:
        config: what to run.
        folder: for everything that the sweep stores. With ``dask``, one that all workers see.
        processes: on this machine, if not ``dask``; with GPUs, as many as there are.
        dask: address of a running cluster's scheduler, e.g. ``"tcp://10.0.0.1:8786"``. Its workers
            need poisonlib and one thread each.
        command: that is run, for the provenance in the table's metadata.
        progress: called with (jobs done, jobs in all, the last job).

    Raises:
        FileNotFoundError, ValueError: something that ``config`` names does not exist, ``folder``
            is of another sweep, no scheduler answers, or all trials failed.
        ModuleNotFoundError: pyarrow or distributed is not installed.
    """
    started = time.perf_counter()
    _require("pyarrow", *(["distributed"] if dask is not None else []))
    config.check_extractors()
    sweep = open_folder(folder, config)
    log = sweep.log
    cloaks, trials = plan(config, sweep)
    pending = [job for job in trials if job.key not in log]
    users = {(job.tool, job.seed, user) for job in pending for user in job.users}
    needed = [job for job in cloaks if (job.tool, job.seed, job.user) in users]
    first: list[Job] = [EmbeddingJob(name) for name in dict.fromkeys(j.extractor for j in pending)]
    first += [job for job in needed if not job.is_finished(sweep)]

    embeddings: dict[str, Tensor] = {}
    failed: list[tuple[Job, str]] = []
    finished, total = 0, len(first) + len(pending)
    progress = progress or no_progress
    with _workers(processes, dask) as workers:
        for jobs in (first, pending):
            for job, result, problem in workers(jobs, sweep, embeddings):
                finished += 1
                progress(finished, total, str(job))
                if result is None:
                    failed.append((job, problem))
                    continue
                if isinstance(job, EmbeddingJob):
                    embeddings[job.extractor] = result.embeddings
                log[job.key if isinstance(job, TrialJob) else str(job)] = result.entry
    seconds = time.perf_counter() - started
    origin = provenance.of_run(command, seed=config.seeds[0], seconds=seconds)
    results = [log[job.key] for job in trials if job.key in log]
    if not results:
        raise ValueError(f"all trials failed; {failed[0][0]}: {failed[0][1]}")
    _write(sweep.table, results, config, origin)
    done = total - len(failed)
    before = len(cloaks) + len(trials) + len(config.extractors) - total
    return Outcome(sweep, done, before, tuple(failed), seconds)


@contextlib.contextmanager
def _workers(processes: int, dask: str | None) -> Iterator:
    """A function that runs jobs elsewhere and yields (job, result, error) as they end."""
    from joblib import Parallel, delayed, parallel_config

    with contextlib.ExitStack() as stack:
        if dask is not None:
            stack.enter_context(_client(dask))
            stack.enter_context(parallel_config("dask", wait_for_workers_timeout=PATIENCE))
        parallel = stack.enter_context(
            Parallel(
                processes if dask is None else -1,
                return_as="generator_unordered",
                batch_size=1,
                max_nbytes=None,  # memory maps would be files with embeddings
            )
        )

        def run_all(
            jobs: Sequence[Job], folder: SweepFolder, embeddings: Mapping[str, Tensor]
        ) -> Iterable[tuple[Job, Result | None, str]]:
            return parallel(
                delayed(_attempt)(job, folder, embeddings.get(getattr(job, "extractor", "")))
                for job in jobs
            )

        yield run_all


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
def _retain_freed_memory() -> None:
    """Let this process retain memory that it frees, for the next step of the same size.

    Dask starts its workers so that they return freed memory at once. An optimisation frees and
    allocates the same at every step, and two such workers on a machine then spend most of their
    time in the kernel: a second worker made a sweep slower. Only glibc has this setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        for option, value in GLIBC.items():
            set_option(option, value)


def _attempt(
    job: Job, folder: SweepFolder, embeddings: Tensor | None
) -> tuple[Job, Result | None, str]:
    """Run a job in a worker. An error of one job does not end the others."""
    _retain_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return job, job.run(folder, embeddings), ""
    except (ValueError, TypeError, RuntimeError, OSError) as problem:
        return job, None, f"{type(problem).__name__}: {problem}"
    finally:
        torch.set_num_threads(threads)  # a single worker is the caller's own process


def _write(path: Path, results: Sequence[Mapping], config: Config, origin: Provenance) -> None:
    """One Parquet table of all trials, with its provenance as metadata."""
    import pyarrow
    import pyarrow.parquet as parquet

    table = pyarrow.Table.from_pandas(
        pandas.DataFrame([row for result in results for row in result["rows"]]),
        preserve_index=False,
    )
    described = {"provenance": dataclasses.asdict(origin), "config": config.to_json()}
    metadata = (table.schema.metadata or {}) | {"poisonlib": json.dumps(described)}
    with atomic.writing(path) as file:
        parquet.write_table(table.replace_schema_metadata(metadata), file)


def _require(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ModuleNotFoundError(
                f"a sweep needs {package}, which is not installed; "
                "run pip install -e '.[sweep]' in the book's folder"
            )

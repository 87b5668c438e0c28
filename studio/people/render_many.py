"""Rendering many people on all cores, resumable at any point."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poisonlib import atomic
from poisonlib.progress import Progress, no_progress
from studio.people import head, identity, nuisance, store
from studio.people.detail import DETAILS

VERSION = 1
"""Raised whenever the same seed would give another picture.

On one machine a picture is the same to the bit in any order and any number of processes. Another
processor may round the last bits otherwise, so that a few pixels differ by a level or two.
"""


@dataclass(frozen=True)
class Task:
    """The photographs of one person still to be made."""

    folder: Path
    seed: int
    numbers: tuple[int, ...]
    amplitude: float
    level: float
    detail: str = "packaged"
    looks: int = 1

    @property
    def settings(self) -> dict[str, Any]:
        """What determines the pictures, besides the seed."""
        settings = {"version": VERSION, "amplitude": self.amplitude, "level": self.level}
        if self.detail != "packaged":
            settings["detail"] = self.detail
        if self.looks != 1:
            settings["looks"] = self.looks
        return settings


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        rendered: photographs made now; kept: photographs found finished.
        seconds: wall time of this run.
    """

    rendered: int
    kept: int
    seconds: float

    def __str__(self) -> str:
        rate = self.rendered / self.seconds if self.seconds else 0.0
        return (
            f"{self.rendered} photographs rendered in {self.seconds:.1f} s "
            f"({rate:.2f} a second), {self.kept} were there already"
        )


def plan(
    folder: Path,
    seeds: Sequence[int],
    photos: int,
    *,
    amplitude: float = identity.AMPLITUDE,
    level: float = nuisance.LEVEL,
    detail: str = "packaged",
    looks: int = 1,
) -> tuple[list[Task], int]:
    """What is left to render, and how many photographs are finished."""
    tasks, kept = [], 0
    for seed in seeds:
        task = Task(folder, seed, (), amplitude, level, detail, looks)
        done = store.finished(folder / store.name_of(seed), task.settings)
        missing = tuple(n for n in range(photos) if str(n) not in done)
        kept += photos - len(missing)
        if missing:
            tasks.append(replace(task, numbers=missing))
    return tasks, kept


def render(
    folder: str | Path,
    *,
    seeds: Sequence[int],
    photos: int,
    processes: int | None = None,
    amplitude: float = identity.AMPLITUDE,
    level: float = nuisance.LEVEL,
    detail: str = "packaged",
    looks: int = 1,
    progress: Progress = no_progress,
) -> Report:
    """Render ``photos`` photographs of each identity into a folder (layout: `store`).

    Safe to kill at any time: every file is written completely or not at all, and a second run makes
    only what is missing.

    Args:
        seeds: identity seeds; each appears once.
        processes: how many at once; None takes all cores.
        detail: a name in ``studio.people.detail.DETAILS``.
        looks: how many looks (:func:`studio.people.identity.look`) a person's photographs take
            turns in.
        progress: called with (photographs rendered, to render, the last one).

    Raises:
        ValueError: no identities, no photographs, a seed twice, no look, or an unknown detail.
    """
    if len(seeds) == 0 or photos < 1:
        raise ValueError(
            f"need at least one identity and one photograph, got {len(seeds)} and {photos}"
        )
    if len(set(seeds)) != len(seeds):
        raise ValueError("identity seeds must differ, some were given twice; drop the repeats")
    if processes is not None and processes < 1:
        raise ValueError(f"processes must be >= 1, got {processes}; leave it out for all cores")
    if looks < 1:
        raise ValueError(
            f"looks must be >= 1, got {looks}; 1 is the look of the character's record"
        )
    if detail not in DETAILS:
        raise ValueError(f"no detail {detail!r}; there are: {', '.join(DETAILS)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    head.load()  # build the cache once, before the workers ask for it
    tasks, kept = plan(
        folder, seeds, photos, amplitude=amplitude, level=level, detail=detail, looks=looks
    )
    total = sum(len(task.numbers) for task in tasks)
    start = time.perf_counter()
    for done, name in enumerate(_work(tasks, processes or os.cpu_count() or 1)):
        progress(done + 1, total, name)
    return Report(total, kept, time.perf_counter() - start)


def _work(tasks: list[Task], processes: int) -> Iterator[str]:
    """Run the tasks, yielding the name of each photograph as it is finished."""
    if processes == 1 or len(tasks) <= 1:
        for task in tasks:
            yield from run(task)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(processes, len(tasks)), initializer=_start_worker) as pool:
        for names in pool.imap_unordered(_run_all, tasks):
            yield from names


def _start_worker() -> None:
    """One thread a worker, as the processes already fill the cores; Ctrl-C is the parent's."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)


def _run_all(task: Task) -> list[str]:
    return list(run(task))


def run(task: Task) -> Iterator[str]:
    """Render one task, writing each photograph and then the record that lists it."""
    from studio.people.render import Character

    person = identity.sample(task.seed, amplitude=task.amplitude)
    folder = task.folder / store.name_of(task.seed)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f".*{atomic.PARTIAL}"):
        leftover.unlink()
    record = store.person_record(person, task.settings)
    record["photographs"] = store.finished(folder, task.settings)
    character, worn = None, -1
    parent = multiprocessing.parent_process()
    for number in sorted(task.numbers, key=lambda number: (number % task.looks, number)):
        if parent is not None and not parent.is_alive():
            return  # the run was killed; another may be at work on this folder already
        if worn != number % task.looks:
            worn = number % task.looks
            character = Character(identity.look(person, worn), DETAILS[task.detail])
        taken = nuisance.sample(task.seed, number, level=task.level)
        portrait = character.photograph(taken)
        content = portrait.jpeg()
        atomic.write(folder / store.file_of(number), content)
        record["photographs"][str(number)] = store.photograph_record(portrait, taken, content)
        store.write_json(folder / store.RECORD, record)
        yield f"{folder.name}/{number}"

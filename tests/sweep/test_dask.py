"""Kills with ``kill -9``: of a worker of a real cluster, and of a whole sweep."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest

from workbench import sweep

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
CLOAKS, TRIALS = 12, 8


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[int]]]:
    command = [sys.executable, "-m", "tests.sweep.cluster"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as running:
        address, *pids = running.stdout.readline().split()
        yield address, [int(pid) for pid in pids]
        running.stdin.close()


def finished(folder: Path) -> int:
    """How many jobs the log has; its first line is a header."""
    log = folder / "sweep.jsonl"
    return max(0, len(log.read_bytes().splitlines()) - 1) if log.exists() else 0


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(toys, tmp_path: Path, cluster) -> None:
    address, pids = cluster
    folder = tmp_path / "on-dask"
    killed = []

    def kill(done: int, total: int, doing: str) -> None:
        if done == 3 and not killed:
            killed.append(done)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGKILL)

    outcome = sweep.run(toys, folder, dask=address, progress=kill)
    assert killed and not outcome.failed
    assert outcome.done == 1 + CLOAKS + TRIALS
    assert outcome.timings.groupby("kind").size().to_dict() == {
        "cloaks": CLOAKS,
        "embeddings": 1,
        "lookups": TRIALS,
    }
    alone = sweep.run(toys, tmp_path / "alone")
    pandas.testing.assert_frame_equal(outcome.table, alone.table)


def test_a_killed_sweep_resumes(toys, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    command = [sys.executable, "-m", "tests.sweep.toys", str(folder)]
    with subprocess.Popen(command, cwd=ROOT) as running:
        late = time.monotonic() + PATIENCE
        while finished(folder) < 3 and running.poll() is None and time.monotonic() < late:
            time.sleep(0.02)
        running.kill()
    before = finished(folder)
    assert 3 <= before < 1 + CLOAKS, "it should have been killed among the cloaks"
    outcome = sweep.run(toys, folder)
    assert not outcome.failed
    again = 1 + CLOAKS + TRIALS - outcome.done
    assert again in (before - 1, before), "finished cloaks are not crafted again"
    pandas.testing.assert_frame_equal(outcome.table, sweep.run(toys, tmp_path / "alone").table)

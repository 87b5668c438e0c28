"""A real cluster of two workers, one of which is killed in the middle, on a small album."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
from PIL import Image

from poisonlib import people
from workbench import sweep
from workbench.sweep.store import Store

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TOOLS, USERS = ("LowKey 5 steps", "LowKey 10 steps"), 4
CONFIG = f"""
photographs = "album"
users = {USERS}
turns = 2
tools = ["{TOOLS[0]}", "{TOOLS[1]}"]
extractors = ["softmax-2014"]
"""
PATIENCE = 300.0


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep's file, beside an album of as many people as it has users, five pictures of each."""
    folder = tmp_path_factory.mktemp("sweep")
    photos = people.load("users")
    for person in photos.people[:USERS]:
        (place := folder / "album" / photos.names[person]).mkdir(parents=True)
        for number, image in enumerate(photos.of(photos.names[person])[:5]):
            pixels = (image * 255).byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).resize((224, 224)).save(place / f"{number}.png")
    (folder / "sweep.toml").write_text(CONFIG, encoding="utf-8")
    return folder / "sweep.toml"


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[int]]]:
    command = [sys.executable, "-m", "tests.sweep.cluster"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as running:
        address, *pids = running.stdout.readline().split()
        yield address, [int(pid) for pid in pids]
        running.stdin.close()


def sweeping(config: Path, folder: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "poisonlib", "sweep", str(config), "--out", str(folder), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def made(folder: Path, kind: str) -> int:
    return len(list((folder / "ledger").glob(f"{kind}-*.json")))


@pytest.fixture(scope="module")
def resumed(config: Path) -> tuple[Path, int, str]:
    """A sweep of one process that was killed and resumed: its folder, the cloaks at the kill, and
    what the second run printed."""
    folder = config.parent / "alone"
    with sweeping(config, folder, "--processes", "1") as running:
        late = time.monotonic() + PATIENCE
        while made(folder, "cloaks") < 3 and running.poll() is None and time.monotonic() < late:
            time.sleep(0.05)
        running.kill()
        running.communicate()
    before = made(folder, "cloaks")
    with sweeping(config, folder, "--processes", "1") as running:
        output, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output
    return folder, before, output


def test_a_killed_sweep_resumes(resumed: tuple[Path, int, str]) -> None:
    folder, before, output = resumed
    assert 3 <= before < len(TOOLS) * USERS
    assert f"{1 + before} were done already" in output
    done = Counter((entry.kind, entry.key) for entry in sweep.entries(Store(folder)))
    assert set(done.values()) == {1} and len(done) == 1 + 8 + 4


def test_a_killed_worker_loses_nothing(
    config: Path, resumed: tuple[Path, int, str], cluster: tuple[str, list[int]]
) -> None:
    (address, pids), folder = cluster, config.parent / "on-dask"
    with sweeping(config, folder, "--dask", address) as running:
        late = time.monotonic() + PATIENCE
        while made(folder, "cloaks") < 2 and running.poll() is None and time.monotonic() < late:
            time.sleep(0.05)
        assert running.poll() is None, f"it ended too early:\n{running.stdout.read()}"
        assert 2 <= made(folder, "cloaks") < len(TOOLS) * USERS, "nothing is left to lose"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pids[0], signal.SIGKILL)
        output, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output

    done = Counter((entry.kind, entry.key) for entry in sweep.entries(Store(folder)))
    assert set(done.values()) == {1}, "a job that was finished was done again"
    assert Counter(kind for kind, _ in done) == {"rows": 1, "cloaks": 8, "turns": 4}
    tables = [pandas.read_parquet(one / "results.parquet") for one in (folder, resumed[0])]
    pandas.testing.assert_frame_equal(*tables)

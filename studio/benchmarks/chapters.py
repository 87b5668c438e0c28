"""Wall time and peak memory of each chapter: ``python -m studio.benchmarks.chapters``.

Each notebook is executed in a fresh process with an empty cloak cache, as on a fresh machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
GOAL_SECONDS, GOAL_GIB = 120, 2.0
EXECUTE = """
import resource, sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": "."}}).execute()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(chapter: Path) -> tuple[float, float]:
    """Wall seconds of a notebook, and the peak memory of its kernel in GiB."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"POISONLIB_CACHE": cache, "POISONLIB_SITE": "1"}
        start = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-c", EXECUTE, chapter.name],
            cwd=chapter.parent,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        seconds = time.perf_counter() - start
    return seconds, int(ran.stdout.split()[-1]) / 2**20


def main() -> None:
    """Print a line for each chapter."""
    for chapter in [Path(name) for name in sys.argv[1:]] or sorted(BOOK.glob("*.ipynb")):
        seconds, peak = measure(chapter.resolve())
        print(
            f"{chapter.stem}: {seconds:.0f} s  (goal <= {GOAL_SECONDS}), "
            f"peak {peak:.2f} GiB  (goal <= {GOAL_GIB})",
            flush=True,
        )


if __name__ == "__main__":
    main()

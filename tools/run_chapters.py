"""Execute the chapters that have changed: nbval tests the cells, the build shows their outputs.

    python -m tools.run_chapters --jobs 2       # before `jupyter-book build .`

Jupyter Book caches executed chapters. Those that have changed, or whose code in the packages has
(``tools/stale_chapters.py``), are run by nbval, several at a time. A chapter whose cells all pass
goes into that cache with its outputs, and the build finds it there; one that fails, fails here.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from tools import stale_chapters

CELL_SECONDS = 600


def cache(root: Path):
    """Jupyter Book's cache of executed notebooks."""
    from jupyter_cache import get_cache

    return get_cache(str(root / "_build" / ".jupyter_cache"))


def pending(root: Path) -> list[Path]:
    """The chapters without cached outputs, in their order."""
    import nbformat

    cached, found = cache(root), []
    for chapter in sorted((root / "book").glob("*.ipynb")):
        try:
            cached.match_cache_notebook(nbformat.read(chapter, as_version=4))
        except KeyError:
            found.append(chapter)
    return found


def execute(root: Path, jobs: int) -> int:
    """Run what is pending, ``jobs`` chapters at a time (0: in this process); pytest's exit code."""
    stale_chapters.update(root)
    if importlib.util.find_spec("nbval") is None:
        return 0  # without the extra `test`, the build itself executes what has changed
    import pytest

    chapters = pending(root)
    if not chapters:
        return 0
    print(f"Executing {', '.join(chapter.stem for chapter in chapters)} ...", flush=True)
    plugins = ["-p", "tools.record_outputs", "-p", "no:cacheprovider"]
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_SECONDS}"]
    share = ["--numprocesses", str(min(jobs, len(chapters))), "--dist", "loadfile"]
    return int(pytest.main(["--quiet", *plugins, *options, *share, *map(str, chapters)]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Execute the chapters that have changed.")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at a time (default 2)")
    jobs = parser.parse_args().jobs
    root = Path(__file__).resolve().parent.parent
    return execute(root, jobs)


if __name__ == "__main__":
    sys.exit(main())

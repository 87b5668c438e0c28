"""Execute the chapters that have changed: nbval tests the cells, the build shows their outputs.

    python -m tools.run_chapters --jobs 2       # before `jupyter-book build .`

Jupyter Book caches executed chapters. Those that have changed, or whose code in the packages has
(``tools/stale_chapters.py``), are run by nbval, several at a time. A chapter whose cells all pass
goes into that cache with its outputs, and the build finds it there; one that fails, fails here.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    chapters = pending(root)
    if not chapters:
        return 0
    print(f"Executing {', '.join(chapter.stem for chapter in chapters)} ...", flush=True)
    plugins = ["-p", "tools.run_chapters", "-p", "no:cacheprovider"]
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_SECONDS}"]
    share = ["--numprocesses", str(min(jobs, len(chapters))), "--dist", "loadfile"]
    return int(pytest.main(["--quiet", *plugins, *options, *share, *map(str, chapters)]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Execute the chapters that have changed.")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at a time (default 2)")
    jobs = parser.parse_args().jobs
    root = Path(__file__).resolve().parent.parent
    return execute(root, jobs)


# The rest is a plugin of pytest, which is at work where the cells are run.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Record what a cell puts out, as nbclient does for Jupyter Book."""
    from nbclient.exceptions import CellExecutionComplete

    chapter, client = item.parent, _client(item.parent)
    execute = type(chapter.kernel).execute_cell_input.__get__(chapter.kernel)
    receive = type(chapter).get_kernel_message.__get__(chapter)
    index = chapter.nb.cells.index(item.cell)
    recorded, requests = client.nb.cells[index], set()

    def executing(*arguments, **keywords) -> str:
        request = execute(*arguments, **keywords)
        requests.add(request)
        return request

    def receiving(*arguments, **keywords) -> dict:
        message = receive(*arguments, **keywords)
        answers = message["parent_header"].get("msg_id") in requests
        if answers and not message["msg_type"].startswith("comm"):  # widgets stay off the site
            with contextlib.suppress(CellExecutionComplete):
                client.process_message(message, recorded, index)
        return message

    chapter.kernel.execute_cell_input, chapter.get_kernel_message = executing, receiving
    recorded.outputs, client.clear_before_next_output = [], False
    start = time.perf_counter()
    result = yield
    client.passed[index] = time.perf_counter() - start
    return result


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last cell of a chapter, cache the chapter if all of its cells have passed."""
    if nextitem is not None and nextitem.parent is item.parent:
        return
    from jupyter_cache.base import CacheBundleIn

    client = _client(item.parent)
    code = {index for index, cell in enumerate(client.nb.cells) if cell.cell_type == "code"}
    if set(client.passed) == code:
        seconds = {"execution_seconds": sum(client.passed.values())}
        bundle = CacheBundleIn(client.nb, str(item.path), data=seconds)
        cached = cache(item.path.parent.parent)
        cached.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _client(chapter: pytest.Collector):
    """The nbclient that takes a chapter's messages; it has no kernel of its own."""
    if not hasattr(chapter, "recording"):
        from nbclient import NotebookClient

        client = NotebookClient(copy.deepcopy(chapter.nb), record_timing=False)
        client.reset_execution_trackers()
        client.passed = {}  # seconds, by the cell's place
        about = chapter.kernel.kc.kernel_info(reply=True, timeout=60)
        client.nb.metadata["language_info"] = about["content"]["language_info"]
        chapter.recording = client
    return chapter.recording


if __name__ == "__main__":
    # Without the extra `test` there is no nbval, and the build executes what has changed itself.
    sys.exit(main() if importlib.util.find_spec("nbval") else 0)

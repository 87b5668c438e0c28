"""Plugin of pytest: nbval's run of a chapter is recorded, and cached if all cells pass.

It is at work in the processes where the cells are run (``tools/run_chapters.py``).
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator

import pytest

from tools.run_chapters import cache


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

"""Chapters are executed once: a green run of nbval is what the build shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.book.chapters import ROOT
from tools import run_chapters

RUN = "import sys, pathlib; from tools import run_chapters as r; r.execute(pathlib.Path.cwd(), 0)"
PASSES = """
from IPython.display import HTML, clear_output, display
print("half way")
clear_output(wait=True)
display(HTML("<b>done</b>"))
"""


def write(book: Path, name: str, *sources: str) -> Path:
    kernel = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    cells = [new_markdown_cell("# A title"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), book / f"{name}.ipynb")
    return book / f"{name}.ipynb"


def test_a_chapter_that_passes_is_cached_with_its_outputs(tmp_path: Path) -> None:
    (book := tmp_path / "book").mkdir()
    passes = write(book, "01_passes", PASSES, "print(1)\n1 + 2")
    fails = write(book, "02_fails", "1 / 0", "2")
    assert run_chapters.pending(tmp_path) == [passes, fails]
    command = [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); {RUN}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 failed, 3 passed" in ran.stdout and "ZeroDivisionError" in ran.stdout, ran
    assert run_chapters.pending(tmp_path) == [fails]

    given = nbformat.read(passes, as_version=4)
    _, shown = run_chapters.cache(tmp_path).merge_match_into_notebook(given)
    (one,), (printed, value) = (cell.outputs for cell in shown.cells[1:])
    assert one.data["text/html"] == "<b>done</b>", "what was cleared is not shown"
    assert printed.text == "1\n" and value.data["text/plain"] == "3"
    assert shown.metadata.language_info.name == "python"

    write(book, "01_passes", "1")
    assert [chapter.stem for chapter in run_chapters.pending(tmp_path)] == ["01_passes", "02_fails"]


def test_without_the_tests_packages_the_build_executes_what_has_changed(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    write(tmp_path / "book", "01_fails", "1 / 0")
    missing = "import sys; sys.modules |= {'pytest': None, 'nbval': None}"
    code = f"{missing}; sys.path.append({str(ROOT)!r}); {RUN}"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, ""), ran
    assert "01_fails" in (tmp_path / "_build" / ".chapter-inputs.json").read_text()

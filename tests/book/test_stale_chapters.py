"""Which chapters run again after an edit, tried on a small book of its own."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat.v4 import new_code_cell, new_notebook

from tools import stale_chapters

FILES = {
    "poisonlib/__init__.py": "",
    "poisonlib/checks.py": "LOW = 0",
    "poisonlib/attacks/__init__.py": "from poisonlib.attacks.fawkes import Fawkes",
    "poisonlib/attacks/fawkes.py": "from poisonlib import checks\nclass Fawkes: pass",
    "poisonlib/extractors/__init__.py": "MODULES = {'a': 'poisonlib.extractors.resnet'}",
    "poisonlib/extractors/resnet.py": "def load():\n    from poisonlib import checks",
    "poisonlib/trial.py": "",
    "poisonlib/data/people.zip": "faces",
    "requirements.lock": "torch==2",
    "tests/test_trial.py": "",
    "README.md": "",
}
CHAPTERS = {
    "book/01_attacks": "%matplotlib inline\nfrom poisonlib.attacks import Fawkes",
    "book/02_extractors": "import poisonlib.extractors as extractors",
    "book/03_alone": "1 + 1",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with three chapters, all executed and remembered."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    cache = get_cache(str(tmp_path / "_build" / ".jupyter_cache"))
    for name, code in CHAPTERS.items():
        file = tmp_path / f"{name}.ipynb"
        file.parent.mkdir(exist_ok=True)
        notebook = new_notebook(cells=[new_code_cell(code)])
        nbformat.write(notebook, file)
        doctree = tmp_path / "_build" / ".doctrees" / f"{name}.doctree"
        doctree.parent.mkdir(parents=True, exist_ok=True)
        doctree.touch()
    stale_chapters.update(tmp_path)
    for name in CHAPTERS:
        file = tmp_path / f"{name}.ipynb"
        (tmp_path / "_build" / ".doctrees" / f"{name}.doctree").touch()
        bundle = CacheBundleIn(nbformat.read(file, 4), str(file))
        cache.cache_notebook_bundle(bundle, check_validity=False)
    assert executed(tmp_path) == set(CHAPTERS)
    return tmp_path


def executed(root: Path) -> set[str]:
    """The chapters that a build would not run."""
    records = get_cache(str(root / "_build" / ".jupyter_cache")).list_cache_records()
    cached = {Path(r.uri).relative_to(root).with_suffix("").as_posix() for r in records}
    trees = (root / "_build" / ".doctrees").rglob("*.doctree")
    read = {t.relative_to(root / "_build" / ".doctrees").with_suffix("").as_posix() for t in trees}
    assert cached == read, "the two caches of the build say the same"
    return cached


@pytest.mark.parametrize(
    ("edited", "again"),
    [
        ("poisonlib/attacks/fawkes.py", {"book/01_attacks"}),
        ("poisonlib/attacks/__init__.py", {"book/01_attacks"}),
        ("poisonlib/extractors/resnet.py", {"book/02_extractors"}),  # named in a string only
        ("poisonlib/checks.py", {"book/01_attacks", "book/02_extractors"}),
        ("poisonlib/trial.py", set()),
        ("tests/test_trial.py", set()),
        ("README.md", set()),
        ("poisonlib/data/people.zip", set(CHAPTERS)),
        ("requirements.lock", set(CHAPTERS)),
    ],
)
def test_an_edit_runs_the_chapters_that_need_it(root: Path, edited: str, again: set[str]) -> None:
    (root / edited).write_text("edited = True")
    assert set(stale_chapters.update(root)) == again
    assert executed(root) == set(CHAPTERS) - again


def test_without_an_edit_nothing_runs(root: Path) -> None:
    assert stale_chapters.update(root) == []
    assert executed(root) == set(CHAPTERS)


def test_new_data_counts(root: Path) -> None:
    (root / "poisonlib/data/recorded").mkdir()
    (root / "poisonlib/data/recorded/paper.json").write_text("{}")
    assert set(stale_chapters.update(root)) == set(CHAPTERS)


def test_a_renamed_chapter_does_not_find_its_old_run(root: Path) -> None:
    (root / "book/01_attacks.ipynb").rename(root / "book/04_attacks.ipynb")
    (root / "_build/.doctrees/book/01_attacks.doctree").unlink()
    stale_chapters.update(root)
    assert executed(root) == set(CHAPTERS) - {"book/01_attacks"}


def test_a_first_build_has_nothing_to_forget(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "book/01.ipynb")
    assert stale_chapters.update(tmp_path) == []
    assert set(json.loads((tmp_path / "_build/.chapter-inputs.json").read_text())) == {"book/01"}


def test_a_kill_before_the_memory_is_written_forgets_again(root: Path, monkeypatch) -> None:
    (root / "poisonlib/checks.py").write_text("edited = True")

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stale_chapters.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            stale_chapters.update(root)
    assert set(stale_chapters.update(root)) == {"book/01_attacks", "book/02_extractors"}


def test_the_real_chapters_see_what_they_import() -> None:
    root = Path(stale_chapters.__file__).resolve().parent.parent
    found = stale_chapters.closure("from poisonlib import widgets", root)
    names = {file.relative_to(root).as_posix() for file in found}
    assert {"poisonlib/widgets.py", "poisonlib/figures/show.py", "poisonlib/__init__.py"} <= names
    assert "poisonlib/trial.py" not in names

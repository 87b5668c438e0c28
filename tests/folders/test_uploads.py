"""Files under names that somebody else chose: written into the folder, or refused with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.uploads import safe_name, save_uploads

EVIL = {
    "../../x.jpg": "x.jpg",
    "/etc/passwd": "passwd",
    "..\\..\\windows\\x.jpg": "x.jpg",
    "C:\\Users\\me\\x.jpg": "x.jpg",
    "x.jpg:stream": "x.jpg_stream",
    "x\0.jpg": "x_.jpg",
    "x\n\x1b[31m.jpg": "x__[31m.jpg",
    ".hidden.jpg": "hidden.jpg",
    "x.jpg. ": "x.jpg",
    "\ud800.jpg": "_.jpg",
    "<script>.jpg": "_script_.jpg",
    "grün 夏.jpg": "grün 夏.jpg",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", EVIL)
def test_a_name_cannot_leave_the_folder(name: str, folder: Path, tmp_path: Path) -> None:
    assert save_uploads([(name, b"content")], folder) == ()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written == [folder / EVIL[name]]
    assert written[0].read_bytes() == b"content"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.text(alphabet="./\\ \0a:", max_size=12))
def test_whatever_a_name_is_it_becomes_one_file_or_none(name: str) -> None:
    safe = safe_name(name)
    assert safe == os.path.basename(safe) and "\\" not in safe and "\0" not in safe
    assert not safe.startswith(".") and safe_name(safe) == safe


@pytest.mark.parametrize("name", ["", ".", "..", "a/", "...", "/", "\\"])
def test_no_name_is_refused(name: str, folder: Path) -> None:
    (problem,) = save_uploads([(name, b"content")], folder)
    assert problem.reason == "no name that a file can have"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("other", ["a/x.jpg", "X.JPG", "x.jpg"])
def test_files_of_one_name_are_all_refused(other: str, folder: Path) -> None:
    problems = save_uploads([("x.jpg", b"1"), (other, b"2"), ("y.jpg", b"3")], folder)
    assert [str(problem.file) for problem in problems] == ["x.jpg", other]
    assert {problem.reason for problem in problems} == {"2 files of this name were given"}
    assert [file.name for file in folder.iterdir()] == ["y.jpg"]


def test_the_two_ways_to_write_an_accent_are_one_name(folder: Path) -> None:
    assert len(save_uploads([("ä.jpg", b"1"), ("a\u0308.jpg", b"2")], folder)) == 2


def test_files_that_cannot_be_written_are_reported_and_the_others_written(folder: Path) -> None:
    files = [("x" * 300 + ".jpg", b"1"), ("y.jpg", memoryview(b"2"))]
    (problem,) = save_uploads(files, folder)
    assert problem.reason.startswith("could not be written (")
    assert (folder / "y.jpg").read_bytes() == b"2"


def test_a_file_that_is_there_is_not_written_over(folder: Path) -> None:
    (folder / "x.jpg").write_bytes(b"mine")
    (problem,) = save_uploads([("x.jpg", b"theirs")], folder)
    assert "could not be written" in problem.reason
    assert (folder / "x.jpg").read_bytes() == b"mine"


def test_a_full_disk_leaves_no_half_of_a_file(folder: Path, monkeypatch) -> None:
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (problem,) = save_uploads([("x.jpg", b"content")], folder)
    assert problem.reason == "could not be written (No space left on device)"
    assert list(folder.iterdir()) == []

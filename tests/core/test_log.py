"""A log survives kills and full disks, and never touches a file that is not its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from poisonlib.log import Log

ABOUT = {"seed": 0, "tool": "LowKey"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "run.log"


@pytest.mark.parametrize("tail", [b"", b"\n", b'["b", {"x', b"\xff\xfe\n", b"[1]\n", b"null\n"])
def test_results_survive_what_a_kill_does_to_the_end(path: Path, tail: bytes) -> None:
    key = os.fsdecode(b"\xff.png")
    Log(path, about=ABOUT)[key] = {"n": 1}
    path.write_bytes(path.read_bytes() + tail)
    log = Log(path, about=ABOUT)
    assert list(log) == [key] and log[key] == {"n": 1}
    log["c"] = 2
    log[key] = 3
    again = Log(path, about=ABOUT)
    assert dict(again._results) == {key: 3, "c": 2} and again.get("d") is None


def test_another_run_is_named_by_what_differs(path: Path) -> None:
    Log(path, about=ABOUT)["a"] = 1
    with pytest.raises(ValueError, match=r"log of another run \(seed was 0, now 1\); use the same"):
        Log(path, about=ABOUT | {"seed": 1})


@pytest.mark.parametrize("content", [b"a diary", b"a diary\n", b"[]\n", b"\n"])
def test_a_file_that_is_no_log_is_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not the log of a run"):
        Log(path, about=ABOUT)
    assert path.read_bytes() == content


def test_half_a_header_is_written_again(path: Path) -> None:
    Log(path, about=ABOUT)["a"] = 1
    whole = path.read_bytes()
    path.write_bytes(whole[:8])
    Log(path, about=ABOUT)["a"] = 1
    assert path.read_bytes() == whole


def test_a_full_disk_leaves_the_log_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(path, about=ABOUT)
    log["a"] = 1
    whole = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        log["b"] = 2
    assert path.read_bytes() == whole and "b" not in log


def test_without_a_path_it_is_in_memory_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = Log(None, about=ABOUT)
    log["a"] = (1, 2)
    assert log["a"] == [1, 2] and len(log) == 1 and list(tmp_path.iterdir()) == []


def test_a_key_that_could_not_be_read_again_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path / "run.log", about={})
    with pytest.raises(TypeError, match="must be text, got tuple"):
        log["LowKey", 1] = 2
    assert not (tmp_path / "run.log").exists()

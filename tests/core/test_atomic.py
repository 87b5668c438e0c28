"""Files are there as a whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poisonlib import atomic

HALF_WRITTEN = """
import os, signal, sys
from poisonlib import atomic
with atomic.writing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_its_folder_made(tmp_path: Path) -> None:
    atomic.write(tmp_path / "new" / "file", "naïve")
    assert (tmp_path / "new" / "file").read_bytes() == b"na\xc3\xafve"
    assert left(tmp_path / "new") == ["file"]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic.write(path, b"old")
    with atomic.writing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    atomic.write(tmp_path / "file", b"old")
    with pytest.raises(KeyError), atomic.writing(tmp_path / "file") as file:
        file.write(b"half")
        raise KeyError
    assert left(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, monkeypatch) -> None:
    atomic.write(tmp_path / "file", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write(tmp_path / "file", b"new")
    assert left(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_kill_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic.write(path, b"old")
    killed = subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(left(tmp_path)) == 2  # the hidden half is there, and nobody takes it for the file


@pytest.mark.parametrize(("private", "mode"), [(False, 0o644), (True, 0o600)])
def test_permissions_are_those_of_any_new_file_or_private(
    tmp_path: Path, private: bool, mode: int
) -> None:
    before = os.umask(0o022)
    try:
        atomic.write(tmp_path / "file", b"", private=private)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_two_who_write_at_once_do_not_mix(tmp_path: Path) -> None:
    path, both = tmp_path / "file", threading.Barrier(2)

    def write(content: bytes) -> None:
        with atomic.writing(path) as file:
            both.wait()
            file.write(content)

    threads = [threading.Thread(target=write, args=(letter * 100_000,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert left(tmp_path) == ["file"]


@pytest.mark.parametrize("links", [True, False])
def test_an_existing_file_is_only_replaced_if_asked(tmp_path: Path, monkeypatch, links) -> None:
    def refuse(*given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:  # a file system without hard links
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "file"
    atomic.write(path, b"first", overwrite=False)
    with pytest.raises(FileExistsError):
        atomic.write(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first" and left(tmp_path) == ["file"]
    atomic.write(path, b"third")
    assert path.read_bytes() == b"third"


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in (f".1{atomic.PARTIAL}", f"below/.2{atomic.PARTIAL}", ".hidden", "x.partial"):
        (tmp_path / name).touch()
    atomic.remove_partial_files(tmp_path)
    assert left(tmp_path) == [".hidden", "below", "x.partial"]
    assert left(tmp_path / "below") == []


def test_half_characters_are_written_as_codes(tmp_path: Path) -> None:
    """The names of some files hold them; a report that names such a file is not lost."""
    atomic.write(tmp_path / "report", "naïve \udcff")
    assert (tmp_path / "report").read_text(encoding="utf-8") == r"naïve \udcff"

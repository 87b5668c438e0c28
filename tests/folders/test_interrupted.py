"""Killed at any moment, out of room, or run twice at once: nothing is lost or half there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.folders.toys import Tint, content, copies, detect, picture, snapshot
from workbench import folders
from workbench.folders import exclusive, journal

ROOT = Path(__file__).resolve().parents[2]


def run(source, out, **settings):
    return folders.cloak_folder(source, out, Tint(), detect=detect, batch=2, **settings)


def module(name: str, *arguments: object) -> str:
    """What a module of this folder prints, run by itself."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.folders.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_that_is_killed_anywhere_is_resumed_to_the_same_copies(album, tmp_path):
    before = snapshot(album)
    killed = int(module("killed", album, tmp_path / "runs"))
    assert killed > 12
    whole = copies(tmp_path / "runs" / "whole")
    partly = 0
    for number in range(killed):
        out = tmp_path / "runs" / str(number)
        named = copies(out) if out.exists() else {}
        there = {name for name in named if not name.endswith(exclusive.PARTIAL)}
        assert all(named[name] == whole[name] for name in there), "half a copy under its name"
        report = run(album, out)
        assert copies(out) == whole, f"killed at moment {number}"
        assert report.problems == () and report.before == len(there)
        partly += 0 < len(there) < len(whole)
    assert partly > 3, "hardly any was killed between two files"
    assert snapshot(album) == before


@pytest.mark.parametrize("named", [False, True])
def test_a_kill_while_a_copy_is_replaced_loses_neither(album, tmp_path, monkeypatch, named):
    out = tmp_path / "out"
    run(album, out)
    before = copies(out)
    (album / "Ada" / "0.png").write_bytes(content(picture(99)))
    reveal = exclusive.reveal

    def killed(path, final, **keywords):
        if named:
            reveal(path, final, **keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr(exclusive, "reveal", killed)
    with pytest.raises(KeyboardInterrupt):
        run(album, out)
    assert (copies(out)["Ada/0.png"] == before["Ada/0.png"]) == (not named)
    monkeypatch.undo()
    report = run(album, out)
    assert report.problems == () and report.cloaked == (not named)
    assert copies(out)["Ada/0.png"] != before["Ada/0.png"]
    assert run(album, out).before == 5


class Full:
    """A file on a disk that has room for a few bytes."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        self.file.write(content[:10])
        self.file.flush()
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("when", [0, 2])
def test_a_full_disk_ends_the_run_with_everything_whole(album, tmp_path, monkeypatch, when):
    opened, room = Path.open, [when]

    def short(self, mode="r", *given, **keywords):
        file = opened(self, mode, *given, **keywords)
        if mode != "xb":
            return file
        room[0] -= 1
        return file if room[0] >= 0 else Full(file)

    monkeypatch.setattr(Path, "open", short)
    before, out = snapshot(album), tmp_path / "out"
    with pytest.raises(folders.CannotWrite, match="takes no more files .No space left.*goes on"):
        run(album, out)
    assert len(copies(out)) == when, "something half-written is left"
    monkeypatch.undo()
    assert run(album, out).before == when
    assert len(copies(out)) == 5 and snapshot(album) == before


def test_a_disk_that_is_too_full_for_the_journal_ends_the_run(album, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run(album, out)
    (out / "Ada" / "0.png").unlink()
    whole = (out / journal.NAME).read_bytes()
    fsync = os.fsync

    def full(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(journal.NAME):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(folders.CannotWrite, match="Disk quota exceeded"):
        run(album, out)
    assert (out / journal.NAME).read_bytes() == whole and len(copies(out)) == 4


def test_another_error_of_one_file_costs_that_file_only(album, tmp_path, monkeypatch):
    reveal = exclusive.reveal

    def refuse(path, final, **keywords):
        if final.name == "0.png":
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        reveal(path, final, **keywords)

    monkeypatch.setattr(exclusive, "reveal", refuse)
    report = run(album, tmp_path / "out")
    assert report.cloaked == 3 and len(report.problems) == 2
    assert all("File name too long" in problem.reason for problem in report.problems)
    assert len(copies(tmp_path / "out")) == 3


def test_a_file_system_without_links_will_do(album, tmp_path, monkeypatch):
    def refuse(*given):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "out" / "Ada").mkdir(parents=True)
    (tmp_path / "out" / "Ada" / "0.png").write_bytes(b"somebody else's")
    assert run(album, tmp_path / "out").cloaked == 4
    assert (tmp_path / "out" / "Ada" / "0.png").read_bytes() == b"somebody else's"


def test_what_comes_between_looking_and_naming_is_not_overwritten(tmp_path):
    (tmp_path / "whole").write_bytes(b"ours")
    (tmp_path / "name").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        exclusive.reveal(tmp_path / "whole", tmp_path / "name", replace=False)
    assert (tmp_path / "name").read_bytes() == b"theirs"


def test_one_run_at_a_time(album, tmp_path):
    settings = {"seed": 0}
    with (
        journal.Journal(tmp_path, settings),
        pytest.raises(ValueError, match="another run is at work in"),
        journal.Journal(tmp_path, settings),
    ):
        pass
    with journal.Journal(tmp_path, settings):
        pass


@pytest.mark.parametrize(
    "tail", [b"", b"\n", b'{"file": "b.png", "inp', b"\xff\xfe\n", b"[1]\n", b"null\n"]
)
def test_a_journal_survives_what_a_kill_does_to_its_end(tmp_path, tail):
    with journal.Journal(tmp_path, {"seed": 0}) as kept:
        kept.add(file=os.fsdecode(b"\xff.png"), input="1", skipped="no face found")
    path = tmp_path / journal.NAME
    path.write_bytes(path.read_bytes() + tail)
    with journal.Journal(tmp_path, {"seed": 0}) as kept:
        assert list(kept.files) == [os.fsdecode(b"\xff.png")]
        kept.add(file="c.png", input="2", skipped="no face found")
    with journal.Journal(tmp_path, {"seed": 0}) as kept:
        assert list(kept.files) == [os.fsdecode(b"\xff.png"), "c.png"]


@pytest.mark.parametrize("found", [b"a diary", b"a diary\n", b'{"journal": "mine"}\n', b"[]\n"])
def test_a_file_that_is_no_journal_is_left_alone(album, tmp_path, found):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / journal.NAME).write_bytes(found)
    with pytest.raises(ValueError, match="is no journal of ours; use another folder"):
        run(album, tmp_path / "out")
    assert (tmp_path / "out" / journal.NAME).read_bytes() == found


def test_a_header_that_a_kill_has_cut_off_is_written_anew(album, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / journal.NAME).write_bytes(b'{"journal": "photogr')
    assert run(album, tmp_path / "out").cloaked == 5
    first = (tmp_path / "out" / journal.NAME).read_text().splitlines()[0]
    assert json.loads(first)["journal"] == journal.KIND


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    """Each picture has 2.9 MB of pixels: 100 pairs would be 570 MB, and 30 copies 80."""
    made = content(picture(0, size=(1200, 800)), "JPEG")
    for side in ("clean", "cloaked"):
        (tmp_path / side).mkdir()
        for number in range(100):
            (tmp_path / side / f"{number:03}.jpg").write_bytes(made)
    few = tmp_path / "few"
    few.mkdir()
    for number in range(30):
        (few / f"{number:03}.jpg").write_bytes(made)
    paired, cloaked = map(float, module("memory", tmp_path).split())
    assert paired < 30 and cloaked < 40, "megabytes more than after a few files"

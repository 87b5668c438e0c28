"""Killed at any moment, out of room, or run twice at once: nothing is lost or half there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from poisonlib import atomic
from tests.folders.toys import TOYS, Tint, content, copies, picture, snapshot
from workbench import folders
from workbench.folders.cloaking import LOG

ROOT = Path(__file__).resolve().parents[2]


def run(source, out, **settings):
    return folders.cloak_folder(source, out, Tint(), batch=2, **TOYS, **settings)


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
        there = {name for name in named if not name.endswith(atomic.PARTIAL)}
        assert all(named[name] == whole[name] for name in there), "half a copy under its name"
        report = run(album, out)
        assert copies(out) == whole, f"killed at moment {number}"
        assert report.problems == () and report.cloaked_before == len(there)
        partly += 0 < len(there) < len(whole)
    assert partly > 3, "hardly any was killed between two files"
    assert snapshot(album) == before


@pytest.mark.parametrize("named", [False, True])
def test_a_kill_while_a_copy_is_replaced_loses_neither(album, tmp_path, monkeypatch, named):
    out = tmp_path / "out"
    run(album, out)
    before = copies(out)
    (album / "Ada" / "0.png").write_bytes(content(picture(99)))
    write = atomic.write

    def killed(path, content, **keywords):
        if named:
            write(path, content, **keywords)
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        run(album, out)
    assert (copies(out)["Ada/0.png"] == before["Ada/0.png"]) == (not named)
    monkeypatch.undo()
    report = run(album, out)
    assert report.problems == () and report.cloaked == (not named)
    assert copies(out)["Ada/0.png"] != before["Ada/0.png"]
    assert run(album, out).cloaked_before == 5


@pytest.mark.parametrize("when", [0, 2])
def test_a_full_disk_ends_the_run_with_everything_whole(album, tmp_path, monkeypatch, when):
    fsync, room = os.fsync, [when]

    def full(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(atomic.PARTIAL):
            room[0] -= 1
            if room[0] < 0:
                os.truncate(descriptor, 10)
                raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    before, out = snapshot(album), tmp_path / "out"
    with pytest.raises(folders.CannotWrite, match="takes no more files .No space left.*resumes"):
        run(album, out)
    assert len(copies(out)) == when, "something half-written is left"
    monkeypatch.undo()
    assert run(album, out).cloaked_before == when
    assert len(copies(out)) == 5 and snapshot(album) == before


def test_a_disk_that_is_too_full_for_the_log_ends_the_run(album, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run(album, out)
    (out / "Ada" / "0.png").unlink()
    whole = (out / LOG).read_bytes()
    fsync = os.fsync

    def full(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(LOG):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(folders.CannotWrite, match="Disk quota exceeded"):
        run(album, out)
    assert (out / LOG).read_bytes() == whole and len(copies(out)) == 4


def test_another_error_of_one_file_costs_that_file_only(album, tmp_path, monkeypatch):
    write = atomic.write

    def refuse(path, content, **keywords):
        if path.name == "0.png":
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        write(path, content, **keywords)

    monkeypatch.setattr(atomic, "write", refuse)
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


def test_one_run_at_a_time(album, tmp_path):
    """The second run starts while the first one reports its first file."""
    errors = []

    def second(done, total, doing):
        try:
            run(album, tmp_path / "out")
        except ValueError as problem:
            errors.append(str(problem))

    assert run(album, tmp_path / "out", progress=second).cloaked == 5
    assert len(errors) == 5
    assert all("another run is writing to" in error for error in errors)
    assert run(album, tmp_path / "out").cloaked_before == 5


@pytest.mark.parametrize("content", [b"a diary", b"a diary\n", b'{"log": "private"}\n', b"[]\n"])
def test_a_file_that_is_no_log_is_left_alone(album, tmp_path, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LOG).write_bytes(content)
    with pytest.raises(ValueError, match="the log of (a|another) run"):
        run(album, tmp_path / "out")
    assert (tmp_path / "out" / LOG).read_bytes() == content
    assert copies(tmp_path / "out") == {}


def test_a_header_that_a_kill_has_cut_off_is_written_anew(album, tmp_path):
    run(album, tmp_path / "whole")
    header = (tmp_path / "whole" / LOG).read_bytes().splitlines()[0]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LOG).write_bytes(header[:20])
    assert run(album, tmp_path / "out").cloaked == 5
    assert (tmp_path / "out" / LOG).read_bytes().splitlines()[0] == header


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

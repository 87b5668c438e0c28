"""Two builds in one folder would delete each other's files: the second one is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.book.chapters import ROOT


def locked(lock: Path, code: str) -> list[str]:
    return [
        sys.executable,
        str(ROOT / "tools" / "with_lock.py"),
        str(lock),
        sys.executable,
        "-c",
        code,
    ]


def test_a_second_build_is_refused_until_the_first_has_ended_or_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "_build" / "lock"
    wait = "print('at work', flush=True); input()"
    with subprocess.Popen(
        locked(lock, wait), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "at work\n"
        second = subprocess.run(locked(lock, "print('at work')"), capture_output=True, text=True)
        first.kill()
    assert second.returncode == 1 and second.stdout == ""
    assert f"another build is at work in this folder (process {first.pid})" in second.stderr
    third = subprocess.run(locked(lock, "raise SystemExit(7)"), capture_output=True, text=True)
    assert third.returncode == 7, third.stderr


def test_the_book_is_built_under_a_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\nbook:")[1].split("\n\n")[0]
    assert "tools/with_lock.py _build/.lock $(MAKE)" in recipe

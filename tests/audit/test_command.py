"""``audit`` from the command line: exit codes, files, and nothing that leaves the machine."""

from __future__ import annotations

import argparse
import builtins
import hashlib
import json
import socket
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from poisonlib import people
from poisonlib.cli import main
from workbench import audit
from workbench.audit import others, photographs
from workbench.audit.strategies import naive
from workbench.commands import audit as command
from workbench.folders import aligned_pairs

COUNT = 10


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One trainer among few people, a cache of its own, and no way out."""

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("an audit opens a connection")

    few = people.load("users").of_people(range(10))
    monkeypatch.setattr(others.people, "load", lambda split, **more: few)
    monkeypatch.setattr(
        audit, "strategies", lambda *arguments, **keywords: (naive("arcface-2019"),)
    )
    # A negative shows another picture than its photograph, and fools whom it should.
    monkeypatch.setattr(aligned_pairs, "same_picture", lambda *pair, **how: (True, 1.0))
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Portraits, their negatives as a cloak that works, and the portraits as one that does not."""
    for file in people.album(tmp_path / "clean")[COUNT:]:
        file.unlink()
    (tmp_path / "negative").mkdir()
    (tmp_path / "same").mkdir()
    for file in sorted((tmp_path / "clean").iterdir()):
        with Image.open(file) as picture:
            inverted = ImageOps.invert(picture.convert("RGB"))
            inverted.save(tmp_path / "negative" / f"{file.stem}_cloaked.png")
            picture.save(tmp_path / "same" / f"{file.stem}.png")
    return tmp_path


def run(folders: Path, cloaked: str, *more: str) -> int:
    clean, copies = str(folders / "clean"), str(folders / cloaked)
    return main(["audit", "--clean", clean, "--cloaked", copies, *more])


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "cache" not in file.parts
    }


def test_a_cloak_that_works_is_exit_code_0(folders: Path, capsys) -> None:
    before = digests(folders)
    assert run(folders, "negative") == 0
    assert "protects" in capsys.readouterr().out
    assert digests(folders) == before


def test_a_cloak_that_does_nothing_is_exit_code_1(folders: Path, capsys) -> None:
    assert run(folders, "same", "--json") == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["grade"] == "no measurable effect"
    assert len(printed["pairs"]) == COUNT


def test_too_few_to_say_is_exit_code_3(folders: Path, capsys) -> None:
    assert run(folders, "same", "--most", "4") == 3
    assert "not enough photographs to say" in capsys.readouterr().out


def test_the_report_is_private_and_without_faces(folders: Path) -> None:
    report = folders / "out" / "report.html"
    assert run(folders, "negative", "--report", str(report)) == 0
    assert report.stat().st_mode & 0o777 == 0o600
    assert "data:image" not in report.read_text(encoding="utf-8")
    assert [file.name for file in report.parent.iterdir()] == ["report.html"]
    run(folders, "negative", "--report", str(report), "--with-photographs")
    assert "data:image" in report.read_text(encoding="utf-8")


def test_the_command_takes_as_many_pairs_as_the_widget() -> None:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    parsed = parser.parse_args(["audit", "--clean", "a", "--cloaked", "b"])
    assert parsed.most == photographs.MOST_PAIRS


def test_a_report_that_cannot_be_written_loses_nothing(folders: Path, capsys, monkeypatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("poisonlib.atomic.os.replace", full)
    report = folders / "report.html"
    assert run(folders, "negative", "--report", str(report)) == 2
    printed = capsys.readouterr()
    assert "protects" in printed.out and "No space left on device" in printed.err
    assert not [file for file in folders.iterdir() if "report" in file.name]


def test_files_that_cannot_be_used_are_listed(folders: Path, capsys) -> None:
    (folders / "clean" / "000.jpg").write_bytes(b"")
    (folders / "clean" / "notes.txt").write_text("hello", encoding="utf-8")
    assert run(folders, "negative", "--json") == 0
    problems = {
        one["file"]: one["reason"] for one in json.loads(capsys.readouterr().out)["problems"]
    }
    assert set(problems) == {"000.jpg", "notes.txt"}
    assert all(problems.values())


def test_a_background_of_ones_own_shows_progress_and_what_is_left_out(
    folders: Path, capsys, monkeypatch
) -> None:
    for name, group in (("Ada", range(4)), ("Bob", range(4, 8)), ("Cem", range(2))):
        (folders / "crowd" / name).mkdir(parents=True)
        for number in group:
            file = folders / "clean" / f"{number:03}.jpg"
            (folders / "crowd" / name / file.name).write_bytes(file.read_bytes())
    (folders / "crowd" / "Bob" / "letter.txt").write_text("hello", encoding="utf-8")
    monkeypatch.setattr(others, "MOST_OTHERS", 9)
    assert run(folders, "negative", "--background", str(folders / "crowd")) in (0, 1, 3)
    printed = capsys.readouterr().err
    assert "9/9  looking for faces in crowd" in printed
    left_out = [
        line for line in printed.splitlines() if line.startswith("left out of the background")
    ]
    assert any("letter.txt: not a readable picture" in line for line in left_out)
    assert any("9 of its 11 files" in line for line in left_out)


def test_no_trainer_that_can_tell_is_exit_code_3(folders: Path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(audit.verdict.__globals__, "RECOGNISES_BELOW", 0.0)
    assert run(folders, "negative", "--json", "--report", str(folders / "report.html")) == 3
    printed = json.loads(capsys.readouterr().out)
    assert printed["grade"] == audit.CANNOT_TELL and printed["strongest"] is None
    report = (folders / "report.html").read_text(encoding="utf-8")
    assert "Verdict: These trainers cannot tell whether the cloak works." in report
    assert run(folders, "negative") == 3
    assert audit.CANNOT_TELL in capsys.readouterr().out


def test_the_printed_answer_says_what_was_asked(folders: Path, capsys) -> None:
    run(folders, "negative")
    printed = capsys.readouterr().out
    assert "learnt from rendered people only" in printed and "arcface-2019" in printed
    assert photographs.MEANING in printed and photographs.AMONG_RENDERED in printed


@pytest.mark.parametrize(
    ("options", "which"), [((), "audit"), (("--quick",), "quick"), (("--all",), "all")]
)
def test_the_options_choose_the_line_up(monkeypatch, options: tuple[str, ...], which: str) -> None:
    asked = []
    monkeypatch.setattr(
        audit, "strategies", lambda which, *, extractors: asked.append((which, extractors))
    )
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    command._line_up(parser.parse_args(["audit", "--clean", "a", "--cloaked", "b", *options]))
    ((chosen, naive_ones),) = asked
    assert chosen == which
    assert ("dlib-2017" in naive_ones) if which == "all" else naive_ones is None


@pytest.mark.parametrize(
    "wrong, message",
    [
        (["--with-photographs"], "--with-photographs needs --report"),
        (["--most", "0"], "most must be at least 1"),
        (["--background", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(folders: Path, capsys, wrong, message) -> None:
    assert run(folders, "negative", *wrong) == 2
    assert message in capsys.readouterr().err


def test_a_missing_folder_is_exit_code_2(folders: Path, capsys) -> None:
    assert run(folders, "glazed") == 2
    assert "glazed" in capsys.readouterr().err


def test_an_audit_is_of_one_person(folders: Path, capsys) -> None:
    for side in ("clean", "negative"):
        for name in ("Ada", "Ben"):
            (folders / side / name).mkdir()
            for file in sorted((folders / side).glob("00*"))[:2]:
                file.rename(folders / side / name / file.name)
    assert run(folders, "negative") == 2
    printed = capsys.readouterr().err
    assert "3 people (Ada, Ben, and files in no folder)" in printed
    assert f"--clean {folders / 'clean' / 'Ada'} --cloaked" in printed
    assert run(folders, "negative", "--layout", "one") == 0
    assert f"{folders / 'clean'}: 1 person, 10 files" in capsys.readouterr().err


def test_the_report_is_on_the_disk_before_anything_is_printed(folders: Path, monkeypatch) -> None:
    report = folders / "report.html"

    def fails(*lines: object, **how: object) -> None:
        if how.get("file") is None:
            assert report.is_file(), "printed before the report was written"

    monkeypatch.setattr(builtins, "print", fails)
    assert run(folders, "negative", "--json", "--report", str(report)) == 0
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")

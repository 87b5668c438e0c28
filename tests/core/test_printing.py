"""Printing never fails a command: any name, any encoding, a reader who leaves, a full disk."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from poisonlib import cli
from poisonlib.printing import forgiving

ROOT = Path(__file__).resolve().parents[2]
NAME = "Zoë 写真 \udcff"
"""Not in ASCII, not in cp1252, and not even in UTF-8: the name of a file on an old disk."""
COMMAND = """
import sys
from pathlib import Path
from types import SimpleNamespace
from poisonlib import cli
chosen = sys.argv[1]
def run(arguments):
    name = "Zo\\u00eb \\u5199\\u771f \\udcff"
    for line in range(5000):
        print(line, name)
    print(name, file=sys.stderr)
    Path(chosen).write_text("done")
    if len(sys.argv) > 2:
        raise ValueError(name)
    return 3
chosen_command = SimpleNamespace(run=run)
cli.parser = lambda: SimpleNamespace(parse_args=lambda given: chosen_command)
sys.exit(cli.main([]))
"""


def command(tmp_path: Path, *more: str, **settings) -> tuple[subprocess.CompletedProcess, bool]:
    """A command that prints five thousand lines, then writes a file; and whether it did."""
    done = tmp_path / "done"
    done.unlink(missing_ok=True)
    environment = {"PYTHONPATH": str(ROOT), **settings.pop("env", {})}
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, str(done), *more],
        env=os.environ | environment,
        timeout=120,
        **settings,
    )
    return ended, done.exists()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "latin-1", "ascii:strict"])
def test_any_name_is_printed_in_any_encoding(encoding, tmp_path):
    ended, done = command(tmp_path, env={"PYTHONIOENCODING": encoding}, capture_output=True)
    assert (ended.returncode, done) == (3, True), ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 5000 and lines[-1].startswith(b"4999 Zo")
    assert rb"\udcff" in lines[0], "what cannot be encoded is printed as a code"
    assert (rb"\u5199" in lines[0]) == (encoding != "utf-8")
    wrong, _ = command(tmp_path, "wrong", env={"PYTHONIOENCODING": encoding}, capture_output=True)
    assert wrong.returncode == 2 and wrong.stderr.splitlines()[-1].startswith(b"poisonlib: Zo")
    assert b"Traceback" not in wrong.stderr


def test_a_reader_who_leaves_stops_nothing(tmp_path):
    receives, sends = os.pipe()
    os.close(receives)
    ended, done = command(tmp_path, stdout=sends, stderr=subprocess.PIPE)
    os.close(sends)
    assert (ended.returncode, done) == (3, True), "the command's own exit code, its work done"
    assert b"Exception" not in ended.stderr and b"Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_stops_nothing_and_is_told(tmp_path):
    with open("/dev/full", "wb") as full:
        ended, done = command(tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert (ended.returncode, done) == (2, True)
    assert b"what was printed is incomplete" in ended.stderr
    assert b"Exception" not in ended.stderr and b"Traceback" not in ended.stderr


def test_closed_streams_stop_nothing(tmp_path):
    script = f'exec "{sys.executable}" -c "$0" "$@" >&- 2>&-'
    done = tmp_path / "done"
    ended = subprocess.run(
        ["bash", "-c", script, COMMAND, str(done)], env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert (ended.returncode, done.exists()) == (3, True)


def test_streams_are_as_before_afterwards(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    with forgiving():
        print(NAME)
    assert sys.stdout is out and out.errors == "strict"
    assert out.buffer.getvalue() == rb"Zo\xeb \u5199\u771f \udcff" + b"\n"
    with pytest.raises(UnicodeEncodeError):
        print(NAME)


class Broken(io.StringIO):
    def __init__(self, code: int) -> None:
        super().__init__()
        self.code, self.tries = code, 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize(("code", "told"), [(errno.EPIPE, 0), (errno.ENOSPC, 1), (errno.EIO, 1)])
def test_a_stream_that_fails_is_tried_once(monkeypatch, code, told):
    broken = Broken(code)
    monkeypatch.setattr(sys, "stdout", broken)
    with forgiving() as problems:
        print("one")
        print("two")
    assert broken.tries == 1 and len(problems) == told


def test_a_stream_without_an_encoding_of_its_own_is_used_as_it_is(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", None)
    with forgiving():
        print("Zoë 写真")
    assert sys.stdout is out and sys.stderr is None
    assert out.getvalue() == "Zoë 写真\n"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "a file").write_text("")
    from types import SimpleNamespace

    def run(arguments):
        (tmp_path / "a file" / "out").write_text("result")

    with pytest.MonkeyPatch.context() as patch:
        parser = SimpleNamespace(parse_args=lambda given: SimpleNamespace(run=run))
        patch.setattr(cli, "parser", lambda: parser)
        assert cli.main([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("poisonlib: [Errno 20] Not a directory") and said.count("\n") == 1


def test_a_scoreboard_is_printed_even_if_it_cannot_be_saved(tmp_path, monkeypatch, capsys):
    from studio import scoreboard
    from studio.commands import reproduce, shape

    class Recorded:
        table, provenance = "table", "here"

        def save(self, path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(shape, "run_study", lambda *_: Recorded())
    monkeypatch.setattr(scoreboard, "judge", lambda table: [table])
    monkeypatch.setattr(reproduce, "as_text", lambda board, origin: f"{board} from {origin}")
    asked = ["reproduce", "--profile", "quick", "--out-folder", str(tmp_path)]
    assert cli.main(asked) == 2
    said = capsys.readouterr()
    assert said.out == "['table'] from here\n"
    assert "No space left on device" in said.err and "Traceback" not in said.err


def test_the_output_of_a_command_is_whole(capsys):
    assert cli.main(["reproduce", "--criteria", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)

"""What a run has done, one JSON line a file, so that a killed one goes on where it was.

The first line holds the settings. A file's line is written before its photograph gets its name: the
line of a run that is killed in between describes a photograph that is not there, which is then made
again. The last line of a file counts; a line that was cut off does not.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.folders.exclusive import HOPELESS
from workbench.photos.walk import shown

NAME = "poisonlib-cloak.jsonl"
KIND = "photographs cloaked by poisonlib"


class Journal:
    """The journal in a folder, held by one run at a time.

    Use as a context. Paths of files are strings as ``os.fsdecode`` has them, so that names that are
    no text come back as they were.

    Args:
        folder: that the photographs are written to; made if there is none.
        settings: of the run, plain values by name.

    Raises:
        ValueError: the folder cannot be written to, or holds photographs that were cloaked with
            other settings, another run is at work in it, or the file of that name is no journal.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.path = folder / NAME
        self.settings = json.loads(json.dumps(dict(settings)))
        self.files: dict[str, dict[str, Any]] = {}
        self.targets: dict[str, str] = {}

    def __enter__(self) -> Journal:
        if self.path.is_symlink():
            raise ValueError(f"{shown(self.path)} is a link; remove it or use another folder")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("a+b", buffering=0)  # nothing is left to be written later
        except OSError as problem:
            if problem.errno in HOPELESS:
                raise
            raise ValueError(
                f"{shown(self.path.parent)} cannot be written to ({problem.strerror}); use another "
                "folder"
            ) from problem
        try:
            self._hold()
            self._resume()
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self.file.close()

    def add(self, **line: Any) -> None:
        """Append a line and see it onto the disk.

        Raises:
            OSError: it cannot be written; the journal is as it was.
        """
        end = self.file.seek(0, os.SEEK_END)
        left = json.dumps(line).encode() + b"\n"
        try:
            while left:
                left = left[self.file.write(left) :]
            os.fsync(self.file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self.file.truncate(end)
            raise
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        if "file" in line:
            self.files[line["file"]] = dict(line)
        elif "person" in line:
            self.targets[line["person"]] = line["target"]

    def _hold(self) -> None:
        with contextlib.suppress(ImportError):  # no such locks on this system
            import fcntl

            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise ValueError(
                    f"another run is at work in {shown(self.path.parent)}; wait for it, or use "
                    "another folder"
                ) from problem

    def _resume(self) -> None:
        content = self._whole_lines()
        if not content:
            self.add(journal=KIND, settings=self.settings)
            return
        first, *rest = _parsed(content)
        if first.get("journal") != KIND:
            raise ValueError(f"{shown(self.path)} is no journal of ours; use another folder")
        before = first["settings"]
        if before != self.settings:
            names = sorted(before.keys() | self.settings.keys())
            changed = [name for name in names if before.get(name) != self.settings.get(name)]
            said = "; ".join(
                f"{name} was {before.get(name)!r}, now {self.settings.get(name)!r}"
                for name in changed
            )
            raise ValueError(
                f"{shown(self.path.parent)} holds photographs that were cloaked with other "
                f"settings ({said}); use another folder, or the settings of then"
            )
        for line in rest:
            self._take(line)

    def _whole_lines(self) -> bytes:
        """The content without a last line that a kill has cut off, which goes from the file."""
        self.file.seek(0)
        content = self.file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            if not whole and not content.startswith(b'{"journal'):
                raise ValueError(f"{shown(self.path)} is no journal of ours; use another folder")
            self.file.truncate(len(whole))
        return whole


def _parsed(content: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects; the first is one in any case, if only an empty one."""
    for number, line in enumerate(content.splitlines()):
        try:
            parsed = json.loads(line)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            yield parsed
        elif number == 0:
            yield {}

"""Results of a long run, appended one by one to a file from which the run resumes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Log:
    """A mapping from keys to JSON values that survives a kill.

    The file begins with what the run is about; each finished result is one more line, flushed to
    disk before the next one is begun. A last line that was cut off by a kill is dropped, and its
    result computed again. The last line of a key counts.

    Args:
        path: of the file, made on the first result; None for a log in memory alone.
        about: what all results depend on, as JSON values. A file about something else is refused.

    Raises:
        ValueError: the file is about something else, or is no such log; it is left as it is.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib.log import Log
        >>> log = Log(Path("run.log"), about={"seed": 0})
        >>> log["first"] = [1, 2]
        >>> Log(Path("run.log"), about={"seed": 0})["first"]
        [1, 2]
        >>> Log(Path("run.log"), about={"seed": 1})
        Traceback (most recent call last):
        ValueError: run.log is the log of another run (seed was 0, now 1); use the same ...
    """

    def __init__(self, path: Path | None, *, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, json.loads(json.dumps(dict(about)))
        self._results: dict[str, Any] = {}
        if path is not None and path.exists():
            self._read(path)

    def __contains__(self, key: str) -> bool:
        return key in self._results

    def __getitem__(self, key: str) -> Any:
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: str, default: Any = None) -> Any:
        """The result of a key, or the default."""
        return self._results.get(key, default)

    def __setitem__(self, key: str, result: Any) -> None:
        """Append a result.

        Raises:
            TypeError: a key that is no text, or a result that JSON cannot hold.
            OSError: it cannot be written; the file is as it was.
        """
        if not isinstance(key, str):
            raise TypeError(f"a key of a log must be text, got {type(key).__name__}")
        line = json.dumps([key, result])
        if self.path is not None:
            self._append(self.path, line)
        self._results[key] = json.loads(line)[1]

    def _append(self, path: Path, line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            header = f"{json.dumps(self.about)}\n" if end == 0 else ""
            rest = f"{header}{line}\n".encode()
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:  # a full disk
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise

    def _read(self, path: Path) -> None:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if not whole and json.dumps(self.about).encode().startswith(content):
            os.truncate(path, 0)  # killed while the very first line was written
            return
        first, *lines = map(_parsed, whole.splitlines() or [b""])
        if not isinstance(first, dict):
            raise ValueError(f"{path} is not the log of a run; move it away, or use another place")
        if first != self.about:
            changes = "; ".join(
                f"{name} was {first.get(name)!r}, now {self.about.get(name)!r}"
                for name in sorted(first.keys() | self.about.keys())
                if first.get(name) != self.about.get(name)
            )
            raise ValueError(
                f"{path} is the log of another run ({changes}); use the same settings as then, or "
                "another place"
            )
        for line in lines:
            if isinstance(line, list) and len(line) == 2:
                self._results[line[0]] = line[1]
        if len(whole) < len(content):  # the next line must not be glued to half a line
            os.truncate(path, len(whole))


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None

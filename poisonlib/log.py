"""Results of a long run, appended one by one to a file from which the run resumes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Log:
    """A mapping from keys to JSON values that survives a kill.

    The file begins with what the run is about; each finished result is one more line, flushed to
    disk before the next one is begun. A last line that was cut off by a kill is dropped, and its
    result computed again.

    Args:
        path: of the file, made on the first result; None for a log in memory alone.
        about: what all results depend on, as JSON values. A file about something else is refused.

    Raises:
        ValueError: the file is about something else, or is no such log.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib.log import Log
        >>> log = Log(Path("run.log"), about={"seed": 0})
        >>> log["first"] = [1, 2]
        >>> Log(Path("run.log"), about={"seed": 0})["first"]
        [1, 2]
        >>> Log(Path("run.log"), about={"seed": 1})
        Traceback (most recent call last):
        ValueError: run.log is the log of another run, about {'seed': 0} and not {'seed': 1}; ...
    """

    def __init__(self, path: Path | None, *, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, dict(about)
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

    def __setitem__(self, key: str, result: Any) -> None:
        line = json.dumps([key, result])
        self._results[key] = json.loads(line)[1]
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            if file.tell() == 0:
                file.write(json.dumps(self.about) + "\n")
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self, path: Path) -> None:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            about, *results = [json.loads(line) for line in whole.splitlines()] or [None]
            self._results = dict(results)
        except (ValueError, TypeError) as problem:
            raise ValueError(
                f"{path} is not the log of a run ({problem}); move it away to start again"
            ) from problem
        if about is not None and about != self.about:
            raise ValueError(
                f"{path} is the log of another run, about {about} and not {self.about}; "
                "move it away, or choose another file"
            )
        if len(whole) < len(content):  # the next line must not be glued to half a line
            os.truncate(path, len(whole))

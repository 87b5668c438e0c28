"""Printing that never fails, whatever a command prints and wherever the output goes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO


@contextlib.contextmanager
def forgiving() -> Iterator[list[OSError]]:
    """Let what is printed to standard output and standard error meanwhile never raise.

    Characters that a stream cannot encode are printed as ``\\\\x`` codes. If a stream can no longer
    be written (the reader of a pipe has left, a disk is full), the rest of what is printed there is
    dropped, and the work continues.

    Yields:
        a list to which the problem of each stream is added that could not be written, but for
        readers who have left.

    Example:
        >>> from poisonlib.printing import forgiving
        >>> with forgiving() as problems:
        ...     print("naïve")
        naïve
        >>> problems
        []
    """
    problems: list[OSError] = []
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as undo:
        for stream in before:
            undo.callback(_encoding_anything(stream))
        sys.stdout, sys.stderr = (
            None if stream is None else _Forgiving(stream, problems) for stream in before
        )
        try:
            yield problems
        finally:
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, _Forgiving):
                    stream.flush()
            sys.stdout, sys.stderr = before


def _encoding_anything(stream: Any) -> Callable[[], None]:
    """Let a stream print any character; returns what undoes it."""
    errors = getattr(stream, "errors", None)
    try:
        stream.reconfigure(errors="backslashreplace")
    except (AttributeError, OSError, ValueError):  # a notebook's stream, or one that is closed
        return lambda: None

    def undo() -> None:
        with contextlib.suppress(OSError, ValueError):
            stream.reconfigure(errors=errors)

    return undo


class _Forgiving:
    """A text stream that drops what cannot be written."""

    def __init__(self, stream: TextIO, problems: list[OSError]) -> None:
        self._stream, self._problems, self._works = stream, problems, True

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, call: Callable[..., Any], *arguments: str) -> None:
        if not self._works:
            return
        try:
            call(*arguments)
        except UnicodeError:  # a stream that could not be told how to print it
            pass
        except (OSError, ValueError) as problem:  # ValueError: the stream is closed
            self._works = False
            if isinstance(problem, OSError) and problem.errno not in (errno.EPIPE, errno.EINVAL):
                self._problems.append(problem)
            self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        """Let what the stream still holds, and writes when it is closed, go nowhere."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

"""Files that are there as a whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def writing(path: Path | str, *, private: bool = False) -> Iterator[IO[bytes]]:
    """Write a file in one step: readers see the old file or the new one, never half.

    What is written goes into a hidden file beside it, which takes its name when the block ends. If
    the block fails, the hidden file is removed; if the process is killed, it stays.

    Args:
        path: of the file; its folder is made if it is not there.
        private: whether only its owner may read it.

    Yields:
        a binary file to write into.

    Raises:
        OSError: it cannot be written; what was at ``path`` is as it was.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> with atomic.writing("notes/mine.txt") as file:
        ...     _ = file.write(b"half")
        ...     Path("notes/mine.txt").exists()
        False
        >>> Path("notes/mine.txt").read_text()
        'half'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    permissions = 0o600 if private else 0o666  # less what the process masks
    try:
        with open(
            partial, "xb", opener=lambda name, flags: os.open(name, flags, permissions)
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):  # the first problem is the one to tell
            partial.unlink(missing_ok=True)


def write(path: Path | str, content: bytes | str, *, private: bool = False) -> None:
    """Write bytes, or text as UTF-8, in one step; see :func:`writing`.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> atomic.write("mine.txt", "naïve")
        >>> Path("mine.txt").stat().st_size
        6
    """
    with writing(path, private=private) as file:
        file.write(content.encode() if isinstance(content, str) else content)

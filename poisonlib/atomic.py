"""Files that appear complete or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PARTIAL = ".poisonlib-partial"
"""How the hidden names of files end that are still being written."""


@contextlib.contextmanager
def writing(
    path: Path | str, *, private: bool = False, overwrite: bool = True
) -> Iterator[IO[bytes]]:
    """Write a file in one step: readers see the old file or the new one, never half.

    The data go into a hidden file in the same folder, which is renamed when the block ends. If the
    block fails, the hidden file is removed; if the process is killed, it remains.

    Args:
        path: of the file; its folder is created if necessary.
        private: whether only its owner may read it.
        overwrite: whether an existing file is replaced.

    Yields:
        a binary file to write into.

    Raises:
        FileExistsError: ``path`` exists and is not to be overwritten.
        OSError: it cannot be written; what was at ``path`` is as it was.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> with atomic.writing("notes/today.txt") as file:
        ...     _ = file.write(b"half")
        ...     Path("notes/today.txt").exists()
        False
        >>> Path("notes/today.txt").read_text()
        'half'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(8)}{PARTIAL}")
    permissions = 0o600 if private else 0o666  # less what the process masks
    try:
        with open(
            partial, "xb", opener=lambda name, flags: os.open(name, flags, permissions)
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(partial, path)
        else:
            _rename_to_new(partial, path)
    finally:
        with contextlib.suppress(OSError):  # the first problem is the one to report
            partial.unlink(missing_ok=True)


def write(
    path: Path | str, content: bytes | str, *, private: bool = False, overwrite: bool = True
) -> None:
    """Write bytes, or text as UTF-8, in one step; see :func:`writing`.

    Lone surrogates, as in file names that are not valid UTF-8, are written as ``\\u`` codes.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> atomic.write("today.txt", "naïve")
        >>> Path("today.txt").stat().st_size
        6
    """
    with writing(path, private=private, overwrite=overwrite) as file:
        is_text = isinstance(content, str)
        file.write(content.encode("utf-8", "backslashreplace") if is_text else content)


def remove_partial_files(folder: Path) -> None:
    """Remove the partial files of killed processes from a folder and its subfolders.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> Path(f".half{atomic.PARTIAL}").touch()
        >>> atomic.remove_partial_files(Path("."))
        >>> list(Path(".").iterdir())
        []
    """
    for above, _, files in os.walk(folder):
        for name in files:
            if name.startswith(".") and name.endswith(PARTIAL):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(above, name))


def _rename_to_new(partial: Path, path: Path) -> None:
    """Rename a file; fail if the new name exists, unlike ``os.rename``."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "File exists", str(path)) from None
        os.replace(partial, path)

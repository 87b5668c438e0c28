"""Files that appear whole or not at all, inside one folder, and over nobody else's."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from poisonlib.hashing import sha256
from workbench.photos.walk import shown

PARTIAL = ".poisonlib-partial"
HOPELESS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ESTALE")
    if hasattr(errno, name)
}
"""After these errors no other file can be written either."""


class CannotWrite(Exception):
    """The folder takes no more files: the disk is full, or gone. What is there is whole.

    Example:
        >>> from workbench import folders
        >>> try:
        ...     pass  # folders.cloak_folder("album", "cloaked", tool)
        ... except folders.CannotWrite as problem:
        ...     print(problem, "- nothing is lost")
    """


@contextlib.contextmanager
def stopping(folder: Path):
    """Turn errors after which nothing can be written any more into `CannotWrite`."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in HOPELESS:
            raise
        raise CannotWrite(
            f"{shown(folder)} takes no more files ({problem.strerror}); what is there is whole. "
            "Make room, then the same command goes on from here"
        ) from problem


def partial(folder: Path, file: Path) -> Path:
    """Where a file's content lies until it is whole; the same for every run.

    Makes the folders in between.

    Args:
        folder: that nothing may be written outside of.
        file: relative to it.

    Raises:
        ValueError: a link on the way leads out of the folder.
        OSError: a folder cannot be made.
    """
    above = (folder / file).parent
    if not Path(os.path.realpath(above)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"{shown(above)} leads out of the folder that is written to")
    above.mkdir(parents=True, exist_ok=True)
    named = sha256(os.fsencode(file.name))[:16]
    return above / f".{named}{PARTIAL}"


def write(path: Path, content: bytes) -> None:
    """Write a file anew and see it onto the disk.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    try:
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def reveal(path: Path, final: Path, *, replace: bool) -> None:
    """Give a whole file its name, in one step.

    Args:
        path: of the whole file, in the folder of ``final``.
        final: the name.
        replace: whether a file of that name may be replaced.

    Raises:
        FileExistsError: there is one, and it may not.
        OSError: it cannot be written.
    """
    if replace:
        os.replace(path, final)
    else:
        try:
            os.link(path, final)  # fails where there is a file, unlike a renaming
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(final):
                raise FileExistsError(errno.EEXIST, "File exists", str(final)) from None
            os.replace(path, final)
        else:
            path.unlink()
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def tidy(folder: Path) -> None:
    """Remove what killed runs have left half-written in a folder and below."""
    for above, _, files in os.walk(folder):
        for name in files:
            if name.startswith(".") and name.endswith(PARTIAL):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(above, name))

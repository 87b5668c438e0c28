"""Which files a folder holds, however deep, without ever leaving it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Skipped:
    """A file that was not used, and why.

    Example:
        >>> from pathlib import Path
        >>> from workbench.photos import Skipped
        >>> print(Skipped(Path("album/Ada/notes.txt"), "not a picture"))
        album/Ada/notes.txt: not a picture
    """

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"{shown(self.file)}: {self.reason}"


def shown(path: Path | str) -> str:
    """A path that can be printed and says the same: what is not printable is written as ``\\x..``.

    Names of files may hold line breaks, commands to a terminal, and bytes that are no text at all.
    """
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(path))


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, in the order of names; hidden files are passed over."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """So many of a list, evenly spread; all of a shorter one."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def walk(folder: Path) -> Iterator[Path | Skipped]:
    """Everything in a folder and the folders below it, in the order of names.

    Only names are looked at: whether a path is a picture is for `pictures.read` to say. Links to
    folders are not followed, so that no walk is endless or ends elsewhere. Hidden files and folders
    are passed over.

    Args:
        folder: absolute or not.

    Yields:
        paths below ``folder`` that are no folders, and what could not be looked into, with paths
        relative to ``folder``.
    """
    pending = [folder]
    while pending:
        path = pending.pop()
        if path != folder and not os.path.isdir(path):  # of what may not be asked, neither
            yield path
        elif path != folder and path.is_symlink():
            yield Skipped(path.relative_to(folder), "a link to a folder; it is not followed")
        else:
            try:
                pending += reversed(visible(path))
            except OSError as problem:
                why = f"a folder that cannot be read ({problem.strerror})"
                yield Skipped(path.relative_to(folder), why)


def checked(folder: Path | str, *, what: str) -> Path:
    """A folder that is there.

    Args:
        folder: of the caller's choice.
        what: it should hold, for the message.

    Raises:
        FileNotFoundError: it is not there, or no folder.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no folder {shown(folder)}; give one that holds {what}")
    return folder

"""Which files a folder holds, however deep, without ever leaving it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")

LOG = "poisonlib-cloak.jsonl"
"""The log of what was cloaked, in the folder of the copies; see :class:`poisonlib.log.Log`."""
NOT_PHOTOGRAPHS = frozenset((LOG, "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir"))
"""Files and folders that this package, systems and network drives write beside photographs. They
are nobody's photographs and are left out without a word, like all that is hidden."""
PLACEHOLDER = re.compile(r"\.(?P<name>.+)\.icloud$", re.IGNORECASE)
"""What iCloud leaves of a photograph that is not on this machine."""


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
        return f"{printable(self.file)}: {self.reason}"


def printable(path: Path | str) -> str:
    """A path as printable text, with everything else escaped like ``\\x1b``.

    File names may hold line breaks, terminal escape codes, and bytes that are not text at all.
    """
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(path))


def list_visible(folder: Path) -> list[Path]:
    """The entries of a folder that may be photographs or hold some, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in NOT_PHOTOGRAPHS
    )


def placeholders(folder: Path) -> list[tuple[Path, str]]:
    """Hidden files that stand for photographs elsewhere, and the photographs' names."""
    found = ((path, PLACEHOLDER.fullmatch(path.name)) for path in sorted(folder.iterdir()))
    return [(path, match["name"]) for path, match in found if match]


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, evenly spaced; all of a shorter list."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def walk(folder: Path) -> Iterator[Path | Skipped]:
    """Everything in a folder and the folders below it, sorted by name.

    Only names are read: whether a path is a picture is for `pictures.read` to say. Links to folders
    are not followed, so that no walk is endless or ends elsewhere. Hidden files and folders are
    left out, and those of `NOT_PHOTOGRAPHS`.

    Args:
        folder: absolute or not.

    Yields:
        paths below ``folder`` that are no folders, and what was left out and may have been meant,
        with paths relative to ``folder``.
    """
    pending = [folder]
    while pending:
        path = pending.pop()
        if path != folder and not os.path.isdir(path):  # or one whose kind is not readable
            yield path
        elif path != folder and path.is_symlink():
            yield Skipped(path.relative_to(folder), "a link to a folder; it is not followed")
        else:
            try:
                pending += reversed(list_visible(path))
                elsewhere = placeholders(path)
            except OSError as problem:
                reason = f"a folder that cannot be read ({problem.strerror})"
                yield Skipped(path.relative_to(folder), reason)
                continue
            for place, name in elsewhere:
                reason = f"stands for {printable(name)}, which is in iCloud and not on this machine"
                yield Skipped(place.relative_to(folder), f"{reason}; download it first")


def existing_folder(folder: Path | str, *, what: str) -> Path:
    """A folder, checked to exist.

    Args:
        folder: of the caller's choice.
        what: it should hold, for the message.

    Raises:
        FileNotFoundError: it does not exist, or is no folder.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no folder {printable(folder)}; give one that holds {what}")
    return folder

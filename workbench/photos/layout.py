"""Whose photographs a folder holds: the one reading of folders that all commands share.

A folder directly in the given one is a person, named after it, however deep their photographs lie.
If all such folders are dates, or what cameras name theirs, everything is of one person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.photos.walk import Skipped, existing_folder, printable, walk

Layout = Literal["auto", "people", "one"]
"""How to read a folder: by the names in it, as one folder for each person, or as one person's."""
LAYOUTS = ("auto", "people", "one")

NOBODY = ""
"""The name of the person on photographs that lie in no person's folder."""
SHOWN = 5
"""So many names are printed at most."""

DATE_OR_CAMERA = re.compile(
    r"(\d{1,8}"  # 2001, 07, 20010713
    r"|\d{4}[-_. ]\d{1,2}([-_. ]\d{1,2})?([-_. ,].*)?"  # 2001-07-13 garden
    r"|\d{1,2}[-_. ]\d{1,2}[-_. ]\d{2,4}"  # 13.07.2001
    r"|\d{3}[A-Z_]{5}|dcim|camera|camera roll|phone|screenshots)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Album:
    """Files by person. Prints as what was understood.

    Attributes:
        folder: that was read.
        people: for each person's name the files, with paths relative to the folder, by name. Files
            in no person's folder are those of `NOBODY`, as are all of one person's album.
        problems: what was left out and may have been meant, relative too, and why.

    Example:
        >>> from pathlib import Path
        >>> from workbench.photos.layout import read_album
        >>> for file in ("Ada/2001/garden.jpg", "Ada/beach.jpg", "Ben/party.jpg"):
        ...     Path("album", file).parent.mkdir(parents=True, exist_ok=True)
        ...     _ = Path("album", file).write_bytes(b"")
        >>> print(read_album("album"))
        album: 2 people (Ada, Ben), 3 files
        >>> print(read_album("album/Ada"))
        album/Ada: 1 person, 2 files
    """

    folder: Path
    people: dict[str, tuple[Path, ...]]
    problems: tuple[Skipped, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, person by person."""
        return tuple(file for files in self.people.values() for file in files)

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the people who have folders."""
        return tuple(name for name in self.people if name != NOBODY)

    def __str__(self) -> str:
        count = len(self.people)
        people = "1 person" if count == 1 else f"{count} people"
        if self.names:
            shown = [printable(name) for name in self.names[:SHOWN]]
            more = ["..."] if len(self.names) > SHOWN else []
            loose = ["and files in no folder"] if NOBODY in self.people else []
            people += f" ({', '.join([*shown, *more, *loose])})"
        files = len(self.files)
        return f"{printable(self.folder)}: {people}, {files} file{'s' if files != 1 else ''}"


def read_album(folder: Path | str, *, layout: Layout = "auto", what: str = "photographs") -> Album:
    """Whose photographs lie where below a folder. No file is opened.

    Args:
        folder: in one of the layouts ``Ada/*.jpg``, ``Ada/2001/*.jpg``, ``2001/*.jpg``, ``*.jpg``.
        layout: ``"people"``, a folder for each person; ``"one"``, all of one person; or decided by
            the names.
        what: the folder should hold, for the message.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: another layout.

    Example:
        >>> from pathlib import Path
        >>> from workbench.photos.layout import read_album
        >>> for file in ("2001/garden.jpg", "2002-07/beach.jpg"):
        ...     Path("phone", file).parent.mkdir(parents=True, exist_ok=True)
        ...     _ = Path("phone", file).write_bytes(b"")
        >>> print(read_album("phone"))
        phone: 1 person, 2 files
        >>> print(read_album("phone", layout="people"))
        phone: 2 people (2001, 2002-07), 2 files
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    folder = existing_folder(folder, what=what)
    files, problems = [], []
    for entry in walk(folder):
        if isinstance(entry, Skipped):
            problems.append(entry)
        else:
            files.append(entry.relative_to(folder))
    tops = {file.parts[0] for file in files if len(file.parts) > 1}
    if layout == "auto":
        layout = "one" if all(map(DATE_OR_CAMERA.fullmatch, tops)) else "people"
    people: dict[str, list[Path]] = {}
    for file in files:
        own = layout == "people" and len(file.parts) > 1
        people.setdefault(file.parts[0] if own else NOBODY, []).append(file)
    return Album(folder, {name: tuple(own) for name, own in people.items()}, tuple(problems))

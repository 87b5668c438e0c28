"""Files that somebody has sent, written into a folder under names that cannot leave it."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from workbench.photos.walk import Skipped

FORBIDDEN = frozenset('<>:"|?*')
"""What some system or other does not allow in a name, beside what cannot be printed."""


def received(files: Iterable[tuple[str, bytes | memoryview]], folder: Path) -> tuple[Skipped, ...]:
    """Write files into a folder of their own, as an upload brings them: a name and a content.

    Of a name only what follows the last slash of either kind counts. Files whose names then are
    the same, but for capitals and the ways to write an accented letter, are all refused: which of
    them is meant is not ours to guess.

    Args:
        files: names as they came, and contents.
        folder: there already, with nothing in it.

    Returns:
        the files that were not written, under the names that they came with, and why.
    """
    named = defaultdict(list)
    problems = []
    for given, content in files:
        name = safe(given)
        if name:
            key = unicodedata.normalize("NFC", name).casefold()
            named[key].append((given, name, content))
        else:
            problems.append(Skipped(Path(given or "(no name)"), "no name that a file can have"))
    for same in named.values():
        if len(same) > 1:
            why = f"{len(same)} files of this name were given"
            problems += [Skipped(Path(given), why) for given, _, _ in same]
            continue
        ((given, name, content),) = same
        try:
            _write(folder / name, content)
        except OSError as problem:
            problems.append(Skipped(Path(given), f"could not be kept ({problem.strerror})"))
    return tuple(problems)


def safe(name: str) -> str:
    """A name for a file in one folder, on any system; empty where nothing is left of it.

    Example:
        >>> from workbench.folders.uploaded import safe
        >>> safe("../../album/garden.jpg"), safe("C:\\\\album\\\\garden.jpg"), safe("..")
        ('garden.jpg', 'garden.jpg', '')
    """
    last = re.split(r"[/\\]", name)[-1]
    signs = (sign if sign.isprintable() and sign not in FORBIDDEN else "_" for sign in last)
    # Names that begin with a dot are hidden, and no system agrees on dots and blanks at the end.
    return "".join(signs).strip(". ")


def _write(file: Path, content: bytes | memoryview) -> None:
    """Write a file that is not there yet, whole or not at all."""
    opened = open(file, "xb")
    try:
        with opened:
            opened.write(content)
    except BaseException:
        file.unlink(missing_ok=True)
        raise

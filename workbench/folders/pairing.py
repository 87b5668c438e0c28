"""Which photograph of one folder is the cloaked copy of which photograph of another."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.folders import journal
from workbench.photos.walk import Skipped, checked, shown, spread, walk

SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .mpo .png .webp .tif .tiff .bmp .gif".split())
"""Endings that say how a picture is stored and not which one it is."""

TOOL = re.compile(
    r"[-_. ]+((min|low|mid|high|ultra|small|medium|large|strong|weak)[-_. ]+)?"
    r"(cloak(ed)?|fawkes|attacked|lowkey|protected|perturbed|shielded|glazed?|poisoned)"
    r"([-_. ]+(min|low|mid|high|ultra|small|medium|large|strong|weak))?$",
    re.IGNORECASE,
)
"""What tools append to a name: Fawkes ``_cloaked`` or ``_low_cloaked``, LowKey ``_attacked``."""


@dataclass(frozen=True)
class Pair:
    """A photograph and its cloaked copy.

    Attributes:
        name: the path of the clean one, relative to its folder.
        clean, cloaked: the files.
        clean_folder, cloaked_folder: which no link in them may lead out of.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> for folder, level in (("clean", 120), ("cloaked", 124)):
        ...     Path(folder).mkdir()
        ...     Image.new("RGB", (64, 64), (level,) * 3).save(f"{folder}/garden.png")
        >>> (one,) = folders.pair("clean", "cloaked")
        >>> one.name.name, one.cloaked.parent.name
        ('garden.png', 'cloaked')
    """

    name: Path
    clean: Path
    cloaked: Path
    clean_folder: Path
    cloaked_folder: Path


@dataclass(frozen=True)
class Pairs:
    """The pairs of two folders, in the order of names, and every file that is in none.

    Attributes:
        clean_folder, cloaked_folder: that were looked into.
        pairs: files that belong together. None of them has been opened.
        problems: what is left over, with paths relative to its folder; the reason says which.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> for folder, level in (("clean", 120), ("cloaked", 124)):
        ...     Path(folder).mkdir()
        ...     Image.new("RGB", (64, 64), (level,) * 3).save(f"{folder}/garden.png")
        >>> _ = Path("clean/beach.png").write_bytes(b"")
        >>> found = folders.pair("clean", "cloaked")
        >>> len(found), [str(left) for left in found.problems]
        (1, ['beach.png: in the clean folder, has no cloaked copy'])
    """

    clean_folder: Path
    cloaked_folder: Path
    pairs: tuple[Pair, ...]
    problems: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def thinned(self, most: int) -> Pairs:
        """At most so many of the pairs, evenly spread over the names."""
        if most < 1:
            raise ValueError(f"most must be at least 1, got {most}")
        return replace(self, pairs=tuple(spread(self.pairs, most)))


def pair(clean_folder: Path | str, cloaked_folder: Path | str) -> Pairs:
    """Find the cloaked copies of photographs by their names.

    Files belong together if their paths below the two folders are the same but for how the picture
    is stored (``.jpg`` or ``.png``) and for what tools append to names (`TOOL`). Capitals and the
    two ways to write an accented letter make no difference. What might belong to more than one is
    reported and not guessed. Both may be one folder, as some tools write beside the originals.

    Raises:
        FileNotFoundError: no such folder.

    Example:
        >>> from pathlib import Path
        >>> from workbench import folders
        >>> for file in ("clean/garden.jpg", "cloaked/garden_cloaked.png"):
        ...     Path(file).parent.mkdir()
        ...     _ = Path(file).write_bytes(b"")  # paired by name; nothing is opened yet
        >>> [pair.cloaked.name for pair in folders.pair("clean", "cloaked")]
        ['garden_cloaked.png']
    """
    clean_folder = checked(clean_folder, what="the photographs as they were")
    cloaked_folder = checked(cloaked_folder, what="the photographs that a tool has cloaked")
    problems: list[Skipped] = []
    clean = _listed(clean_folder, "clean", problems)
    cloaked = _listed(cloaked_folder, "cloaked", problems)
    names = {_key(file) for file in clean}
    copies = {file for file in clean if _original(_key(file), names)}
    if clean_folder.samefile(cloaked_folder):
        cloaked = [file for file in cloaked if file in copies]
    else:
        problems += [_left(file, "clean", "looks like a cloaked copy") for file in sorted(copies)]
    originals = defaultdict(list)
    for file in clean:
        if file not in copies:
            originals[_key(file)].append(file)
    candidates = defaultdict(list)
    for file in cloaked:
        key = _key(file)
        called = key if key in originals else _original(key, originals) or key
        candidates[called].append(file)
    pairs = []
    for key in sorted(originals.keys() | candidates.keys()):
        found, unclear = _matched(originals.get(key, []), candidates.get(key, []))
        problems += unclear
        pairs += [
            Pair(one, clean_folder / one, cloaked_folder / other, clean_folder, cloaked_folder)
            for one, other in found
        ]
    pairs.sort(key=lambda found: found.name)
    return Pairs(clean_folder, cloaked_folder, tuple(pairs), tuple(problems))


def _listed(folder: Path, side: str, problems: list[Skipped]) -> list[Path]:
    """Files relative to a folder; what cannot be looked into goes to the problems."""
    files = []
    for found in walk(folder):
        if isinstance(found, Skipped):
            problems.append(_left(found.file, side, found.reason))
        elif found != folder / journal.NAME:
            files.append(found.relative_to(folder))
    return files


def _key(file: Path) -> str:
    """What files have in common that are called alike."""
    while file.suffix.lower() in SUFFIXES:
        file = file.with_suffix("")
    return unicodedata.normalize("NFC", str(file)).casefold()


def _original(key: str, known: Collection[str]) -> str | None:
    """The known key that is left when endings of tools are taken off one, if there is any."""
    while (shorter := TOOL.sub("", key)) != key:
        if shorter in known:
            return shorter
        key = shorter
    return None


def _matched(
    clean: list[Path], cloaked: list[Path]
) -> tuple[list[tuple[Path, Path]], list[Skipped]]:
    """The pairs among files of one key, and what is said of the others."""
    if len(clean) == 1 and len(cloaked) == 1:
        return [(clean[0], cloaked[0])], []
    if set(cloaked) <= set(clean):  # a.jpg and a.png in both folders
        left = [_left(one, "clean", "has no cloaked copy") for one in clean if one not in cloaked]
        return [(one, one) for one in cloaked], left
    if not clean:
        why = "belongs to no clean photograph"
        return [], [_left(one, "cloaked", why) for one in cloaked]
    among = ", ".join(shown(one) for one in cloaked)
    of = ", ".join(shown(one) for one in clean)
    return [], [
        *(_left(one, "clean", f"several files may be its cloaked copy: {among}") for one in clean),
        *(_left(one, "cloaked", f"not clear which it is a copy of: {of}") for one in cloaked),
    ]


def _left(file: Path, side: str, why: str) -> Skipped:
    return Skipped(file, f"in the {side} folder, {why}")

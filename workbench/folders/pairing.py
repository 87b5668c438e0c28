"""Which photograph of one folder is the cloaked copy of which photograph of another."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.photos.walk import Skipped, evenly_spaced, existing_folder, printable, walk

SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .mpo .png .webp .tif .tiff .bmp .gif".split())
"""Endings that tell the format of a picture and not which picture it is."""

TOOL_SUFFIX = re.compile(
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
        clean_folder, cloaked_folder: that links must not lead out of.
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
        clean_folder, cloaked_folder: that were searched.
        pairs: files that belong together. None of them has been opened.
        problems: files in no pair, with paths relative to their folder; the reason says which.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> for folder, level in (("clean", 120), ("cloaked", 124)):
        ...     Path(folder).mkdir()
        ...     Image.new("RGB", (64, 64), (level,) * 3).save(f"{folder}/garden.png")
        >>> _ = Path("clean/beach.png").write_bytes(b"")
        >>> pairs = folders.pair("clean", "cloaked")
        >>> len(pairs), [str(problem) for problem in pairs.problems]
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
        """At most so many of the pairs, evenly spaced over the names."""
        if most < 1:
            raise ValueError(f"most must be at least 1, got {most}")
        return replace(self, pairs=tuple(evenly_spaced(self.pairs, most)))


def pair(clean_folder: Path | str, cloaked_folder: Path | str) -> Pairs:
    """Find the cloaked copies of photographs by their names.

    Files belong together if their paths below the two folders are the same but for how the picture
    is stored (``.jpg`` or ``.png``) and for what tools append to names (`TOOL_SUFFIX`). Case and
    Unicode normalisation make no difference. Ambiguous files are reported, not guessed. Both may be
    one folder, as some tools write beside the originals.

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
    clean_folder = existing_folder(clean_folder, what="the clean photographs")
    cloaked_folder = existing_folder(cloaked_folder, what="their cloaked copies")
    problems: list[Skipped] = []
    clean = _files_below(clean_folder, "clean", problems)
    cloaked = _files_below(cloaked_folder, "cloaked", problems)
    names = {_key(file) for file in clean}
    copies = {file for file in clean if _original(_key(file), names)}
    if clean_folder.samefile(cloaked_folder):
        cloaked = [file for file in cloaked if file in copies]
    else:
        reason = "looks like a cloaked copy"
        problems += [_problem(file, "clean", reason) for file in sorted(copies)]
    originals = defaultdict(list)
    for file in clean:
        if file not in copies:
            originals[_key(file)].append(file)
    candidates = defaultdict(list)
    for file in cloaked:
        key = _key(file)
        original = key if key in originals else _original(key, originals) or key
        candidates[original].append(file)
    pairs = []
    for key in sorted(originals.keys() | candidates.keys()):
        matched, ambiguous = _matched(originals.get(key, []), candidates.get(key, []))
        problems += ambiguous
        pairs += [
            Pair(one, clean_folder / one, cloaked_folder / other, clean_folder, cloaked_folder)
            for one, other in matched
        ]
    pairs.sort(key=lambda pair: pair.name)
    return Pairs(clean_folder, cloaked_folder, tuple(pairs), tuple(problems))


def _files_below(folder: Path, side: str, problems: list[Skipped]) -> list[Path]:
    """Files relative to a folder; folders that cannot be read go to the problems."""
    files = []
    for entry in walk(folder):
        if isinstance(entry, Skipped):
            problems.append(_problem(entry.file, side, entry.reason))
        else:
            files.append(entry.relative_to(folder))
    return files


def _key(file: Path) -> str:
    """The same for files whose names differ only in format, case or normalisation."""
    while file.suffix.lower() in SUFFIXES:
        file = file.with_suffix("")
    return unicodedata.normalize("NFC", str(file)).casefold()


def _original(key: str, known: Collection[str]) -> str | None:
    """The known key that remains when suffixes of tools are removed from one, if there is any."""
    while (shorter := TOOL_SUFFIX.sub("", key)) != key:
        if shorter in known:
            return shorter
        key = shorter
    return None


def _matched(
    clean: list[Path], cloaked: list[Path]
) -> tuple[list[tuple[Path, Path]], list[Skipped]]:
    """The pairs among files of one key, and the problems of the others."""
    if len(clean) == 1 and len(cloaked) == 1:
        return [(clean[0], cloaked[0])], []
    if set(cloaked) <= set(clean):  # a.jpg and a.png in both folders
        alone = [one for one in clean if one not in cloaked]
        return [(one, one) for one in cloaked], [
            _problem(one, "clean", "has no cloaked copy") for one in alone
        ]
    if not clean:
        reason = "belongs to no clean photograph"
        return [], [_problem(one, "cloaked", reason) for one in cloaked]
    many = f"several files may be its cloaked copy: {', '.join(map(printable, cloaked))}"
    unclear = f"not clear which it is a copy of: {', '.join(map(printable, clean))}"
    return [], [
        *(_problem(one, "clean", many) for one in clean),
        *(_problem(one, "cloaked", unclear) for one in cloaked),
    ]


def _problem(file: Path, side: str, reason: str) -> Skipped:
    return Skipped(file, f"in the {side} folder, {reason}")

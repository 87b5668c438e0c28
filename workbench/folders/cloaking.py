"""Cloak the photographs of a folder at full resolution, each reported, none touched.

The tool cloaks aligned faces; what it changes is carried back into the photograph that the face was
cut from. A run may be killed at any moment: the same call goes on where it was, and ends with the
files that it would have ended with at once.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch

from poisonlib.alignment import SIDE
from poisonlib.attacks import Attack
from poisonlib.attacks.cache import cache_key
from poisonlib.progress import Progress
from workbench.folders import exclusive
from workbench.folders.batches import Batches, person_of
from workbench.folders.encode import Format
from workbench.folders.journal import Journal
from workbench.photos.faces import Detect, Several
from workbench.photos.landmarks import remembered
from workbench.photos.walk import Skipped, checked, shown, walk

BATCH = 16
"""Photographs of one person that are cloaked together, at most."""


@dataclass(frozen=True)
class CloakedFolder:
    """What became of every file of a folder.

    Attributes:
        folder: with the cloaked photographs and the journal.
        cloaked: how many were written now.
        before: how many an earlier run had written.
        kept: of each of both, the share of the cloak that the published file still has; None where
            it could not be told (see `workbench.folders.retention`).
        problems: files without a cloaked copy, with paths relative to the folder, and why.
        notes: what there is to know about files that have one.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib.attacks import Unperturbed
        >>> Path("album").mkdir()
        >>> Image.new("RGB", (64, 64)).save("album/dark.png")
        >>> report = folders.cloak_folder("album", "cloaked", Unperturbed())
        >>> report.cloaked, [str(left) for left in report.problems]
        (0, ['dark.png: no face found'])
    """

    folder: Path
    cloaked: int
    before: int
    kept: tuple[float | None, ...]
    problems: tuple[Skipped, ...]
    notes: tuple[Skipped, ...]


def cloak_folder(
    source: Path | str,
    out: Path | str,
    attack: Attack,
    *,
    seed: int = 0,
    several: Several = "choose",
    format: Format = "same",
    keep_metadata: bool = False,
    batch: int = BATCH,
    detect: Detect = remembered,
    progress: Progress | None = None,
) -> CloakedFolder:
    """Write a cloaked copy of every photograph below a folder into another, under the same name.

    Each folder directly in ``source`` holds one person's photographs, at any depth; those directly
    in it are one more person's. For Fawkes v0.3 that matters: all of a person's photographs are
    pulled towards one and the same other person, who is chosen by up to ``2 * batch`` of them. They
    are cloaked in batches of neighbours in the order of names, and the result depends on the
    folder's content alone, not on how often a run was stopped.

    Args:
        source: with the originals, which are only read.
        out: made if there is none. Files in it that this call has not written stay as they are.
        attack: makes the cloaks.
        seed: of everything random in the attack.
        several: what to do about pictures with several faces. Only one face is ever cloaked.
        format: of the copies: that of the original (JPEG at quality 95 with full colour, all others
            without loss, PNG for GIF), or PNG for all.
        keep_metadata: keep what `workbench.photos.metadata` lists. By default only pixels, turned
            upright, and the colour profile are.
        batch: photographs that are cloaked together, at most.
        detect: finds the landmarks in a picture.
        progress: called after each file.

    Returns:
        the report; what each copy keeps of its cloak also stands in the journal.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: one folder lies in the other, or ``out`` cannot be written to, or holds
            photographs that were cloaked with other settings.
        workbench.folders.CannotWrite: the disk is full. Nothing is half-written; the same call goes
            on later.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib import people
        >>> from poisonlib.attacks import Unperturbed
        >>> pixels = (people.load("users").of("p00002")[0] * 255).byte().permute(1, 2, 0).numpy()
        >>> Path("album").mkdir()
        >>> Image.fromarray(pixels).resize((224, 224)).save("album/garden.png")
        >>> folders.cloak_folder("album", "cloaked", Unperturbed()).cloaked
        1
        >>> folders.cloak_folder("album", "cloaked", Unperturbed()).before  # nothing is left to do
        1
    """
    source, out = checked(source, what="the photographs to cloak"), Path(out)
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    _apart(source, out)
    settings = {
        "attack": repr(attack),
        "weights and code": cache_key(attack, torch.zeros(1, 3, SIDE, SIDE), seed=seed)[:16],
        "seed": seed,
        "several": several,
        "format": format,
        "keep_metadata": keep_metadata,
        "batch": batch,
    }
    with exclusive.stopping(out), Journal(out, settings) as journal:
        exclusive.tidy(out)
        people, problems = _people(source)
        total = sum(map(len, people.values()))
        batches = Batches(source, out, attack, journal, detect, total, progress)
        for files in people.values():
            for some in _batches(files, batch):
                batches.cloak(some, files)
    return CloakedFolder(
        folder=out,
        cloaked=batches.cloaked,
        before=batches.before,
        kept=tuple(batches.kept),
        problems=(*problems, *batches.problems),
        notes=tuple(batches.notes),
    )


def _apart(source: Path, out: Path) -> None:
    """Raise ValueError where one of two folders lies in the other."""
    one, other = (Path(os.path.realpath(folder)) for folder in (source, out))
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ValueError(
            f"{shown(source)} and {shown(out)} lie in one another; write to a folder apart from "
            "the originals"
        )


def _people(source: Path) -> tuple[dict[str, list[Path]], list[Skipped]]:
    """Files of each person, relative to the folder, and what could not be looked into."""
    people: dict[str, list[Path]] = defaultdict(list)
    problems = []
    for found in walk(source):
        if isinstance(found, Skipped):
            problems.append(found)
        else:
            file = found.relative_to(source)
            people[person_of(file)].append(file)
    return people, problems


def _batches(files: list[Path], most: int) -> list[list[Path]]:
    """The files in order, in as few batches as can be, whose sizes differ by one at most."""
    count = math.ceil(len(files) / most)
    ends = [len(files) * number // count for number in range(count + 1)]
    return [files[start:end] for start, end in zip(ends, ends[1:], strict=False)]

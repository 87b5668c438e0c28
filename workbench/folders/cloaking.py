"""Cloak the photographs of a folder at full resolution; every file is reported, none modified.

The tool cloaks aligned faces; its change is pasted back into the photograph. A run may be killed at
any moment: the same call resumes, and ends with the same files as a run without interruption.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from poisonlib import atomic
from poisonlib.alignment import SIDE
from poisonlib.attacks import Attack
from poisonlib.attacks.cache import cache_key
from poisonlib.defenses import detector
from poisonlib.log import Log
from poisonlib.progress import Progress, no_progress
from workbench.folders.batches import DISK_ERRORS, BatchCloaker, LooksCloaked
from workbench.folders.encode import Format
from workbench.photos.detection import Detect, cached_landmarks
from workbench.photos.faces import Which
from workbench.photos.layout import Layout, read_album
from workbench.photos.walk import LOG, Skipped, printable

BATCH = 16
"""Photographs of one person that are cloaked together, at most."""


class CannotWrite(Exception):
    """The folder takes no more files: the disk is full, or gone. All files in it are complete."""


@dataclass(frozen=True)
class CloakedFolder:
    """What became of every file of a folder.

    Attributes:
        album: what was understood of the folder with the originals, in words.
        folder: with the cloaked photographs and the log.
        cloaked: how many were written by this run.
        cloaked_before: how many an earlier run had written.
        retained: of each of both, the share of the cloak that the published file retains; None
            where it could not be measured (see `workbench.folders.paste.retained_share`).
        uncloaked: photographs without a copy because the tool found no cloak for them.
        problems: other files without a cloaked copy, with paths relative to the folder, and why.
        notes: remarks on files that have one.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib.attacks import Unperturbed
        >>> Path("album").mkdir()
        >>> Image.new("RGB", (64, 64)).save("album/dark.png")
        >>> report = folders.cloak_folder("album", "cloaked", Unperturbed())
        >>> report.cloaked, [str(problem) for problem in report.problems]
        (0, ['dark.png: no face found'])
    """

    album: str
    folder: Path
    cloaked: int
    cloaked_before: int
    retained: tuple[float | None, ...]
    uncloaked: tuple[Skipped, ...]
    problems: tuple[Skipped, ...]
    notes: tuple[Skipped, ...]


def cloak_folder(
    source: Path | str,
    out: Path | str,
    attack: Attack,
    *,
    seed: int = 0,
    which: Which = "owner",
    layout: Layout = "auto",
    format: Format = "same",
    keep_metadata: bool = False,
    batch: int = BATCH,
    detect: Detect = cached_landmarks,
    looks_cloaked: LooksCloaked | None = None,
    progress: Progress | None = None,
) -> CloakedFolder:
    """Write a cloaked copy of every photograph below a folder into another, under the same name.

    Whose photographs lie where is what :func:`workbench.photos.layout.read_album` reads. It
    matters where several faces are in a picture, and for Fawkes v0.3: all of a person's photographs
    are pulled towards one and the same other person, who is chosen by up to ``2 * batch`` of them.
    They are cloaked in batches of neighbours in the order of names, and the result depends on the
    folder's content alone, not on how often a run was stopped.

    Args:
        source: with the originals, which are only read.
        out: made if there is none. Files in it that this call has not written stay as they are.
        attack: crafts the cloaks.
        seed: of everything random in the attack.
        which: of several faces in a picture: the person's, all, or none, as it is skipped.
        layout: see :func:`workbench.photos.layout.read_album`.
        format: of the copies: that of the original (JPEG at quality 95 with full colour, all others
            without loss, PNG for GIF), or PNG for all.
        keep_metadata: keep what `workbench.photos.metadata` lists. By default only pixels, turned
            upright, and the colour profile are.
        batch: photographs that are cloaked together, at most.
        detect: detects the landmarks in a picture.
        looks_cloaked: tells of aligned faces whether they look cloaked already; by default the
            packaged detector.
        progress: called with (files done, files in all, the file) after each file.

    Returns:
        the report; what each copy retains of its cloak also stands in the log.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: one folder lies in the other; ``out`` cannot be written to, holds photographs
            that were cloaked with other settings, or another run is writing to it.
        workbench.folders.CannotWrite: the disk is full. Nothing is half-written; the same call
            resumes later.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib import extractors, people
        >>> from poisonlib.attacks import LowKey
        >>> pixels = (people.load("users").of("p00002")[0] * 255).byte().permute(1, 2, 0).numpy()
        >>> Path("album").mkdir()
        >>> Image.fromarray(pixels).resize((224, 224)).save("album/garden.png")
        >>> tool = LowKey([extractors.load("softmax-2014")], steps=3)
        >>> folders.cloak_folder("album", "cloaked", tool).cloaked
        1
        >>> folders.cloak_folder("album", "cloaked", tool).cloaked_before  # all is done
        1
    """
    album, out = read_album(source, layout=layout, what="the photographs to cloak"), Path(out)
    source = album.folder
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    _check_apart(source, out)
    settings = {
        "attack": repr(attack),
        "weights and code": cache_key(attack, torch.zeros(1, 3, SIDE, SIDE), seed=seed)[:16],
        "seed": seed,
        "which": which,
        "layout": layout,
        "format": format,
        "keep_metadata": keep_metadata,
        "batch": batch,
    }
    with _as_cannot_write(out), _locked(out / LOG):
        log = Log(out / LOG, about={"log": "photographs cloaked by poisonlib"} | settings)
        atomic.remove_partial_files(out)
        cloaker = BatchCloaker(
            source,
            out,
            attack,
            log,
            detect,
            looks_cloaked or detector.load().flags,
            len(album.files),
            progress or no_progress,
        )
        for person, files in album.people.items():
            owner = cloaker.owner(files)
            for some in _batches(files, batch):
                cloaker.cloak(some, files, person, owner)
    return CloakedFolder(
        album=str(album),
        folder=out,
        cloaked=cloaker.cloaked,
        cloaked_before=cloaker.cloaked_before,
        retained=tuple(cloaker.retained),
        uncloaked=tuple(cloaker.uncloaked),
        problems=(*album.problems, *cloaker.problems),
        notes=tuple(cloaker.notes),
    )


def _check_apart(source: Path, out: Path) -> None:
    one, other = (Path(os.path.realpath(folder)) for folder in (source, out))
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ValueError(
            f"{printable(source)} and {printable(out)} lie in one another; write to a folder apart "
            "from the originals"
        )


@contextlib.contextmanager
def _as_cannot_write(folder: Path) -> Iterator[None]:
    """Turn errors after which no file can be written any more into `CannotWrite`."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in DISK_ERRORS:
            raise
        raise CannotWrite(
            f"{printable(folder)} takes no more files ({problem.strerror}); all files in it are "
            "complete. Make room, then the same command resumes from here"
        ) from problem


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file, which is made if there is none, against other runs.

    Raises:
        ValueError: its folder cannot be written to, another run holds it, or it is a link.
    """
    folder = printable(path.parent)
    if path.is_symlink():
        raise ValueError(f"{printable(path)} is a link; remove it or use another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as problem:
        if problem.errno in DISK_ERRORS:
            raise
        raise ValueError(
            f"{folder} cannot be written to ({problem.strerror}); use another folder"
        ) from problem
    with file:
        with contextlib.suppress(ImportError):  # no such locks on this system
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as problem:
                if problem.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
                raise ValueError(
                    f"another run is writing to {folder}; wait for it, or use another folder"
                ) from problem
        yield


def _batches(files: Sequence[Path], most: int) -> list[Sequence[Path]]:
    """The files in order, in as few batches as possible, whose sizes differ by one at most."""
    count = math.ceil(len(files) / most)
    ends = [len(files) * number // count for number in range(count + 1)]
    return [files[start:end] for start, end in zip(ends, ends[1:], strict=False)]

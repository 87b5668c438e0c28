"""The faces on a photograph and on its cloaked copy, aligned alike, one pair at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib.progress import Progress
from workbench.folders.pairing import Pair, Pairs
from workbench.photos.faces import (
    Detect,
    Several,
    align_face,
    cached_landmarks,
    find_face,
    to_tensor,
)
from workbench.photos.pictures import read
from workbench.photos.walk import Skipped


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """A face, clean and as it was published.

    Attributes:
        pair: the files.
        clean, cloaked: ``(3, 112, 112)`` float32 in [0, 1].
        notes: remarks on how they were read.
    """

    pair: Pair
    clean: Tensor
    cloaked: Tensor
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PairedFaces:
    """All pairs that could be read, in the order of names.

    Attributes:
        clean, cloaked: ``(n, 3, 112, 112)`` float32 in [0, 1].
        pairs: the files of each image.
        notes: remarks on each pair.
        problems: files that are in no pair, with paths relative to their folder, and why.
    """

    clean: Tensor
    cloaked: Tensor
    pairs: tuple[Pair, ...]
    notes: tuple[tuple[str, ...], ...]
    problems: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.pairs)


def align_pair(
    pair: Pair, *, detect: Detect = cached_landmarks, several: Several = "choose"
) -> AlignedPair:
    """Align the face on both photographs of a pair.

    Where both have the same size the face is detected once, on the clean one, and both are aligned
    alike: a cloak may move the landmarks that a detector finds, and that is not what is evaluated.
    Where a tool has changed the size, each is detected by itself.

    Raises:
        ValueError: why one of the two cannot be used; the message is that reason.
    """
    with _naming("clean"):
        picture = read(pair.clean, within=pair.clean_folder)
        face = find_face(picture, detect=detect, several=several)
    clean = to_tensor(align_face(picture.image, face))
    size, digest, notes = picture.image.size, picture.sha256, [*picture.notes, face.note]
    del picture  # one photograph at full resolution at a time
    with _naming("cloaked"):
        picture = read(pair.cloaked, within=pair.cloaked_folder)
        if picture.image.size != size:
            face = find_face(picture, detect=detect, several=several)
            changed = (f"{width} x {height}" for width, height in (size, picture.image.size))
            notes.append(f"its size changed: {', then '.join(changed)}")
    if picture.sha256 == digest:
        notes.append("the copy is the very same file")
    cloaked = to_tensor(align_face(picture.image, face))
    return AlignedPair(pair, clean, cloaked, tuple(note for note in notes if note))


def align_pairs(
    pairs: Pairs,
    *,
    detect: Detect = cached_landmarks,
    several: Several = "choose",
    progress: Progress | None = None,
) -> Iterator[AlignedPair | Skipped]:
    """Each pair's aligned faces in turn, or why there are none.

    Holds one photograph at full resolution at a time, and nothing of earlier pairs.
    """
    for done, pair in enumerate(pairs):
        try:
            yield align_pair(pair, detect=detect, several=several)
        except ValueError as problem:
            yield Skipped(pair.name, str(problem))
        if progress is not None:
            progress(done + 1, len(pairs), str(pair.name))


def read_pairs(
    pairs: Pairs,
    *,
    detect: Detect = cached_landmarks,
    several: Several = "choose",
    progress: Progress | None = None,
) -> PairedFaces:
    """All pairs' aligned faces at once: 300 kB for each pair (see `Pairs.thinned`).

    Args:
        pairs: as `pair` found them.
        detect: detects the landmarks in a picture.
        several: what to do about pictures with several faces.
        progress: called with (pairs done, pairs in all, the file) after each pair.

    Raises:
        ValueError: no pair could be read; the message says why for the first files.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib import people
        >>> pixels = (people.load("users").of("p00002")[0] * 255).byte().permute(1, 2, 0).numpy()
        >>> for folder in ("clean", "cloaked"):
        ...     Path(folder).mkdir()
        ...     Image.fromarray(pixels).resize((224, 224)).save(f"{folder}/garden.png")
        >>> faces = folders.read_pairs(folders.pair("clean", "cloaked"))
        >>> faces.clean.shape, faces.cloaked.shape
        (torch.Size([1, 3, 112, 112]), torch.Size([1, 3, 112, 112]))
    """
    faces: list[AlignedPair] = []
    problems = list(pairs.problems)
    for pair in align_pairs(pairs, detect=detect, several=several, progress=progress):
        (problems if isinstance(pair, Skipped) else faces).append(pair)
    if not faces:
        reasons = "; ".join(map(str, problems[:3])) or "both are empty"
        raise ValueError(
            f"no photograph of {pairs.clean_folder} could be compared with a cloaked copy in "
            f"{pairs.cloaked_folder}: {reasons}"
        )
    return PairedFaces(
        clean=torch.stack([pair.clean for pair in faces]),
        cloaked=torch.stack([pair.cloaked for pair in faces]),
        pairs=tuple(pair.pair for pair in faces),
        notes=tuple(pair.notes for pair in faces),
        problems=tuple(problems),
    )


@contextlib.contextmanager
def _naming(side: str) -> Iterator[None]:
    """Name the side in the message of a failure."""
    try:
        yield
    except ValueError as problem:
        raise ValueError(f"the {side} photograph: {problem}") from problem

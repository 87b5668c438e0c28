"""The faces on a photograph and on its cloaked copy, aligned alike, one pair at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from poisonlib.progress import Progress
from workbench.folders.pairing import Pair, Pairs
from workbench.folders.resemblance import SIDE, best_correlation, same_picture, thumbnails
from workbench.photos.detection import Detect, cached_landmarks
from workbench.photos.faces import Face, Which, align_face, find_faces
from workbench.photos.owner import Owner, to_tensor
from workbench.photos.pictures import Picture, read
from workbench.photos.walk import Skipped

TURNED = 30
"""From so many degrees on a copy lies turned."""
MOST_FOREIGN = 1 / 2
"""If more copies than this share show something else, the two folders do not belong together."""


class Foreign(Skipped):
    """A pair whose copy shows something else."""


class AnotherPicture(ValueError):
    """The copy shows something else than the photograph of the same name."""


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """A face, clean and as it was published.

    Attributes:
        pair: the files.
        clean, cloaked: ``(3, 112, 112)`` float32 in [0, 1].
        notes: remarks on how they were read.
        whole: ``(d,)``, the clean photograph as a thumbnail; see
            `workbench.folders.resemblance.thumbnails`.
    """

    pair: Pair
    clean: Tensor
    cloaked: Tensor
    notes: tuple[str, ...]
    whole: Tensor


@dataclass(frozen=True, eq=False)
class PairedFaces:
    """All pairs that could be read, in the order of names.

    Attributes:
        clean, cloaked: ``(n, 3, 112, 112)`` float32 in [0, 1].
        pairs: the files of each image.
        notes: remarks on each pair.
        problems: files that are in no pair, with paths relative to their folder, and why.
        wholes: ``(n, d)``, the clean photographs as thumbnails, if they were read from files.
    """

    clean: Tensor
    cloaked: Tensor
    pairs: tuple[Pair, ...]
    notes: tuple[tuple[str, ...], ...]
    problems: tuple[Skipped, ...]
    wholes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pairs)


def align_pair(
    pair: Pair,
    *,
    detect: Detect = cached_landmarks,
    which: Which = "owner",
    owner: Owner | None = None,
) -> AlignedPair:
    """Align the face on both photographs of a pair, and check that they are one picture.

    Where both have the same size, both are aligned by the landmarks of the clean one: a cloak may
    move the landmarks that a detector finds, and that is not what is evaluated. Where a tool has
    changed the size, or turned the picture, the face on the copy is detected by itself.

    Raises:
        AnotherPicture: the copy shows another picture.
        ValueError: why one of the two cannot be used; the message is that reason.
    """
    with _naming("clean"):
        picture = read(pair.clean, within=pair.clean_folder)
        face, *_ = find_faces(picture, detect=detect, which=which, owner=owner)
    clean = to_tensor(align_face(picture.image, face))
    size, digest, notes = picture.image.size, picture.sha256, [*picture.notes, face.note]
    whole = _thumbnail(picture, face)
    del picture  # one photograph at full resolution at a time
    with _naming("cloaked"):
        picture = read(pair.cloaked, within=pair.cloaked_folder)
        faces = detect(picture.image, picture.content)
    same, found, cloaked = False, -1.0, clean
    if picture.image.size == size:
        cloaked = to_tensor(align_face(picture.image, face))
        same, found = same_picture(clean, cloaked, registered=True)
    else:
        changed = (f"{width} x {height}" for width, height in (size, picture.image.size))
        notes.append(f"its size changed: {', then '.join(changed)}")
        if len(faces) == 0:
            raise ValueError("the cloaked photograph: no face found")
    if not same and len(faces):
        own = _most_similar(picture, faces, clean)
        cloaked = to_tensor(align_face(picture.image, own))
        same, found = same_picture(clean, cloaked, registered=False)
        turned = round(abs((_angle(own.landmarks) - _angle(face.landmarks) + 180) % 360 - 180))
        if turned >= TURNED:
            notes.append(f"the copy lies turned by {turned} degrees")
    if not same:
        raise AnotherPicture(
            f"the copy shows another picture (their likeness is {max(0.0, found):.2f} of 1)"
        )
    if picture.sha256 == digest:
        notes.append("the copy is the very same file")
    if len(faces) == 0:
        notes.append("no face is found on the copy any more")
    return AlignedPair(pair, clean, cloaked, tuple(note for note in notes if note), whole)


def _thumbnail(picture: Picture, face: Face) -> Tensor:
    """Of the whole photograph, turned by quarters until the face is upright."""
    small = picture.image.resize((SIDE, SIDE), Image.Resampling.BOX)
    small = small.rotate(90 * round(_angle(face.landmarks) / 90))
    return thumbnails(to_tensor([np.asarray(small)]))[0]


def _most_similar(picture: Picture, faces: NDArray, clean: Tensor) -> Face:
    """Of the faces on a copy of another size, the one that looks most like the clean one."""
    found = [Face(landmarks) for landmarks in faces]
    return max(
        found, key=lambda face: best_correlation(clean, to_tensor(align_face(picture.image, face)))
    )


def _angle(landmarks: NDArray) -> float:
    """Of the line from one eye to the other, in degrees."""
    across, down = landmarks[1] - landmarks[0]
    return float(np.degrees(np.arctan2(down, across)))


def align_pairs(
    pairs: Pairs,
    *,
    detect: Detect = cached_landmarks,
    which: Which = "owner",
    progress: Progress | None = None,
) -> Iterator[AlignedPair | Foreign | Skipped]:
    """Each pair's aligned faces in turn, or why there are none.

    Holds one photograph at full resolution at a time, and nothing of earlier pairs.
    """
    files = [pair.clean for pair in pairs]
    owner = Owner(files, within=pairs.clean_folder, detect=detect)
    for done, pair in enumerate(pairs):
        try:
            yield align_pair(pair, detect=detect, which=which, owner=owner)
        except AnotherPicture as problem:
            yield Foreign(pair.name, str(problem))
        except ValueError as problem:
            yield Skipped(pair.name, str(problem))
        if progress is not None:
            progress(done + 1, len(pairs), str(pair.name))


def read_pairs(
    pairs: Pairs,
    *,
    detect: Detect = cached_landmarks,
    which: Which = "owner",
    progress: Progress | None = None,
) -> PairedFaces:
    """All pairs' aligned faces at once: 300 kB for each pair (see `Pairs.thinned`).

    Args:
        pairs: as `pair` found them.
        detect: detects the landmarks in a picture.
        which: of several faces in a photograph; all of them is not possible here.
        progress: called with (pairs done, pairs in all, the file) after each pair.

    Raises:
        ValueError: no pair could be read, or most copies show other pictures than the photographs
            of the same name; the message says why for the first files.

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
    for pair in align_pairs(pairs, detect=detect, which=which, progress=progress):
        (problems if isinstance(pair, Skipped) else faces).append(pair)
    foreign = [problem for problem in problems if isinstance(problem, Foreign)]
    if len(foreign) > MOST_FOREIGN * (len(foreign) + len(faces)):
        raise ValueError(
            f"{len(foreign)} of {len(foreign) + len(faces)} copies in {pairs.cloaked_folder} do "
            f"not show the photographs of the same name in {pairs.clean_folder}, so nothing can be "
            f"said about a cloak: {'; '.join(map(str, foreign[:3]))}"
        )
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
        wholes=torch.stack([pair.whole for pair in faces]),
    )


@contextlib.contextmanager
def _naming(side: str) -> Iterator[None]:
    """Name the side in the message of a failure."""
    try:
        yield
    except ValueError as problem:
        raise ValueError(f"the {side} photograph: {problem}") from problem

"""The faces on a photograph and on its cloaked copy, cut out alike, one pair at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib.progress import Progress
from workbench.folders.pairing import Pair, Pairs
from workbench.photos.faces import Detect, Several, as_images, cut_out, face_in
from workbench.photos.landmarks import remembered
from workbench.photos.pictures import read
from workbench.photos.walk import Skipped


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """A face as it was and as it was published.

    Attributes:
        pair: the files.
        clean, cloaked: ``(3, 112, 112)`` float32 in [0, 1].
        notes: what there is to know about how they were read, in plain words.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> from poisonlib import people
        >>> pixels = (people.load("users").of("p00002")[0] * 255).byte().permute(1, 2, 0).numpy()
        >>> for folder in ("clean", "cloaked"):
        ...     Path(folder).mkdir()
        ...     Image.fromarray(pixels).resize((224, 224)).save(f"{folder}/garden.png")
        >>> (pair,) = folders.pair("clean", "cloaked")
        >>> folders.aligned(pair).notes
        ('the copy is the very same file',)
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
        pairs: the files of each row.
        notes: of each row.
        problems: files that are in no row, with paths relative to their folder, and why.

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
        >>> len(faces), faces.problems
        (1, ())
    """

    clean: Tensor
    cloaked: Tensor
    pairs: tuple[Pair, ...]
    notes: tuple[tuple[str, ...], ...]
    problems: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.pairs)


def aligned(pair: Pair, *, detect: Detect = remembered, several: Several = "choose") -> AlignedPair:
    """Cut out the face on both photographs of a pair.

    Where both have the same size the face is looked for once, on the clean one, and both are cut
    alike: a cloak may move where a detector sees eyes and mouth, and that is not what it is judged
    by. Where a tool has changed the size, each is looked at.

    Raises:
        ValueError: why one of the two cannot be used; the message is that reason.

    Example:
        >>> from workbench import folders
        >>> from poisonlib import people
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> face = Image.fromarray(
        ...     (people.load("users").of("p00002")[0] * 255).byte().permute(1, 2, 0).numpy()
        ... ).resize((224, 224))
        >>> for folder in ("clean", "cloaked"):
        ...     Path(folder).mkdir()
        ...     face.save(f"{folder}/garden.png")
        >>> (pair,) = folders.pair("clean", "cloaked")
        >>> folders.aligned(pair).clean.shape
        torch.Size([3, 112, 112])
    """
    with _named("clean"):
        picture = read(pair.clean, within=pair.clean_folder)
        face = face_in(picture, detect=detect, several=several)
    clean = as_images(cut_out(picture.image, face))
    size, digest, notes = picture.image.size, picture.sha256, [*picture.notes, face.note]
    del picture  # one photograph at full resolution at a time
    with _named("cloaked"):
        picture = read(pair.cloaked, within=pair.cloaked_folder)
        if picture.image.size != size:
            face = face_in(picture, detect=detect, several=several)
            changed = (f"{width} x {height}" for width, height in (size, picture.image.size))
            notes.append(f"its size changed: {', then '.join(changed)}")
    if picture.sha256 == digest:
        notes.append("the copy is the very same file")
    cloaked = as_images(cut_out(picture.image, face))
    return AlignedPair(pair, clean, cloaked, tuple(note for note in notes if note))


def faces_of(
    pairs: Pairs,
    *,
    detect: Detect = remembered,
    several: Several = "choose",
    progress: Progress | None = None,
) -> Iterator[AlignedPair | Skipped]:
    """Each pair's faces in turn, or why there are none.

    Holds one photograph at full resolution at a time, and nothing of the pairs before.

    Example:
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from workbench import folders
        >>> for folder, level in (("clean", 120), ("cloaked", 124)):
        ...     Path(folder).mkdir()
        ...     Image.new("RGB", (64, 64), (level,) * 3).save(f"{folder}/garden.png")
        >>> (left,) = folders.faces_of(folders.pair("clean", "cloaked"))
        >>> print(left)
        garden.png: the clean photograph: no face found
    """
    for done, pair in enumerate(pairs):
        try:
            yield aligned(pair, detect=detect, several=several)
        except ValueError as problem:
            yield Skipped(pair.name, str(problem))
        if progress is not None:
            progress(done + 1, len(pairs), str(pair.name))


def read_pairs(
    pairs: Pairs,
    *,
    detect: Detect = remembered,
    several: Several = "choose",
    progress: Progress | None = None,
) -> PairedFaces:
    """All pairs' faces at once: 300 kB for each pair (see `Pairs.thinned`).

    Args:
        pairs: as `pair` found them.
        detect: finds the landmarks in a picture.
        several: what to do about pictures with several faces.
        progress: called after each pair.

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
    rows: list[AlignedPair] = []
    problems = list(pairs.problems)
    for found in faces_of(pairs, detect=detect, several=several, progress=progress):
        (problems if isinstance(found, Skipped) else rows).append(found)
    if not rows:
        why = "; ".join(map(str, problems[:3])) or "both are empty"
        raise ValueError(
            f"no photograph of {pairs.clean_folder} could be compared with a cloaked copy in "
            f"{pairs.cloaked_folder}: {why}"
        )
    return PairedFaces(
        clean=torch.stack([row.clean for row in rows]),
        cloaked=torch.stack([row.cloaked for row in rows]),
        pairs=tuple(row.pair for row in rows),
        notes=tuple(row.notes for row in rows),
        problems=tuple(problems),
    )


@contextlib.contextmanager
def _named(side: str) -> Iterator[None]:
    """Name the photograph if something fails."""
    try:
        yield
    except ValueError as problem:
        raise ValueError(f"the {side} photograph: {problem}") from problem

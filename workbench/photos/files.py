"""Real photographs from files: detected, aligned like the rendered people, and labelled.

A folder holds one folder for each person. Nothing is written into it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poisonlib.photos import Photos
from poisonlib.progress import Progress
from workbench.photos.detection import cached_landmarks
from workbench.photos.faces import align_face, find_faces
from workbench.photos.layout import NOBODY, Album, Layout, read_album
from workbench.photos.owner import Owner, to_tensor
from workbench.photos.pictures import read
from workbench.photos.walk import Skipped, evenly_spaced, list_visible

LabelledFile = tuple[str, Path]
"""A person's name, and a file that shows them."""


@dataclass(frozen=True)
class FoundPhotos(Photos):
    """Photographs read from files.

    Attributes:
        skipped: files that were left out, with reasons.
        notes: remarks on files that were read, such as on which of several faces was taken.
        album: what was understood of the folder, in words.
    """

    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Skipped, ...] = ()
    album: str = ""


def from_folder(
    folder: Path | str,
    *,
    layout: Layout = "auto",
    min_photos: int = 1,
    most: int | None = None,
    progress: Progress | None = None,
) -> FoundPhotos:
    """Read photographs from ``folder/NAME/*.jpg`` and cut out each person's face.

    Every file in a person's folder is read, however deep, or listed with the reason why not,
    whatever its name ends with; hidden files are left out, and no link out of the folder is
    followed. Pictures are turned upright as their EXIF orientation says. Of several faces the most
    central one is taken, unless another is clearly more like those on the person's other
    photographs (:mod:`workbench.photos.owner`). Only landmarks are cached, in poisonlib's cache
    folder; the given folder is only read. A trial needs four photographs of each person.

    Args:
        folder: with one folder for each person, named after them.
        layout: see :func:`workbench.photos.layout.read_album`.
        min_photos: leave out people with fewer photographs than this.
        most: read at most this many files, so that they fit into memory: fewer of people who have
            many, and if that is not enough, fewer people. Each photograph takes 150 kB.
        progress: called with (files done, files in all, what is being done).

    Returns:
        aligned photographs ``(n, 3, 112, 112)``, people in the order of their names, and the files
        that were left out.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no usable photograph in it, and the message says why for the first files; or
            ``most`` is less than ``min_photos``.

    Example:
        Two photographs of a rendered person in a folder of their own, and a file that is none:

        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from poisonlib import people
        >>> from workbench.photos import from_folder
        >>> Path("album/Ada").mkdir(parents=True)
        >>> for number, image in enumerate(people.load("users").of("p00002")[:2]):
        ...     pixels = (image * 255).byte().permute(1, 2, 0).numpy()
        ...     Image.fromarray(pixels).resize((224, 224)).save(f"album/Ada/{number}.png")
        >>> _ = Path("album/Ada/notes.txt").write_text("Ada in the garden")
        >>> photos = from_folder("album")
        >>> photos.images.shape, [skipped.file.name for skipped in photos.skipped]
        (torch.Size([2, 3, 112, 112]), ['notes.txt'])
    """
    example = Path(folder) / "Ada" / "1.jpg"
    what = f"a folder of photographs for each person, e.g. {example}"
    album = read_album(folder, layout=layout, what=what)
    folder = album.folder
    skipped = [Skipped(folder / each.file, each.reason) for each in album.problems]
    people = dict(album.people)
    if album.names:
        loose = people.pop(NOBODY, ())
        skipped += [Skipped(folder / file, "not in a person's folder") for file in loose]
    files = [(name, folder / file) for name, own in people.items() for file in own]
    owners = {
        name: Owner([folder / file for file in own], within=folder, detect=cached_landmarks)
        for name, own in people.items()
    }
    return _read_all(files, album, owners, min_photos, most, skipped, progress)


def lfw(
    data_home: Path | str | None = None,
    *,
    min_faces: int = 10,
    most: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> FoundPhotos:
    """Labeled Faces in the Wild (Huang et al., 2007), where scikit-learn stores it, aligned.

    Of several faces the most central one is taken. Detecting landmarks takes a minute for a
    thousand pictures; they are cached.

    Args:
        data_home: scikit-learn's data folder, which contains ``lfw_home/lfw_funneled``; by default
            ``$SCIKIT_LEARN_DATA`` or ``~/scikit_learn_data``.
        min_faces: leave out people with fewer photographs.
        most: read at most this many files, as :func:`from_folder` does.
        download: let scikit-learn fetch it (230 MB) if it is not there.
        progress: called with (files done, files in all, what is being done).

    Raises:
        FileNotFoundError: it is not there and ``download`` is False.
        ValueError: nobody has that many photographs, or ``most`` is less than that.

    Example:
        >>> from workbench.photos import lfw
        >>> lfw("nowhere")
        Traceback (most recent call last):
        FileNotFoundError: no LFW photographs in nowhere/lfw_home/lfw_funneled; fetch them ...
    """
    home = Path(data_home or os.environ.get("SCIKIT_LEARN_DATA") or "~/scikit_learn_data")
    folder = home.expanduser() / "lfw_home" / "lfw_funneled"
    if not folder.is_dir() and download:
        from sklearn.datasets import fetch_lfw_people

        # Only the people with the most photographs are decoded; all files stay on disk.
        fetch_lfw_people(data_home=str(home.expanduser()), min_faces_per_person=500)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no LFW photographs in {folder}; fetch them once with "
            "workbench.photos.lfw(download=True) (230 MB), or name scikit-learn's data folder in "
            "$SCIKIT_LEARN_DATA"
        )
    files: list[LabelledFile] = []
    for person in filter(os.path.isdir, list_visible(folder)):
        if len(photographs := list_visible(person)) >= min_faces:
            files += [(person.name.replace("_", " "), file) for file in photographs]
    album = Album(folder, {})
    return _read_all(files, album, {}, 1, most, [], progress, thin_to=min_faces)


def _read_all(
    files: list[LabelledFile],
    album: Album,
    owners: Mapping[str, Owner],
    min_photos: int,
    most: int | None,
    skipped: list[Skipped],
    progress: Progress | None,
    *,
    thin_to: int | None = None,
) -> FoundPhotos:
    """The photographs in files of one folder.

    Args:
        owners: by name, who choose among several faces; by default the most central is taken.
        thin_to: how many files of each person are read at least; ``min_photos`` if not given.
    """
    folder = album.folder
    chosen = _thinned(files, most, min_photos if thin_to is None else thin_to)
    if len(chosen) < len(files):
        people = len({name for name, _ in chosen})
        reason = f"{len(chosen)} of its {len(files)} files were read, of {people} people"
        skipped.append(Skipped(folder, reason))
    faces: list[tuple[str, NDArray]] = []
    remarks: list[Skipped] = []
    for done, (name, file) in enumerate(chosen):
        try:
            picture = read(file, within=folder)
            (face,) = find_faces(picture, owner=owners.get(name))
        except ValueError as problem:
            skipped.append(Skipped(file, str(problem)))
        else:
            faces.append((name, align_face(picture.image, face)))
            remarks += [Skipped(file, note) for note in (*picture.notes, face.note) if note]
        if progress is not None:
            progress(done + 1, len(chosen), f"looking for faces in {folder.name}")
    counts = Counter(name for name, _ in faces)
    few = {name for name, count in counts.items() if count < min_photos}
    skipped += [
        Skipped(folder / name, f"fewer than {min_photos} photographs of this person")
        for name in sorted(few)
    ]
    faces = [(name, face) for name, face in faces if name not in few]
    if not faces:
        reasons = "; ".join(map(str, skipped[:3])) or "it holds no pictures in folders of people"
        raise ValueError(f"no usable photographs in {folder}: {reasons}")
    names = tuple(dict.fromkeys(name for name, _ in faces))
    return FoundPhotos(
        images=to_tensor(np.stack([face for _, face in faces])),
        labels=torch.tensor([names.index(name) for name, _ in faces]),
        names=names,
        skipped=tuple(skipped),
        notes=tuple(remarks),
        album=str(album),
    )


def _thinned(
    files: Sequence[LabelledFile], most: int | None, at_least: int
) -> Sequence[LabelledFile]:
    """At most ``most`` files: as many of each person as of any other who has them, evenly spaced.

    If ``at_least`` files of each person are too many, some people are left out.
    """
    if most is not None and most < at_least:
        raise ValueError(
            f"most must leave {at_least} photographs of one person at least, got {most}"
        )
    if most is None or len(files) <= most:
        return files
    by_person: dict[str, list[LabelledFile]] = {}
    for name, file in files:
        by_person.setdefault(name, []).append((name, file))
    people = evenly_spaced(list(by_person.values()), most // at_least)
    fitting = (
        count
        for count in range(at_least, max(map(len, people)) + 1)
        if sum(min(len(photographs), count) for photographs in people) <= most
    )
    each = max(fitting, default=at_least)
    return [file for photographs in people for file in evenly_spaced(photographs, each)]

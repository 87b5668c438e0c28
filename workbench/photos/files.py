"""Real photographs from files: detected, aligned like the rendered people, and labelled.

A folder holds one folder for each person. Nothing is written into it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poisonlib.photos import Photos
from poisonlib.progress import Progress
from workbench.photos.faces import Choose, as_images, central, cut_out, face_in, prominent
from workbench.photos.pictures import read, resolved
from workbench.photos.walk import Skipped, checked, spread, visible


@dataclass(frozen=True)
class FoundPhotos(Photos):
    """Photographs read from files.

    Attributes:
        skipped: what was left out, with reasons.

    Example:
        >>> import torch
        >>> from workbench.photos import FoundPhotos
        >>> found = FoundPhotos(torch.rand(1, 3, 8, 8), torch.tensor([0]), ("Ada",))
        >>> len(found), found.skipped
        (1, ())
    """

    skipped: tuple[Skipped, ...] = ()


def from_folder(
    folder: Path | str,
    *,
    min_photos: int = 1,
    most: int | None = None,
    progress: Progress | None = None,
) -> FoundPhotos:
    """Read photographs from ``folder/NAME/*.jpg`` and cut out the most prominent face of each.

    Every file in a person's folder is read, or listed with the reason why not, whatever its name
    ends with; only hidden files are passed over, and no link out of the folder is followed.
    Pictures are turned upright as their EXIF orientation says. Only the landmarks are remembered,
    in poisonlib's cache folder; the given folder is only read. A trial needs four photographs of
    each person.

    Args:
        folder: with one folder for each person, named after them.
        min_photos: leave out people with fewer photographs than this.
        most: look at so many files at most, so that they fit into memory: fewer of those who have
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
        >>> mine = from_folder("album")
        >>> mine.images.shape, [left.file.name for left in mine.skipped]
        (torch.Size([2, 3, 112, 112]), ['notes.txt'])
    """
    example = Path(folder) / "Ada" / "1.jpg"
    folder = checked(folder, what=f"a folder of photographs for each person, e.g. {example}")
    found = visible(folder)
    people = [path for path in found if os.path.isdir(path)]
    left_out = [Skipped(path, "not in a person's folder") for path in found if path not in people]
    files = []
    for person in people:
        try:
            if person.is_symlink():
                resolved(person, within=folder)
            files += [(person.name, file) for file in visible(person)]
        except OSError as problem:
            left_out.append(Skipped(person, f"a folder that cannot be read ({problem.strerror})"))
        except ValueError as problem:
            left_out.append(Skipped(person, str(problem)))
    files = _at_most(most, files, min_photos, folder, left_out)
    return _gather(files, prominent, folder, min_photos, left_out, progress)


def lfw(
    data_home: Path | str | None = None,
    *,
    min_faces: int = 10,
    most: int | None = None,
    download: bool = False,
    progress: Progress | None = None,
) -> FoundPhotos:
    """Labeled Faces in the Wild (Huang et al., 2007), where scikit-learn keeps it, aligned.

    Of several faces the one in the middle is meant. The first reading looks for landmarks, which
    takes a minute for a thousand pictures; they are remembered.

    Args:
        data_home: scikit-learn's data folder, in which ``lfw_home/lfw_funneled`` lies; by default
            ``$SCIKIT_LEARN_DATA`` or ``~/scikit_learn_data``.
        min_faces: leave out people with fewer photographs.
        most: look at so many files at most, as :func:`from_folder` does.
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

        # The people with the most photographs: little to read, and the files stay for us.
        fetch_lfw_people(data_home=str(home.expanduser()), min_faces_per_person=500)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no LFW photographs in {folder}; fetch them once with "
            "workbench.photos.lfw(download=True) (230 MB), or name scikit-learn's data folder in "
            "$SCIKIT_LEARN_DATA"
        )
    files = []
    for person in filter(os.path.isdir, visible(folder)):
        if len(mine := visible(person)) >= min_faces:
            files += [(person.name.replace("_", " "), file) for file in mine]
    left_out: list[Skipped] = []
    files = _at_most(most, files, min_faces, folder, left_out)
    return _gather(files, central, folder, 1, left_out, progress)


def _at_most(
    most: int | None,
    files: list[tuple[str, Path]],
    least: int,
    folder: Path,
    left_out: list[Skipped],
) -> list[tuple[str, Path]]:
    """At most so many files: as many of each person as of any other who has them, evenly spread.

    Args:
        most: so many; all, if None.
        files: with the names of those whom they show.
        least: of each person; if that is too many, some people are left out.
        folder: that they are in.
        left_out: is told how many were taken.
    """
    if most is not None and most < least:
        raise ValueError(f"most must leave {least} photographs of one person at least, got {most}")
    if most is None or len(files) <= most:
        return files
    of: dict[str, list[tuple[str, Path]]] = {}
    for name, file in files:
        of.setdefault(name, []).append((name, file))
    people = spread(list(of.values()), most // least)
    longest = max(map(len, people))
    fitting = (
        count
        for count in range(least, longest + 1)
        if sum(min(len(mine), count) for mine in people) <= most
    )
    each = max(fitting, default=least)
    taken = [file for mine in people for file in spread(mine, each)]
    said = f"{len(taken)} of its {len(files)} files were looked at, of {len(people)} people"
    left_out.append(Skipped(folder, said))
    return taken


def _gather(
    files: Sequence[tuple[str, Path]],
    choose: Choose,
    folder: Path,
    min_photos: int,
    skipped: Sequence[Skipped],
    progress: Progress | None,
) -> FoundPhotos:
    left_out = list(skipped)
    faces: list[tuple[str, NDArray]] = []
    for done, (name, face) in enumerate(_faces(files, choose, folder)):
        if isinstance(face, Skipped):
            left_out.append(face)
        else:
            faces.append((name, face))
        if progress is not None:
            progress(done + 1, len(files), f"looking for faces in {folder.name}")
    photographs = Counter(name for name, _ in faces)
    few = {name for name, count in photographs.items() if count < min_photos}
    left_out += [
        Skipped(folder / name, f"fewer than {min_photos} photographs of this person")
        for name in sorted(few)
    ]
    faces = [(name, face) for name, face in faces if name not in few]
    if not faces:
        why = "; ".join(map(str, left_out[:3])) or "it holds no pictures in folders of people"
        raise ValueError(f"no usable photographs in {folder}: {why}")
    names = tuple(dict.fromkeys(name for name, _ in faces))
    images = np.stack([face for _, face in faces])
    return FoundPhotos(
        images=as_images(images),
        labels=torch.tensor([names.index(name) for name, _ in faces]),
        names=names,
        skipped=tuple(left_out),
    )


def _faces(
    files: Sequence[tuple[str, Path]], choose: Choose, folder: Path
) -> Iterator[tuple[str, NDArray | Skipped]]:
    """Each file's aligned face ``(112, 112, 3)`` uint8, or why there is none."""
    for name, file in files:
        try:
            if os.path.isdir(file):
                raise ValueError("a folder in a person's folder; its files are not looked at")
            picture = read(file, within=folder)
            yield name, cut_out(picture.image, face_in(picture, choose=choose))
        except ValueError as problem:
            yield name, Skipped(file, str(problem))

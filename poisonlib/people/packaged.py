"""The people that ship with the package."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from poisonlib.people.appearance import Attributes
from poisonlib.photos import Photos

PEOPLE = "people.json"
SPLITS = ("public", "users")
"""`public`: whom a trainer scrapes. `users`: gallery and protected people. No one is in both."""
_IN_USE: WeakValueDictionary[Path, Photos] = WeakValueDictionary()


def _archive(split: str) -> Path:
    if split not in SPLITS:
        raise ValueError(
            f"split must be one of {', '.join(map(repr, SPLITS))}, got {split!r}; "
            "for photographs you rendered yourself use people.aligned(folder)"
        )
    path = Path(str(resources.files("poisonlib") / "data" / f"people-{split}.zip"))
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; reinstall the book, or make it with `python -m poisonlib people "
            "render` and `people pack` (poisonlib/data/people-card.json holds the exact commands)"
        )
    return path


def load(
    split: Literal["public", "users"],
    *,
    only: Collection[str] | None = None,
    each: int | None = None,
) -> Photos:
    """The packaged photographs of one split: ``(n, 3, 112, 112)`` float32, labels and names.

    People come in the order of their names, photographs in that of their numbers. While the
    photographs are in use every call returns the same object, so clone what you write into.

    Args:
        split: public people or users.
        only: names of some of the people, to load their photographs alone; labels and names are
            those of the whole split.
        each: of every person this number of photographs at most, the first ones.

    Raises:
        ValueError: no such split, nobody or an unknown person in ``only``, ``each`` below 1, or the
            file is damaged.
        FileNotFoundError: the package was installed without its data.

    Example:
        >>> from poisonlib import people
        >>> images, labels, names = people.load("users")
        >>> images.shape[1:], len(names)
        (torch.Size([3, 112, 112]), 100)
    """
    path = _archive(split)
    photos = _IN_USE.get(path)
    if each is not None:
        return read(path, only=only, each=each)
    if only is not None:
        return read(path, only=only) if photos is None else photos.of_people(list(only))
    if photos is None:
        photos = _IN_USE[path] = read(path)
    return photos


def read(
    path: str | Path, *, only: Collection[str] | None = None, each: int | None = None
) -> Photos:
    """Photographs from a file that ``people pack`` wrote.

    Args:
        path: of the file.
        only, each: see :func:`load`.

    Raises:
        ValueError: the file is not such a zip, or is damaged; or it holds none of ``only``.
    """
    if isinstance(only, str):
        raise ValueError(f"only must be several names, got the text {only!r}; use [{only!r}]")
    if each is not None and each < 1:
        raise ValueError(f"each must be at least 1 photograph, got {each}")
    try:
        with zipfile.ZipFile(path) as archive:
            listing = json.loads(archive.read(PEOPLE))
            members = [
                (label, f"{name}/{photograph}")
                for label, name in enumerate(listing)
                if only is None or name in only
                for photograph in sorted(listing[name]["photographs"])[:each]
            ]
            if unknown := sorted(set(only or ()) - set(listing)):
                raise ValueError(
                    f"{path} has no photographs of {unknown[0]!r}; names look like "
                    f"{', '.join(list(listing)[:3])}"
                )
            if not members:
                raise ValueError(
                    f"{path}: nobody was asked for; leave `only` out to load everybody"
                )
            contents = [archive.read(member) for _, member in members]
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            pictures = list(pool.map(_decode, contents))
    except (zipfile.BadZipFile, KeyError, OSError, json.JSONDecodeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(
            f"{path} is not a whole file of packed people ({error}); "
            "pack it again with `python -m poisonlib people pack`, or reinstall the book"
        ) from error
    return as_photos(pictures, [label for label, _ in members], tuple(listing))


def as_photos(pictures: list[NDArray], labels: list[int], names: tuple[str, ...]) -> Photos:
    """Stack pictures ``(h, w, 3)`` uint8 into photographs."""
    height, width, _ = pictures[0].shape
    images = np.empty((len(pictures), 3, height, width), np.float32)
    for image, picture in zip(images, pictures, strict=True):  # one at a time, to keep memory low
        np.divide(picture.transpose(2, 0, 1), np.float32(255), out=image)
    return Photos(torch.from_numpy(images), torch.tensor(labels), names)


def _decode(content: bytes) -> NDArray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


@lru_cache(maxsize=len(SPLITS))
def _listing(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(PEOPLE))


def attributes(name: str) -> Attributes:
    """Plain-language attributes of one packaged character.

    Args:
        name: as in ``load(split).names``, such as ``"p00012"``.

    Raises:
        ValueError: nobody of that name is packaged.

    Example:
        >>> from poisonlib import people
        >>> print(people.attributes("p00002").caption())
        A middle-aged masculine rendered character with short light brown hair, ...
    """
    for split in SPLITS:
        listing = _listing(_archive(split))
        if name in listing:
            return Attributes.from_json(listing[name]["attributes"])
    known = list(_listing(_archive("users")))[:3]
    raise ValueError(f"nobody is called {name!r}; names look like {', '.join(known)}")

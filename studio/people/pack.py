"""Rendered portraits to aligned photographs: in memory, or packed into one file."""

from __future__ import annotations

import io
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poisonlib import atomic
from poisonlib.alignment import align
from poisonlib.people.packaged import PEOPLE, as_photos
from poisonlib.photos import Photos
from studio.people import store

QUALITY = 91
"""JPEG quality of packed photographs."""

SUFFIX = ".zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Summary:
    """What was packed."""

    path: Path
    people: int
    photographs: int
    size: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.photographs} photographs of {self.people} people, "
            f"{self.size / 1e6:.1f} MB"
        )


def people_in(
    folder: str | Path,
    *,
    identities: int | None = None,
    photos: int | None = None,
    first_identity: int | None = None,
) -> list[tuple[Path, dict[str, Any], list[int]]]:
    """Folders, records and photograph numbers of the people in a rendered folder.

    Args:
        identities, photos: only the first so many people, or photographs of each.
        first_identity: seed below which people are passed over.

    Raises:
        FileNotFoundError: no such folder, or nobody in it.
        ValueError: someone has fewer than ``photos`` finished photographs.
    """
    folder = Path(folder)
    command = f"python -m poisonlib people render --identities {identities or 10} --photos "
    command += f"{photos or 4} --first-identity {first_identity or 0} --out {folder}"
    found = []
    for place in sorted(folder.glob("p*"), key=_seed_of) if folder.is_dir() else []:
        record = store.read_record(place)
        if record is None or (first_identity is not None and record["seed"] < first_identity):
            continue
        if len(found) == identities:
            break
        numbers = sorted(int(number) for number in record["photographs"])
        if photos is not None and len(numbers) < photos:
            raise ValueError(
                f"{place} has {len(numbers)} finished photographs, expected {photos}; finish it "
                f"with {command}"
            )
        found.append((place, record, numbers[:photos]))
    if not found:
        raise FileNotFoundError(f"no rendered people in {folder}; make some with {command}")
    if identities is not None and len(found) < identities:
        raise ValueError(
            f"{folder} holds {len(found)} people, expected {identities}; render more with {command}"
        )
    return found


def _seed_of(place: Path) -> tuple[bool, int | str]:
    digits = place.name[1:]
    return (False, int(digits)) if digits.lstrip("-").isdigit() else (True, digits)


def _aligned(place: Path, record: dict[str, Any], number: int) -> NDArray:
    try:
        with Image.open(place / store.file_of(number)) as file:
            portrait = np.asarray(file.convert("RGB"))
    except OSError as error:
        raise ValueError(
            f"{place / store.file_of(number)} cannot be read ({error}); "
            "run `people render` again, which renders damaged photographs anew"
        ) from error
    return align(portrait, record["photographs"][str(number)]["landmarks"])


def aligned(
    folder: str | Path,
    *,
    identities: int | None = None,
    photos: int | None = None,
    first_identity: int | None = None,
) -> Photos:
    """Read a rendered folder as aligned photographs ``(n, 3, 112, 112)``.

    Args:
        identities, photos: take only the first so many people, or photographs of each.
        first_identity: begin with the person of this seed.

    Example:
        >>> from studio.people import aligned
        >>> aligned("rendered")
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    people = people_in(folder, identities=identities, photos=photos, first_identity=first_identity)
    jobs = [(place, record, n) for place, record, numbers in people for n in numbers]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        pictures = list(pool.map(lambda job: _aligned(*job), jobs))
    labels = [label for label, (_, _, numbers) in enumerate(people) for _ in numbers]
    return as_photos(pictures, labels, tuple(record["name"] for _, record, _ in people))


def pack(
    folder: str | Path, out: str | Path, *, identities: int | None = None, photos: int | None = None
) -> Summary:
    """Align a rendered folder and pack it into one zip.

    Members are ``p00012/003.jpg`` (112x112) and ``people.json``. The same folder gives the same
    bytes; the file is written completely or not at all.
    """
    out = Path(out)
    people = people_in(folder, identities=identities, photos=photos)
    count = 0
    with atomic.writing(out) as file, zipfile.ZipFile(file, "w") as archive:
        _add(archive, PEOPLE, _listing(people))
        for place, record, numbers in people:
            for number in numbers:
                buffer = io.BytesIO()
                picture = Image.fromarray(_aligned(place, record, number))
                picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
                member = f"{record['name']}/{store.file_of(number)}"
                _add(archive, member, buffer.getvalue())
                count += 1
    return Summary(out, len(people), count, out.stat().st_size)


def _listing(people: list[tuple[Path, dict[str, Any], list[int]]]) -> bytes:
    kept = ("yaw", "pitch", "roll", "expression", "lighting", "distance")
    listing = {
        record["name"]: {
            "seed": record["seed"],
            "attributes": record["attributes"],
            "settings": record["settings"],
            "photographs": {
                store.file_of(n): {key: record["photographs"][str(n)][key] for key in kept}
                for n in numbers
            },
        }
        for _, record, numbers in people
    }
    return (json.dumps(listing, indent=1, sort_keys=True) + "\n").encode()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member with fixed time and mode, so that bytes do not depend on when or where."""
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system, member.external_attr = 3, 0o644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED if name == PEOPLE else zipfile.ZIP_STORED
    archive.writestr(member, content)

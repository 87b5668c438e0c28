"""Rendered people in a folder: one folder per person, with photographs and a record.

``DIR/p00012/003.jpg`` is photograph 3 of identity 12; ``DIR/p00012/person.json`` says who it is
and lists the finished photographs with their sha256. A photograph counts once it is listed and its
bytes agree, so an interrupted or damaged file is simply rendered again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonlib import atomic
from poisonlib.hashing import sha256, sha256_of_file
from studio.people.circumstances import Nuisance
from studio.people.describe import describe
from studio.people.traits import Identity

if TYPE_CHECKING:
    from studio.people.render import Portrait

RECORD = "person.json"


def name_of(seed: int) -> str:
    """Name of the identity of a seed, such as ``p00012``."""
    return f"p{seed:05d}"


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, complete or not at all."""
    atomic.write(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_record(folder: Path) -> dict[str, Any] | None:
    """A person's record, None if there is none or it cannot be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("photographs"), dict):
        return None
    return record


def finished(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Records of the photographs in a folder that are complete and made with these settings."""
    record = read_record(folder)
    if record is None or record.get("settings") != settings:
        return {}

    def is_whole(number: str, photograph: dict[str, Any]) -> bool:
        path = folder / file_of(int(number))
        return path.is_file() and sha256_of_file(path) == photograph.get("sha256")

    return {key: value for key, value in record["photographs"].items() if is_whole(key, value)}


def file_of(number: int) -> str:
    """File name of a photograph."""
    return f"{number:03d}.jpg"


def person_record(person: Identity, settings: dict[str, Any]) -> dict[str, Any]:
    """The record of a person without photographs."""
    return {
        "name": name_of(person.seed),
        "seed": person.seed,
        "attributes": describe(person).to_json(),
        "settings": settings,
        "photographs": {},
    }


def photograph_record(portrait: Portrait, taken: Nuisance, content: bytes) -> dict[str, Any]:
    """What is kept about one photograph."""
    return {
        "sha256": sha256(content),
        "landmarks": [[round(float(v), 3) for v in point] for point in portrait.landmarks],
        "yaw": round(taken.pose.yaw, 2),
        "pitch": round(taken.pose.pitch, 2),
        "roll": round(taken.pose.roll, 2),
        "expression": taken.expression.name,
        "lighting": taken.lighting.name,
        "distance": round(taken.camera.distance, 3),
        "quality": taken.camera.quality,
    }

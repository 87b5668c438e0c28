"""Rendered people in a folder: one folder a person, photographs and a record.

``DIR/p00012/003.jpg`` is photograph 3 of identity 12; ``DIR/p00012/person.json`` says who it is
and lists the finished photographs with their sha256. A photograph counts once it is listed and its
bytes agree, so an interrupted or damaged file is simply rendered again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonlib import atomic
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
    """Write a value as indented JSON, whole or not at all."""
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
    """Records of the photographs in a folder that are whole and made with these settings."""
    record = read_record(folder)
    if record is None or record.get("settings") != settings:
        return {}
    return {
        number: photograph
        for number, photograph in record["photographs"].items()
        if _digest(folder / file_of(int(number))) == photograph.get("sha256")
    }


def file_of(number: int) -> str:
    """File name of a photograph."""
    return f"{number:03d}.jpg"


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


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
        "sha256": hashlib.sha256(content).hexdigest(),
        "landmarks": [[round(float(v), 3) for v in point] for point in portrait.landmarks],
        "yaw": round(taken.pose.yaw, 2),
        "pitch": round(taken.pose.pitch, 2),
        "roll": round(taken.pose.roll, 2),
        "expression": taken.expression.name,
        "lighting": taken.lighting.name,
        "distance": round(taken.camera.distance, 3),
        "quality": taken.camera.quality,
    }

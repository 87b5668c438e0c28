"""A rendered folder without the renderer, and the head model for tests that do render."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poisonlib.alignment import TEMPLATE
from studio.people import identity, nuisance, store

PEOPLE, PHOTOS = 3, 4
SETTINGS = {"version": 1, "amplitude": 0.32, "level": 1.2}


class Drawn:
    """Stands for a portrait: a smooth picture that differs by person and photograph."""

    def __init__(self, seed: int, number: int) -> None:
        row, column = np.mgrid[0:224, 0:224] / 224
        picture = np.stack([row, column, (row + column) / 2], -1)
        picture = picture * (0.4 + 0.15 * seed) + 0.05 * number
        self.image = (picture.clip(0, 1) * 255).astype(np.uint8)
        self.landmarks = TEMPLATE * 1.25 + 42 + number


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    """A folder as `people render` leaves it: 3 people with 4 photographs each."""
    folder = tmp_path / "rendered"
    for seed in range(PEOPLE):
        person = identity.sample(seed)
        place = folder / store.name_of(seed)
        place.mkdir(parents=True)
        record = store.person_record(person, SETTINGS)
        for number in range(PHOTOS):
            portrait = Drawn(seed, number)
            path = place / store.file_of(number)
            Image.fromarray(portrait.image).save(path, quality=95)
            taken = nuisance.sample(seed, number)
            kept = store.photograph_record(portrait, taken, path.read_bytes())
            record["photographs"][str(number)] = kept
        store.write_json(place / store.RECORD, record)
    return folder


@pytest.fixture(scope="session")
def head_model() -> None:
    """The head model, built in a process of its own the first time (a minute or two)."""
    pytest.importorskip("numba", reason="rendering needs the extra `people`")
    pytest.importorskip("anny", reason="rendering needs the extra `people`")
    build = "from studio.people import head; head.load()"
    subprocess.run([sys.executable, "-c", build], check=True, timeout=900)

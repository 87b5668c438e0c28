"""Photographs without faces, a detector that says where they are, and a tool that takes no time."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from poisonlib.alignment import TEMPLATE
from poisonlib.attacks.base import Attack, Cloak, Extractor, Progress, noise_like
from tests.toys import PooledLinear

NOBODY, CROWD = (0, 0, 0), (255, 255, 255)
"""What `detect` takes for a picture of nobody, or of several people: the colour of a corner."""


def picture(number: int = 0, *, size: tuple[int, int] = (160, 200), corner=None) -> Image.Image:
    """A smooth coloured picture, another for each number."""
    generator = np.random.default_rng(number)
    coarse = generator.integers(60, 200, (6, 5, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    if corner is not None:
        smooth.paste(corner, (0, 0, 16, 16))
    return smooth


def content(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def landmarks_in(size: tuple[int, int]) -> np.ndarray:
    """A face in the middle, a little turned."""
    turn = np.array([[0.98, -0.2], [0.2, 0.98]])
    return (TEMPLATE - 56) @ turn.T * (0.7 * min(size) / 112) + np.array(size) / 2


def detect(image: Image.Image, content: bytes) -> np.ndarray:
    """One face in the middle, or none, or a second, small one at the side (`NOBODY`, `CROWD`)."""
    corner = np.asarray(image.crop((2, 2, 12, 12)), float).mean((0, 1))
    face = landmarks_in(image.size)
    if np.abs(corner - NOBODY).max() < 10:
        return np.zeros((0, 5, 2))
    if np.abs(corner - CROWD).max() < 10:
        return np.stack([face / 4, face])
    return face[None]


def never(images: Tensor) -> Tensor:
    """No photograph looks cloaked."""
    return torch.zeros(len(images), dtype=torch.bool)


TOYS = {"detect": detect, "looks_cloaked": never}
"""What a folder is cloaked with."""


@dataclass(frozen=True, eq=False, repr=False)
class Tint(Attack):
    """Adds a pattern, some noise, and a tint that depends on everything in the batch."""

    extractors: Sequence[Extractor] = (PooledLinear(),)
    _: KW_ONLY
    strength: float = 0.1

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        tint = self.strength * (images.mean(dim=(0, 2, 3)) - 0.2)
        waves = torch.sin(torch.linspace(0, 12, images.shape[-1])) * self.strength
        noise = noise_like(images, seed=seed, radius=0.01)
        return images + tint[:, None, None] + waves[None, None, None] + noise

    def _measure(self, images: Tensor, original: Tensor) -> Cloak:
        nothing = torch.zeros(len(images))  # LPIPS would take most of the time
        return Cloak(images, nothing, nothing, nothing, self.steps, repr(self))


def snapshot(folder: Path) -> dict[str, str]:
    """Every path below a folder: the hash of a file, or what else it is."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = f"-> {path.readlink()}"
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = f"{path.stat().st_mtime_ns} {digest}"
        else:
            found[str(path.relative_to(folder))] = "no file"
    return found


def copies(folder: Path) -> dict[str, bytes]:
    """The copies in a folder that was written to, without its journal."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path.suffix != ".jsonl"
    }

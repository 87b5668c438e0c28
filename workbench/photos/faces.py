"""Whose face is meant in a picture, cut out like the rendered people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from poisonlib.alignment import SIDE, align
from workbench.photos.landmarks import SHORTEST, remembered
from workbench.photos.pictures import Picture

Detect = Callable[[Image.Image, bytes], NDArray]
"""A picture (RGB, upright) and its file's content -> landmarks ``(faces, 5, 2)`` in pixels."""
Choose = Callable[[NDArray, tuple[int, int]], int]
"""Which of several faces is meant: landmarks ``(faces, 5, 2)`` and the picture's size -> index."""
Several = Literal["choose", "skip"]
"""Of several faces, choose the most prominent one, or skip the picture."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        landmarks: ``(5, 2)`` pixels, in the order of `poisonlib.alignment.TEMPLATE`.
        seen: how many faces the picture shows.
    """

    landmarks: NDArray
    seen: int

    @property
    def note(self) -> str:
        """What there is to say about the choice, in plain words; nothing where there was none."""
        others = f"{self.seen} faces in it; the largest and most central one was taken"
        return others if self.seen > 1 else ""


def prominent(faces: NDArray, size: tuple[int, int]) -> int:
    """The largest face, where one in a corner counts half of what it would in the middle."""
    spread = np.ptp(faces, axis=1).max(axis=1)
    offset = np.linalg.norm(faces.mean(1) - np.array(size) / 2, axis=1)
    return int((spread**2 * (1 - offset / np.linalg.norm(size))).argmax())


def central(faces: NDArray, size: tuple[int, int]) -> int:
    """The face in the middle."""
    return int(np.linalg.norm(faces.mean(1) - np.array(size) / 2, axis=1).argmin())


def face_in(
    picture: Picture,
    *,
    detect: Detect = remembered,
    choose: Choose = prominent,
    several: Several = "choose",
) -> Face:
    """The face that a picture is of.

    Raises:
        ValueError: it is too small, shows no face, or several and those are to be skipped; the
            message is that reason.
    """
    if min(picture.image.size) < SHORTEST:
        raise ValueError(f"smaller than {SHORTEST} pixels")
    try:
        faces = detect(picture.image, picture.content)
    except RuntimeError as problem:
        raise ValueError(f"the face detector failed ({problem})") from problem
    if len(faces) == 0:
        raise ValueError("no face found")
    if len(faces) > 1 and several == "skip":
        raise ValueError(f"{len(faces)} faces in it, and pictures with several are to be skipped")
    return Face(faces[choose(faces, picture.image.size)], len(faces))


def cut_out(image: Image.Image, face: Face) -> NDArray:
    """The aligned face ``(112, 112, 3)`` uint8 in an RGB picture."""
    return align(image, face.landmarks, side=SIDE)


def as_images(faces: NDArray) -> Tensor:
    """Aligned faces ``(..., 112, 112, 3)`` uint8 as images ``(..., 3, 112, 112)`` in [0, 1]."""
    return torch.tensor(faces).movedim(-1, -3).float().div(255)

"""Faces in photographs: found, chosen, and aligned like the rendered people's.

The detector is MTCNN (Zhang, Zhang, Li and Qiao, IEEE SPL 2016) as it comes with facenet-pytorch,
whose weights are part of the package, so that nothing is downloaded. Only coordinates are cached on
disk, no faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from poisonlib.alignment import SIDE, align
from poisonlib.caching import cache_folder, cached_array
from poisonlib.hashing import sha256
from workbench.photos.pictures import Picture

Detect = Callable[[Image.Image, bytes], NDArray]
"""A picture (RGB, upright) and its file's content -> landmarks ``(faces, 5, 2)`` in pixels."""
Choose = Callable[[NDArray, tuple[int, int]], int]
"""Which of several faces to take: landmarks ``(faces, 5, 2)`` and the picture's size -> index."""
Several = Literal["choose", "skip"]
"""Of several faces, choose the most prominent one, or skip the picture."""

DETECTOR = "facenet-pytorch MTCNN, longest side 1024"
LONGEST = 1024
"""Larger pictures are shrunk to this side for detection: landmarks need no more pixels."""
SHORTEST = 40


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        landmarks: ``(5, 2)`` pixels, in the order of `poisonlib.alignment.TEMPLATE`.
        count: how many faces the picture shows.
    """

    landmarks: NDArray
    count: int

    @property
    def note(self) -> str:
        """A remark on the choice; empty where there was none."""
        several = f"{self.count} faces in it; the largest and most central one was taken"
        return several if self.count > 1 else ""


def detect_landmarks(picture: Image.Image) -> NDArray:
    """Five landmarks of each face in a picture, the largest face first.

    Args:
        picture: RGB, upright.

    Returns:
        ``(faces, 5, 2)`` in pixels: eyes, nose tip and mouth corners, left of the picture first.
        ``(0, 5, 2)`` where no face is detected.
    """
    if min(picture.size) < SHORTEST:
        return np.zeros((0, 5, 2))
    shrink = max(1.0, max(picture.size) / LONGEST)
    small = picture
    if shrink > 1:
        small = picture.resize([max(SHORTEST, round(side / shrink)) for side in picture.size])
    _, _, points = _detector().detect(small, landmarks=True)
    if points is None:
        return np.zeros((0, 5, 2))
    scale = np.array(picture.size) / np.array(small.size)
    return np.asarray(points, float) * scale


def cached_landmarks(picture: Image.Image, content: bytes) -> NDArray:
    """The same as :func:`detect_landmarks`, computed once for each file content.

    Args:
        picture: what the content shows, RGB, upright.
        content: of the file.
    """
    key = sha256(DETECTOR.encode() + content)
    path = cache_folder("landmarks") / key[:2] / f"{key}.npy"
    return cached_array(path, lambda: detect_landmarks(picture))


@cache
def _detector():
    from facenet_pytorch import MTCNN

    return MTCNN(keep_all=True, device="cpu")


def most_prominent(faces: NDArray, size: tuple[int, int]) -> int:
    """The largest face, where one in a corner counts half of what it would in the middle."""
    extent = np.ptp(faces, axis=1).max(axis=1)
    offset = np.linalg.norm(faces.mean(1) - np.array(size) / 2, axis=1)
    return int((extent**2 * (1 - offset / np.linalg.norm(size))).argmax())


def most_central(faces: NDArray, size: tuple[int, int]) -> int:
    """The face in the middle."""
    return int(np.linalg.norm(faces.mean(1) - np.array(size) / 2, axis=1).argmin())


def find_face(
    picture: Picture,
    *,
    detect: Detect = cached_landmarks,
    choose: Choose = most_prominent,
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


def align_face(image: Image.Image, face: Face) -> NDArray:
    """The aligned face ``(112, 112, 3)`` uint8 in an RGB picture."""
    return align(image, face.landmarks, side=SIDE)


def to_tensor(faces: NDArray) -> Tensor:
    """Aligned faces ``(..., 112, 112, 3)`` uint8 as images ``(..., 3, 112, 112)`` in [0, 1]."""
    return torch.tensor(faces).movedim(-1, -3).float().div(255)

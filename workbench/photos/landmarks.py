"""Where the faces in a picture are: MTCNN's five landmarks, remembered by the picture's content.

MTCNN (Zhang, Zhang, Li and Qiao, IEEE SPL 2016) as it comes with facenet-pytorch, whose weights lie
inside the package, so that nothing is downloaded. Only coordinates are kept on disk, no faces.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poisonlib.caching import cache_folder, cached_array
from poisonlib.hashing import sha256

DETECTOR = "facenet-pytorch MTCNN, longest side 1024"
LONGEST = 1024
"""Larger pictures are made this long to look for faces in them: landmarks need no more pixels."""
SHORTEST = 40


def landmarks(picture: Image.Image) -> NDArray:
    """Five landmarks of each face in a picture, the largest face first.

    Args:
        picture: RGB, upright.

    Returns:
        ``(faces, 5, 2)`` in pixels: eyes, nose tip and mouth corners, left of the picture first.
        ``(0, 5, 2)`` where no face is seen.
    """
    if min(picture.size) < SHORTEST:
        return np.zeros((0, 5, 2))
    shrink = max(1.0, max(picture.size) / LONGEST)
    seen = picture
    if shrink > 1:
        seen = picture.resize([max(SHORTEST, round(side / shrink)) for side in picture.size])
    _, _, points = _detector().detect(seen, landmarks=True)
    if points is None:
        return np.zeros((0, 5, 2))
    scale = np.array(picture.size) / np.array(seen.size)
    return np.asarray(points, float) * scale


def remembered(picture: Image.Image, content: bytes) -> NDArray:
    """The same, computed once for each file content.

    Args:
        picture: what the content shows, RGB, upright.
        content: of the file.
    """
    key = sha256(DETECTOR.encode() + content)
    path = cache_folder("landmarks") / key[:2] / f"{key}.npy"
    return cached_array(path, lambda: landmarks(picture))


@cache
def _detector():
    from facenet_pytorch import MTCNN

    return MTCNN(keep_all=True, device="cpu")

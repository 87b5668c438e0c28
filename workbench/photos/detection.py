"""Landmarks of the faces in a picture, looked for in four turns and at several sizes, and checked.

The detector is MTCNN (Zhang, Zhang, Li and Qiao, IEEE SPL 2016) as it comes with facenet-pytorch,
whose weights are part of the package, so that nothing is downloaded. In a portrait that lies on its
side it sees a face in every third, with eyes and mouth in the wrong places. Therefore a face counts
only if it is found again, with the same landmarks, in a picture that was aligned by them.

Only coordinates are cached on disk, no faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poisonlib.alignment import SIDE, TEMPLATE, align
from poisonlib.caching import cache_folder, cached_array
from poisonlib.hashing import sha256

Detect = Callable[[Image.Image, bytes], NDArray]
"""A picture (RGB, upright) and its file's content -> landmarks ``(faces, 5, 2)`` in pixels."""

DETECTOR = "facenet-pytorch MTCNN, longest side 1024, four turns, tiles, checked"
LONGEST = 1024
"""Larger pictures are shrunk to this side for detection: landmarks need no more pixels."""
SHORTEST = 40
OVERLAP, MOST_TILES = 256, 16
"""Of the parts in which a large picture without a large face is searched, in pixels."""
MARGIN, CHECKED_SIDE = 28, 224
"""Around the aligned face in which landmarks are checked, and the side of that picture."""
NEAR, PROBABLE = 0.35, 0.9
"""A face is confirmed by landmarks within this share of the distance of the eyes, found again with
at least this probability."""
CERTAIN = 0.99
"""With this probability no other turn of the picture is tried. Faces that lie on their side or
upside down reach 0.98, upright ones 0.997 in 99 of 100."""
TURNS = (
    None,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
)


class _Found(NamedTuple):
    """Faces in one turn of a picture: landmarks ``(faces, 5, 2)``, and the best probability."""

    landmarks: NDArray
    probability: float


NOTHING = _Found(np.zeros((0, 5, 2)), 0.0)


def detect_landmarks(picture: Image.Image) -> NDArray:
    """Five landmarks of each face in a picture, the largest face first.

    A picture is searched as it is; if no certain face is in it, also turned by 90, 180 and 270
    degrees; and if there is none at all and it is large, in overlapping parts at a larger size.

    Args:
        picture: RGB, turned as its file says, if it says so.

    Returns:
        ``(faces, 5, 2)`` in pixels of the picture: eyes, nose tip and mouth corners, the person's
        right eye first (which is on the left of an upright picture). ``(0, 5, 2)`` where no face is
        detected.
    """
    if min(picture.size) < SHORTEST:
        return NOTHING.landmarks
    small = _shrunk(picture, max(picture.size) / LONGEST)
    found = [_in_turn(small, TURNS[0])]
    if found[0].probability < CERTAIN:
        found += [_in_turn(small, turn) for turn in TURNS[1:]]
    best = max(found, key=lambda one: one.probability)
    if len(best.landmarks):
        return best.landmarks * (np.array(picture.size) / np.array(small.size))
    if small is picture:
        return NOTHING.landmarks
    return _in_parts(_shrunk(picture, min(picture.size) / LONGEST), picture.size)


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


def _detected(picture: Image.Image) -> Iterator[tuple[NDArray, float]]:
    """Landmarks ``(5, 2)`` and probability of each face, unchecked."""
    _, probabilities, points = _detector().detect(picture, landmarks=True)
    if points is not None:
        for landmarks, probability in zip(points, probabilities, strict=True):
            yield np.asarray(landmarks, float), float(probability)


def _confirmed(picture: Image.Image) -> _Found:
    """The faces in a picture that are found again once they are aligned."""
    faces, best = [], 0.0
    for landmarks, _ in _detected(picture):
        probability = _found_again(picture, landmarks)
        if probability >= PROBABLE:
            faces.append(landmarks)
            best = max(best, probability)
    return _Found(np.array(faces), best) if faces else NOTHING


def _found_again(picture: Image.Image, landmarks: NDArray) -> float:
    """How probable a face is where landmarks say that it is; 0 if it is elsewhere."""
    # The alignment to a smaller template in the middle leaves a margin.
    expected = (TEMPLATE + MARGIN) * CHECKED_SIDE / (SIDE + 2 * MARGIN)
    eyes = float(np.linalg.norm(expected[1] - expected[0]))
    # Alignment picks pixels, so that a much larger face would lose some that matter.
    larger = int(np.linalg.norm(landmarks[1] - landmarks[0]) / eyes)
    if larger > 1:
        picture, landmarks = picture.reduce(larger), landmarks / larger
    inner = align(picture, landmarks, side=CHECKED_SIDE, template=expected)
    again = (
        probability
        for points, probability in _detected(Image.fromarray(inner))
        if np.linalg.norm(points - expected, axis=1).mean() <= NEAR * eyes
    )
    return max(again, default=0.0)


def _in_turn(picture: Image.Image, turn: Image.Transpose | None) -> _Found:
    """The faces that stand upright once a picture is turned, in pixels of the unturned one."""
    if turn is None:
        return _confirmed(picture)
    found = _confirmed(picture.transpose(turn))
    x, y = found.landmarks[..., 0], found.landmarks[..., 1]
    width, height = picture.size
    back = {
        Image.Transpose.ROTATE_90: (width - y, x),
        Image.Transpose.ROTATE_180: (width - x, height - y),
        Image.Transpose.ROTATE_270: (y, height - x),
    }
    return _Found(np.stack(back[turn], axis=-1), found.probability)


def _in_parts(picture: Image.Image, size: tuple[int, int]) -> NDArray:
    """The faces in overlapping square parts of a picture that was shrunk from a size."""
    lefts, tops = (_starts(side) for side in picture.size)
    faces: list[NDArray] = []
    for left, top in [(left, top) for top in tops for left in lefts][:MOST_TILES]:
        part = picture.crop((left, top, left + LONGEST, top + LONGEST))
        for landmarks in _confirmed(part).landmarks + (left, top):
            eyes = np.linalg.norm(landmarks[1] - landmarks[0])
            if all(np.linalg.norm(landmarks[2] - known[2]) > eyes for known in faces):
                faces.append(landmarks)
    faces.sort(key=lambda landmarks: -np.ptp(landmarks))
    scale = np.array(size) / np.array(picture.size)
    return np.array(faces) * scale if faces else NOTHING.landmarks


def _starts(side: int) -> list[int]:
    """Where the parts of one side begin; the last ends at its end."""
    last = max(0, side - LONGEST)
    return [*range(0, last, LONGEST - OVERLAP), last]


def _shrunk(picture: Image.Image, by: float) -> Image.Image:
    if by <= 1:
        return picture
    return picture.resize([max(SHORTEST, round(side / by)) for side in picture.size])

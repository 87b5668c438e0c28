"""The faces of one person in pictures: found, chosen, and aligned like the rendered people's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import NDArray
from PIL import Image

from poisonlib.alignment import SIDE, align
from workbench.photos.detection import SHORTEST, Detect, cached_landmarks
from workbench.photos.owner import Owner, most_central
from workbench.photos.pictures import Picture

Which = Literal["owner", "all", "skip"]
"""Of several faces in a picture: the person's, all of them, or none, as it is skipped."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        landmarks: ``(5, 2)`` pixels, in the order of `poisonlib.alignment.TEMPLATE`.
        note: a remark on the choice; empty where there was none.
    """

    landmarks: NDArray
    note: str = ""


def find_faces(
    picture: Picture,
    *,
    detect: Detect = cached_landmarks,
    which: Which = "owner",
    owner: Owner | None = None,
) -> list[Face]:
    """The faces that a picture is of: one of them, unless all are wanted.

    Args:
        picture: as it was read.
        detect: detects the landmarks in it.
        which: of several faces.
        owner: of the photograph; without one the most central face is taken.

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
    if len(faces) == 1:
        return [Face(faces[0])]
    many = f"{len(faces)} faces in it"
    if which == "skip":
        raise ValueError(f"{many}, and pictures with several are to be skipped")
    if which == "all":
        return [Face(landmarks, many) for landmarks in faces]
    if owner is None:
        central = most_central(faces, picture.image.size)
        return [Face(faces[central], f"{many}; the most central one was taken")]
    chosen, note = owner.choose(picture.image, faces)
    return [Face(faces[chosen], note)]


def align_face(image: Image.Image, face: Face) -> NDArray:
    """The aligned face ``(112, 112, 3)`` uint8 in an RGB picture."""
    return align(image, face.landmarks, side=SIDE)

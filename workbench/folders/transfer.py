"""A cloak made on an aligned face, carried back into the photograph that the face was cut from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poisonlib.alignment import SIDE, TEMPLATE, similarity
from workbench.photos.faces import Face

EDGE = 2
"""Over how many pixels of the aligned face, of 112, the change fades out towards its border.

Enough for no seam to show, as a pixel there is several of the photograph's. Every further one costs
much of a cloak, which uses the border as well: it is lost there, hardly by the resampling."""
STRIP = 256
"""Rows of the photograph that are changed at a time, so that memory stays that of the pixels."""


def carried(image: Image.Image, face: Face, change: NDArray) -> Image.Image:
    """The photograph whose aligned face differs by ``change`` from what it was.

    The change is resampled bicubically at the pixels of the photograph by the inverse of the
    alignment, faded out at its border, added, clipped and rounded to 8 bits. All pixels outside the
    aligned square stay as they are.

    Args:
        image: RGB; not modified.
        face: that was aligned.
        change: ``(112, 112, 3)`` float, in [-1, 1]: cloaked minus clean.
    """
    scale, rotation, shift = similarity(face.landmarks, TEMPLATE)
    forward = scale * rotation
    corners = (np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]]) - shift) @ np.linalg.inv(
        forward
    ).T
    left, top = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(0)), image.size).astype(int)
    planes = [
        Image.fromarray(plane)
        for plane in np.moveaxis(255 * change * mask()[..., None], -1, 0).astype(np.float32)
    ]
    result = image.copy()
    for row in range(top, bottom, STRIP):
        box = (left, row, right, min(row + STRIP, bottom))
        offset = forward @ (left, row) + shift
        coefficients = (*forward[0], offset[0], *forward[1], offset[1])
        size = (box[2] - box[0], box[3] - box[1])
        moved = [
            plane.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
            for plane in planes
        ]
        values = np.asarray(image.crop(box)) + np.stack(moved, axis=-1)
        result.paste(Image.fromarray(values.round().clip(0, 255).astype(np.uint8)), box)
    return result


def mask() -> NDArray:
    """How much of a change is kept at each pixel of an aligned face ``(112, 112)``, in [0, 1].

    One inside, falling as a cosine to zero over the outermost `EDGE` pixels.
    """
    inwards = (np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) + 0.5) / EDGE
    fade = (1 - np.cos(np.pi * inwards.clip(0, 1))) / 2
    return np.outer(fade, fade)

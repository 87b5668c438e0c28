"""A cloak pasted back from the aligned face into the photograph, and how much of it is retained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from poisonlib.alignment import SIDE, TEMPLATE, similarity
from poisonlib.attacks.base import Extractor
from workbench.photos.detection import Detect
from workbench.photos.faces import Face, align_face
from workbench.photos.owner import to_tensor
from workbench.photos.pictures import Picture

EDGE = 2
"""Over how many pixels of the aligned face, of 112, the change fades out towards its border.

Enough for no seam to show, as a pixel there covers several of the photograph's. Each further one
costs much of a cloak, which uses the border as well; resampling costs hardly any."""
ELSEWHERE = 0.5
"""A face whose landmarks are further off than this, in distances of the eyes, is another one."""
STRIP = 256
"""Rows of the photograph that are changed at a time, which bounds the memory."""


def paste_back(image: Image.Image, face: Face, change: NDArray) -> Image.Image:
    """The photograph with a change of its aligned face.

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
    square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]])
    corners = (square - shift) @ np.linalg.inv(forward).T
    left, top = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(0)), image.size).astype(int)
    channels = [
        Image.fromarray(channel)
        for channel in np.moveaxis(255 * change * fade_mask()[..., None], -1, 0).astype(np.float32)
    ]
    result = image.copy()
    for row in range(top, bottom, STRIP):
        box = (left, row, right, min(row + STRIP, bottom))
        offset = forward @ (left, row) + shift
        coefficients = (*forward[0], offset[0], *forward[1], offset[1])
        size = (box[2] - box[0], box[3] - box[1])
        resampled = [
            channel.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
            for channel in channels
        ]
        values = np.asarray(image.crop(box)) + np.stack(resampled, axis=-1)
        result.paste(Image.fromarray(values.round().clip(0, 255).astype(np.uint8)), box)
    return result


def fade_mask() -> NDArray:
    """By how much a change is multiplied at each pixel of an aligned face ``(112, 112)``.

    One inside, falling as a cosine to zero over the outermost `EDGE` pixels.
    """
    inwards = (np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) + 0.5) / EDGE
    fade = (1 - np.cos(np.pi * inwards.clip(0, 1))) / 2
    return np.outer(fade, fade)


def realign(published: Picture, face: Face, *, detect: Detect) -> Tensor | None:
    """The face on a published photograph as a tracker would align it ``(1, 3, 112, 112)``.

    Args:
        published: as read from its file.
        face: that was cloaked.
        detect: detects faces anew; the nearest to ``face`` counts.

    Returns:
        None where no face is detected there any more.
    """
    landmarks = detect(published.image, published.content)
    if len(landmarks) == 0:
        return None
    off = np.linalg.norm(landmarks - face.landmarks, axis=2).mean(1)
    nearest = off.argmin()
    if off[nearest] > ELSEWHERE * np.linalg.norm(face.landmarks[1] - face.landmarks[0]):
        return None
    return to_tensor(align_face(published.image, Face(landmarks[nearest])))[None]


def retained_share(
    extractors: Sequence[Extractor], clean: Tensor, cloaked: Tensor, published: Tensor
) -> float | None:
    """The share of a cloak's shift in feature space that the published photograph retains.

    The shift from ``clean`` to ``published`` is projected on that from ``clean`` to ``cloaked``,
    and divided by its length: one where nothing was lost, zero where it does not shift in that
    direction. It may exceed one. The mean over the extractors that the cloak was crafted on.

    Args:
        extractors: that the cloak was crafted on.
        clean, cloaked, published: one image ``(1, 3, 112, 112)`` each.

    Returns:
        None where there are no extractors, or none that the cloak shifts.
    """
    shares = []
    with torch.no_grad():
        for extractor in extractors:
            start, goal, reached = (extractor(image)[0] for image in (clean, cloaked, published))
            shift = goal - start
            if float(shift.norm()) > 1e-6:
                shares.append(float((reached - start) @ shift / shift.square().sum()))
    return sum(shares) / len(shares) if shares else None

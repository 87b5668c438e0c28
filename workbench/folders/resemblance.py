"""Whether two files show the same picture: by its structure, which a cloak leaves as it is.

What a recogniser sees is no measure, as a cloak is made to change just that. It is asked only where
the structure leaves a doubt, as after a tool that retouches.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import extractors
from workbench.photos.owner import KNOWS_FACES

SIDE = 28
"""Of the small grey pictures that are compared."""
SAME = 0.9
"""Correlation from which two aligned faces are of one picture. The cloaks of this book reach 0.93
to 1.00, different photographs of one person 0.84 in 99 of 100 cases, of different people 0.73."""
DOUBTFUL = 0.75
"""From here on a recogniser is asked."""
ALIKE = 0.94
"""Its cosine similarity that then will do: of different people one pair in 10,000 reaches it."""
NEAR_DUPLICATE = 0.95
"""Correlation from which two clean photographs count as one: re-saved, brightened or cropped ones
reach it, and so do bursts. Of different photographs of one person few pairs in 1,000 do."""
SAME_WHOLE = 0.98
"""The same for whole photographs, of which two may share a background."""
LIGHTNESS = (0.299, 0.587, 0.114)
"""Of red, green and blue, as in JPEG: a picture saved without colour stays as light as it was."""
SHIFTS = tuple(step / SIDE for step in (-2, -1, -0.5, 0, 0.5, 1, 2))
SCALES = (0.94, 1.0, 1.06)
"""What two alignments of one face may differ by: shares of the side, and factors."""


def same_picture(clean: Tensor, copy: Tensor, *, registered: bool) -> tuple[bool, float]:
    """Whether a copy shows the same picture, cloaked or not.

    Args:
        clean, copy: aligned faces ``(3, h, w)`` in [0, 1].
        registered: whether both were aligned by the same landmarks.

    Returns:
        the answer, and the correlation in [-1, 1].

    Example:
        >>> import torch
        >>> from workbench.folders.resemblance import same_picture
        >>> picture = torch.rand(3, 14, 14).repeat_interleave(8, 1).repeat_interleave(8, 2)
        >>> cloaked = picture + 0.05 * torch.rand(3, 112, 112).sub(0.5).sign()
        >>> same_picture(picture, cloaked.clamp(0, 1), registered=True)[0]
        True
        >>> same_picture(picture, picture.rot90(1, (1, 2)), registered=True)[0]
        False
    """
    found = correlation(clean, copy) if registered else best_correlation(clean, copy)
    if found >= SAME or found < DOUBTFUL:
        return found >= SAME, found
    one, other = extractors.load(KNOWS_FACES)(torch.stack([clean, copy]))
    return float(one @ other) >= ALIKE, found


def correlation(one: Tensor, other: Tensor) -> float:
    """Of the lightness of two pictures ``(3, h, w)``, in large pixels."""
    return float(thumbnails(one[None])[0] @ thumbnails(other[None])[0])


def best_correlation(one: Tensor, other: Tensor) -> float:
    """The highest correlation after a small shift and change of size of the other picture."""
    moves = [(scale, x, y) for scale in SCALES for x in SHIFTS for y in SHIFTS]
    affine = torch.tensor([[[scale, 0, x], [0, scale, y]] for scale, x, y in moves])
    small = F.interpolate(other[None], size=(2 * SIDE, 2 * SIDE), mode="area")
    grid = F.affine_grid(affine, [len(moves), 3, 2 * SIDE, 2 * SIDE], align_corners=False)
    moved = F.grid_sample(
        small.expand(len(moves), -1, -1, -1), grid, padding_mode="border", align_corners=False
    )
    return float((thumbnails(moved) @ thumbnails(one[None])[0]).max())


def thumbnails(images: Tensor) -> Tensor:
    """Images ``(n, 3, h, w)`` as small grey ones ``(n, d)`` of mean 0 and length 1."""
    small = F.interpolate(images, size=(SIDE, SIDE), mode="area")
    grey = torch.einsum("nchw,c->nhw", small, torch.tensor(LIGHTNESS)).flatten(1)
    return F.normalize(grey - grey.mean(1, keepdim=True), dim=1)


def first_of_its_kind(images: Tensor, wholes: Tensor | None = None) -> list[int]:
    """For each face the index of the first that it nearly repeats, or its own.

    Args:
        images: aligned faces ``(n, 3, h, w)``.
        wholes: thumbnails ``(n, d)`` of the whole photographs, if there are any: the same group
            counts once, whoever of it was taken.

    Example:
        >>> import torch
        >>> from workbench.folders.resemblance import first_of_its_kind
        >>> ada, ben = torch.rand(2, 3, 112, 112)
        >>> first_of_its_kind(torch.stack([ada, ben, 0.8 * ada]))
        [0, 1, 0]
    """
    small = thumbnails(images)
    likeness = small @ small.T
    repeats = likeness >= NEAR_DUPLICATE
    if wholes is not None:
        repeats |= wholes @ wholes.T >= SAME_WHOLE
    first: list[int] = []
    for at, image in enumerate(images):
        candidates = torch.nonzero(repeats[at, :at] | (likeness[at, :at] >= DOUBTFUL))[:, 0]
        similar = (
            other
            for other in candidates.tolist()
            if repeats[at, other] or best_correlation(images[other], image) >= NEAR_DUPLICATE
        )
        first.append(next((first[other] for other in similar), at))
    return first

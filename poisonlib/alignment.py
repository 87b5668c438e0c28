"""Alignment of a portrait to the five-point template that ArcFace made standard.

The template is that of InsightFace (Deng et al., "ArcFace", CVPR 2019) for 112x112 pictures; the
least-squares similarity is S. Umeyama's, IEEE TPAMI 13 (1991).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
     [41.5493, 92.3655], [70.7299, 92.2041]]
)  # fmt: skip
"""Eyes, nose tip and mouth corners ``(5, 2)`` in pixels, left of the picture first."""

SIDE = 112
"""Side of an aligned picture in pixels."""


def similarity(source: ArrayLike, target: ArrayLike) -> tuple[float, NDArray, NDArray]:
    """Scale, rotation ``(2, 2)`` and shift ``(2,)`` that best map source points to target points.

    Raises:
        ValueError: the points are not two arrays of the same shape ``(n, 2)`` with n >= 2.
    """
    source, target = np.asarray(source, float), np.asarray(target, float)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise ValueError(
            f"need two arrays of the same shape (n, 2) with n >= 2, got {source.shape} and "
            f"{target.shape}; give the five landmarks as (x, y) rows"
        )
    middle, goal = source.mean(0), target.mean(0)
    left, stretch, right = np.linalg.svd((target - goal).T @ (source - middle) / len(source))
    flip = np.diag([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ flip @ right
    scale = float(np.trace(np.diag(stretch) @ flip) / (source - middle).var(0).sum())
    return scale, rotation, goal - scale * rotation @ middle


def align(
    image: NDArray | Image.Image,
    landmarks: ArrayLike,
    *,
    side: int = SIDE,
    template: ArrayLike | None = None,
) -> NDArray:
    """Rotate, scale and crop a portrait so that its landmarks lie on the template.

    Args:
        image: ``(h, w, 3)`` uint8, or an RGB picture, which is not copied.
        landmarks: ``(5, 2)`` pixels in the order of `TEMPLATE`.
        side: side of the result.
        template: where the landmarks go ``(5, 2)``, in pixels of the result; by default `TEMPLATE`
            at its size.

    Returns:
        ``(side, side, 3)`` uint8.
    """
    goal = TEMPLATE * side / SIDE if template is None else template
    scale, rotation, shift = similarity(landmarks, goal)
    back = np.linalg.inv(scale * rotation)
    offset = -back @ shift
    coefficients = (*back[0], offset[0], *back[1], offset[1])
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    turned = picture.transform((side, side), Image.Transform.AFFINE, coefficients, Image.BICUBIC)
    return np.asarray(turned)

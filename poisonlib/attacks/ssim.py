"""DSSIM, the structural dissimilarity that bounds how visible a Fawkes cloak may be.

``DSSIM = (1 - SSIM) / 2`` with the SSIM of Wang, Bovik, Sheikh and Simoncelli ("Image quality
assessment: from error visibility to structural similarity", IEEE TIP 2004) as
``tf.image.ssim`` computes it, which is what the released Fawkes code calls: Gaussian window of
11 x 11 with sigma 1.5, no padding, K1 = 0.01, K2 = 0.03, mean over positions and colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

WINDOW, SIGMA = 11, 1.5
LUMINANCE_CONSTANT, CONTRAST_CONSTANT = 0.01**2, 0.03**2


def dssim(images: Tensor, reference: Tensor) -> Tensor:
    """Structural dissimilarity of each image to its reference, differentiable in both.

    Args:
        images, reference: ``(n, c, h, w)`` in [0, 1], h and w at least 11.

    Returns:
        ``(n,)``, 0 for identical images, at most 1.
    """
    return anchored(reference)(images)


def anchored(reference: Tensor) -> Callable[[Tensor], Tensor]:
    """The dissimilarity to a fixed reference, whose statistics are computed once.

    Args:
        reference: ``(n, c, h, w)`` in [0, 1].

    Returns:
        a function from images ``(n, c, h, w)`` to their dissimilarities ``(n,)``.

    Raises:
        ValueError: the reference is smaller than the window.
    """
    height, width = reference.shape[-2:]
    if min(height, width) < WINDOW:
        raise ValueError(
            f"DSSIM needs images of at least {WINDOW}x{WINDOW} pixels, got {height}x{width}; "
            "enlarge them first"
        )
    mean = _window_means(reference)
    mean_square = mean.square()
    variance = _window_means(reference.square()) - mean_square

    def distance(images: Tensor) -> Tensor:
        if images.shape != reference.shape:
            raise ValueError(
                f"images must have the reference's shape {tuple(reference.shape)}, "
                f"got {tuple(images.shape)}"
            )
        own_mean = _window_means(images)
        own_mean_square = own_mean.square()
        means_product = own_mean * mean
        own_variance = _window_means(images.square()) - own_mean_square
        covariance = _window_means(images * reference) - means_product
        luminance = (2 * means_product + LUMINANCE_CONSTANT) / (
            own_mean_square + mean_square + LUMINANCE_CONSTANT
        )
        contrast = (2 * covariance + CONTRAST_CONSTANT) / (
            own_variance + variance + CONTRAST_CONSTANT
        )
        return (1 - (luminance * contrast).mean(dim=(1, 2, 3))) / 2

    return distance


def _window_means(images: Tensor) -> Tensor:
    """Gaussian-weighted mean of every full window, ``(n, c, h - 10, w - 10)``.

    The window is separable, and on a processor two products with banded matrices are several times
    faster than the convolutions that they replace.
    """
    height, width = images.shape[-2:]
    return _band(height, images.dtype, images.device).T @ (
        images @ _band(width, images.dtype, images.device)
    )


@cache
def _band(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrix ``(size, size - 10)`` whose column j weighs the pixels of the j-th window."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - (WINDOW - 1) / 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    weights = weights / weights.sum()
    band = torch.zeros(size, size - WINDOW + 1, dtype=torch.float64)
    for position in range(size - WINDOW + 1):
        band[position : position + WINDOW, position] = weights
    return band.to(dtype=dtype, device=device)

"""DSSIM, the structural dissimilarity that bounds how visible a Fawkes cloak may be.

``DSSIM = (1 - SSIM) / 2`` with the SSIM of Wang, Bovik, Sheikh and Simoncelli ("Image quality
assessment: from error visibility to structural similarity", IEEE TIP 2004) as
``tf.image.ssim`` computes it, which is what the released Fawkes code calls: Gaussian window of
11 x 11 with sigma 1.5, no padding, K1 = 0.01, K2 = 0.03, mean over positions and colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

WINDOW, SIGMA = 11, 1.5
LUMINANCE_CONSTANT, CONTRAST_CONSTANT = 0.01**2, 0.03**2
INNER_LOOP_STRIDE = 3


def dssim(images: Tensor, reference: Tensor) -> Tensor:
    """Structural dissimilarity of each image to its reference.

    Args:
        images: ``(n, c, h, w)`` in [0, 1], h and w at least 11; differentiable.
        reference: the same shape; gets no gradient.

    Returns:
        ``(n,)``, 0 for identical images, at most 1.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import dssim
        >>> picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> dssim(picture, picture)
        tensor([0.])
        >>> bool(dssim(1 - picture, picture) > 0.5)  # a negative: structure turned around
        True
    """
    return anchored(reference)(images)


def anchored(reference: Tensor, *, stride: int = 1) -> Callable[[Tensor], Tensor]:
    """The dissimilarity to a fixed reference, whose statistics are computed once.

    Args:
        reference: ``(n, c, h, w)`` in [0, 1].
        stride: distance of neighbouring windows in pixels. Statistics under a Gaussian with sigma
            1.5 change little from one pixel to the next, so that every third window in either
            direction gives nearly the same mean for a fraction of the cost. The attacks use
            that in their inner loop; what they report is over all windows.

    Returns:
        a function from images ``(n, c, h, w)`` to their dissimilarities ``(n,)``.

    Raises:
        ValueError: the reference is smaller than the window.
    """
    if min(reference.shape[-2:]) < WINDOW:
        raise ValueError(
            f"DSSIM needs images of at least {WINDOW}x{WINDOW} pixels, got "
            f"{reference.shape[-2]}x{reference.shape[-1]}; enlarge them first"
        )
    statistics = _Statistics(reference.detach(), stride)

    def distance(images: Tensor) -> Tensor:
        if images.shape != reference.shape:
            raise ValueError(
                f"images must have the reference's shape {tuple(reference.shape)}, "
                f"got {tuple(images.shape)}"
            )
        return (1 - _SSIM.apply(images, statistics)) / 2

    return distance


class _Statistics:
    """A reference with the mean and variance under each of its windows."""

    def __init__(self, reference: Tensor, stride: int) -> None:
        height, width = reference.shape[-2:]
        self.reference = reference
        self.rows = _band(height, stride).T.to(reference)
        self.columns = _band(width, stride).to(reference)
        self.mean = self.window_means(reference)
        self.variance = self.window_means(reference.square()) - self.mean.square()

    def window_means(self, values: Tensor) -> Tensor:
        """Gaussian-weighted mean under each window.

        The window is separable, and on a processor two products with banded matrices are several
        times faster than the convolutions that they replace.
        """
        return (self.rows @ values) @ self.columns

    def spread(self, values: Tensor) -> Tensor:
        """The adjoint of ``window_means``: from a value for each window back to pixels."""
        return (self.rows.T @ values) @ self.columns.T


class _SSIM(torch.autograd.Function):
    """Mean SSIM ``(n,)`` with its gradient in closed form.

    With mean m, second moment s and mixed moment c of an image under a window, and the reference's
    mean M and variance V,  ``SSIM = l1 k1 / (l2 k2)`` where ``l1 = 2 m M + C1``,
    ``l2 = m^2 + M^2 + C1``, ``k1 = 2 (c - m M) + C2`` and ``k2 = s - m^2 + V + C2``.
    Images whose upstream gradient is zero, such as those within their budget, cost nothing on the
    way back.
    """

    @staticmethod
    def forward(context: Any, images: Tensor, statistics: _Statistics) -> Tensor:
        mean = statistics.window_means(images)
        square = mean.square()
        product = mean * statistics.mean
        variance = statistics.window_means(images.square()) - square
        covariance = statistics.window_means(images * statistics.reference) - product
        l1 = 2 * product + LUMINANCE_CONSTANT
        l2 = square + statistics.mean.square() + LUMINANCE_CONSTANT
        k1 = 2 * covariance + CONTRAST_CONSTANT
        k2 = variance + statistics.variance + CONTRAST_CONSTANT
        similarity = l1 * k1 / (l2 * k2)
        context.statistics = statistics
        context.save_for_backward(images, mean, l1, l2, k1, k2, similarity)
        return similarity.mean(dim=(1, 2, 3))

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, None]:
        statistics = context.statistics
        active = upstream.nonzero()[:, 0]
        if len(active) == 0:
            return torch.zeros_like(context.saved_tensors[0]), None
        everything = len(active) == len(upstream)
        rows = slice(None) if everything else active
        images, mean, l1, l2, k1, k2, similarity = (saved[rows] for saved in context.saved_tensors)
        reference_mean, reference = statistics.mean[rows], statistics.reference[rows]
        weight = (upstream[rows] / similarity[0].numel())[:, None, None, None]
        scale = 2 * weight / (l2 * k2)
        by_mixed = scale * l1
        by_square = -weight * similarity / k2
        by_mean = (
            scale * reference_mean * (k1 - l1)
            - 2 * weight * mean * similarity / l2
            - 2 * mean * by_square
        )
        pixels = statistics.spread(by_mean)
        pixels.addcmul_(images, statistics.spread(by_square), value=2)
        pixels.addcmul_(reference, statistics.spread(by_mixed))
        if everything:
            return pixels, None
        return torch.zeros_like(context.saved_tensors[0]).index_copy_(0, active, pixels), None


@cache
def _band(size: int, stride: int) -> Tensor:
    """Matrix ``(size, windows)`` whose column j weighs the pixels of the j-th window."""
    offsets = torch.arange(WINDOW, dtype=torch.float64) - (WINDOW - 1) / 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    weights = weights / weights.sum()
    starts = range(0, size - WINDOW + 1, stride)
    band = torch.zeros(size, len(starts), dtype=torch.float64)
    for column, start in enumerate(starts):
        band[start : start + WINDOW, column] = weights
    return band

"""The change of variable that keeps Fawkes' pictures inside [0, 1].

A pixel is ``tanh(z) / (2 - 1e-6) + 1/2``, so that any real z is a valid pixel (Carlini and Wagner,
"Towards evaluating the robustness of neural networks", IEEE S&P 2017).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SPAN = 2 - 1e-6


def from_images(images: Tensor) -> Tensor:
    """Images in [0, 1] as unbounded variables of the same shape."""
    return torch.atanh((images - 0.5) * SPAN)


def to_images(variables: Tensor, *, within: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Unbounded variables as images in [0, 1] (up to 3e-7), differentiable.

    Args:
        variables: of any shape.
        within: lowest and highest images to clip to, of the same shape. A clipped pixel passes no
            gradient.
    """
    return _ToImages.apply(variables, within)


class _ToImages(torch.autograd.Function):
    """With ``tanh(z) = 2 sigmoid(2 z) - 1``, as the sigmoid is several times faster to compute."""

    @staticmethod
    def forward(context: Any, variables: Tensor, within: tuple[Tensor, Tensor] | None) -> Tensor:
        sigmoid = torch.sigmoid(2 * variables)
        images = sigmoid.mul(2 / SPAN).add_(0.5 - 1 / SPAN)
        slope = torch.addcmul(sigmoid, sigmoid, sigmoid, value=-1).mul_(4 / SPAN)
        if within is not None:
            free = images
            images = torch.clamp(free, *within)
            slope.mul_(images == free)
        context.save_for_backward(slope)
        return images

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (slope,) = context.saved_tensors
        return upstream * slope, None

"""The change of variable that keeps Fawkes' pictures inside [0, 1].

A pixel is ``tanh(z) / (2 - 1e-6) + 1/2``, so that any real z is a valid pixel (Carlini and Wagner,
"Towards evaluating the robustness of neural networks", IEEE S&P 2017).
"""

from __future__ import annotations

import torch
from torch import Tensor

SPAN = 2 - 1e-6


def from_images(images: Tensor) -> Tensor:
    """Images in [0, 1] as unbounded variables of the same shape."""
    return torch.atanh((images - 0.5) * SPAN)


def to_images(variables: Tensor) -> Tensor:
    """Unbounded variables as images in [0, 1] (up to 3e-7), differentiable.

    Uses ``tanh(z) = 2 sigmoid(2 z) - 1``, as torch computes the sigmoid several times faster.
    """
    return torch.sigmoid(2 * variables).mul(2 / SPAN).add_(0.5 - 1 / SPAN)

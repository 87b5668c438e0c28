"""The one place that says what an image batch and a label vector are.

Every public function of the package calls these, so that bad input is refused at once, with a
message that says what was expected, what was passed, and what to do.
"""

from __future__ import annotations

import torch
from torch import Tensor


def images(value: object, *, name: str = "images") -> Tensor:
    """Check a batch of RGB images and return it unchanged.

    Args:
        value: expected to be a float32 tensor ``(n, 3, h, w)`` with n >= 1 and values in [0, 1].
        name: how the caller calls it, for the message.

    Raises:
        TypeError: not a tensor, or not floating point.
        ValueError: wrong number of dimensions or channels, empty, NaN, or out of [0, 1].

    Example:
        >>> import torch
        >>> from poisonlib import checks
        >>> checks.images(torch.full((2, 3, 8, 8), 0.5)).shape
        torch.Size([2, 3, 8, 8])
        >>> checks.images(torch.full((1, 3, 8, 8), 200.0))
        Traceback (most recent call last):
        ValueError: images must be in [0, 1], got [200, 200]; divide by 255
    """
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a torch tensor of shape (n, 3, h, w), got {type(value).__name__}; "
            "load photographs with poisonlib.people.load or workbench.photos.from_folder"
        )
    if value.ndim != 4:
        raise ValueError(
            f"{name} must have four dimensions (n, 3, h, w), got shape {tuple(value.shape)}; "
            "use image[None] for a single image"
        )
    if value.shape[1] != 3:
        kind = {1: "grey", 2: "grey + alpha", 4: "RGBA"}.get(value.shape[1], "channels-last?")
        raise ValueError(
            f"{name} must have 3 colour channels in dimension 1, got {value.shape[1]} ({kind}); "
            "convert with PIL's image.convert('RGB') and put channels first"
        )
    if value.shape[0] == 0:
        raise ValueError(f"{name} must hold at least one image, got shape {tuple(value.shape)}")
    if not value.is_floating_point():
        raise TypeError(
            f"{name} must be floating point in [0, 1], got {value.dtype}; use images.float() / 255"
        )
    if value.dtype != torch.float32:
        raise TypeError(f"{name} must be float32, got {value.dtype}; use images.float()")
    low, high = (float(bound) for bound in value.detach().aminmax())
    if low != low or high != high:
        raise ValueError(f"{name} holds NaN; look for a division by zero where it was made")
    if low < 0 or high > 1:
        hint = "divide by 255" if high > 2 else "clamp to [0, 1] or undo your normalisation"
        raise ValueError(f"{name} must be in [0, 1], got [{low:.3g}, {high:.3g}]; {hint}")
    return value


def labels(value: object, n: int, *, name: str = "labels") -> Tensor:
    """Check integer labels ``(n,)`` that go with n images and return them unchanged.

    Raises:
        TypeError: not an integer tensor.
        ValueError: wrong shape, or a negative label.

    Example:
        >>> import torch
        >>> from poisonlib import checks
        >>> checks.labels(torch.tensor([0, 0, 1]), 3)
        tensor([0, 0, 1])
        >>> checks.labels(torch.tensor([0.0, 1.0]), 2)
        Traceback (most recent call last):
        TypeError: labels must be an integer tensor of shape (2,), got torch.float32
    """
    if not isinstance(value, Tensor) or value.is_floating_point() or value.dtype == torch.bool:
        came = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be an integer tensor of shape ({n},), got {came}")
    if tuple(value.shape) != (n,):
        raise ValueError(
            f"{name} must have shape ({n},), one for each image, got {tuple(value.shape)}"
        )
    if n and int(value.min()) < 0:
        raise ValueError(f"{name} must not be negative, got {int(value.min())}")
    return value

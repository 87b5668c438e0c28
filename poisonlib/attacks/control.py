"""The control: everything that a cloaked photograph goes through, except the cloak."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from poisonlib.attacks.base import Attack
from poisonlib.progress import Progress


@dataclass(frozen=True, eq=False, repr=False)
class Unperturbed(Attack):
    """Rounds photographs to 8 bits and does nothing else.

    A cloaked photograph is re-encoded as well as perturbed. This control tells the effect of the
    perturbation from that of the encoding.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Unperturbed
        >>> cloak = Unperturbed()(torch.full((1, 3, 32, 32), 0.5), seed=0)
        >>> (cloak.images[0, 0, 0, 0] * 255).item()  # on the 8-bit grid, and changed no further
        128.0
    """

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        return images

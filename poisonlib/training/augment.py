"""Random views of training photographs, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """How far a training view may stray from its photograph.

    Attributes:
        flip: probability of a horizontal flip.
        shift: largest translation, as a fraction of the side.
        zoom: largest relative change of scale.
        turn: largest rotation in degrees.
        light: largest relative change of brightness and of contrast.
        erase: probability of blanking a rectangle (Zhong et al., "Random erasing", AAAI 2020).
    """

    flip: float = 0.5
    shift: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    light: float = 0.0
    erase: float = 0.0

    def __call__(self, images: Tensor, *, generator: Generator) -> Tensor:
        """A random view of each of ``(n, 3, h, w)`` images in [0, 1], again in [0, 1]."""

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator) * 2 - 1

        n = len(images)
        scale = 1 + self.zoom * uniform(n)
        angle = torch.deg2rad(self.turn * uniform(n))
        mirror = torch.where(torch.rand(n, generator=generator) < self.flip, -1.0, 1.0)
        cosine, sine = scale * angle.cos(), scale * angle.sin()
        shift = 2 * self.shift * uniform(2, n)
        top = torch.stack([mirror * cosine, -sine, shift[0]], 1)
        bottom = torch.stack([mirror * sine, cosine, shift[1]], 1)
        grid = F.affine_grid(torch.stack([top, bottom], 1), list(images.shape), align_corners=False)
        views = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        if self.light:
            brightness, contrast = 1 + self.light * uniform(2, n, 1, 1, 1)
            mean = views.mean((1, 2, 3), keepdim=True)
            views = ((views - mean) * contrast + mean * brightness).clamp(0, 1)
        if self.erase:
            views = views * self._keep(images, generator)
        return views

    def _keep(self, images: Tensor, generator: Generator) -> Tensor:
        n, _, height, width = images.shape
        low = torch.rand(2, n, 1, generator=generator)
        size = 0.1 + 0.25 * torch.rand(2, n, 1, generator=generator)
        rows, columns = torch.linspace(0, 1, height), torch.linspace(0, 1, width)
        inside = ((rows > low[0]) & (rows < low[0] + size[0]))[:, :, None] & (
            (columns > low[1]) & (columns < low[1] + size[1])
        )[:, None, :]
        chosen = torch.rand(n, 1, 1, generator=generator) < self.erase
        return (~(inside & chosen))[:, None].float()

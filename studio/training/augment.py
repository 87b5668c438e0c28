"""Random views of training photographs, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable
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
        colour: largest change of saturation and of each channel's gain, relative.
        grey: probability of losing all colour.
        erase: probability of blanking a rectangle (Zhong et al., "Random erasing", AAAI 2020).
        blur: probability of a Gaussian blur of up to two pixels.
        noise: largest standard deviation of Gaussian noise on values in [0, 1].
        coarse: probability of passing through a smaller size, down to a third of the side, as
            faces far from a camera do (Kim et al., "AdaFace", CVPR 2022, section 4.1).

    Example:
        >>> import torch
        >>> from studio.training.augment import Augmentation
        >>> picture = torch.arange(4.0).expand(1, 3, 4, 4) / 3
        >>> mirror = Augmentation(flip=1.0)
        >>> mirror(picture, generator=torch.Generator().manual_seed(0))[0, 0, 0]
        tensor([1.0000, 0.6667, 0.3333, 0.0000])
    """

    flip: float = 0.5
    shift: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0
    light: float = 0.0
    colour: float = 0.0
    grey: float = 0.0
    erase: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    coarse: float = 0.0

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
        if self.colour:
            grey = views.mean(1, keepdim=True)
            views = grey + (views - grey) * (1 + self.colour * uniform(n, 1, 1, 1))
            views = (views * (1 + self.colour * uniform(n, 3, 1, 1))).clamp(0, 1)
        if self.grey:
            views = _some(views, self.grey, _greyed, generator)
        if self.coarse:
            views = _some(views, self.coarse, _coarsened, generator)
        if self.blur:
            views = _some(views, self.blur, _blurred, generator)
        if self.noise:
            amount = self.noise * torch.rand(n, 1, 1, 1, generator=generator)
            views = views + amount * torch.randn(views.shape, generator=generator)
            views = views.clamp(0, 1)
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


def _some(
    images: Tensor,
    probability: float,
    change: Callable[[Tensor, Generator], Tensor],
    generator: Generator,
) -> Tensor:
    """Change each of the images with some probability, all that are chosen in one go."""
    chosen = torch.rand(len(images), generator=generator) < probability
    if not chosen.any():
        return images
    changed = images.clone()
    changed[chosen] = change(images[chosen], generator)
    return changed


def _greyed(images: Tensor, generator: Generator) -> Tensor:
    return images.mean(1, keepdim=True).expand_as(images)


def _coarsened(images: Tensor, generator: Generator) -> Tensor:
    side = images.shape[-1]
    smaller = int(torch.randint(side // 3, side, (), generator=generator))
    small = F.interpolate(images, (smaller, smaller), mode="bilinear", antialias=True)
    return F.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=False)


def _blurred(images: Tensor, generator: Generator) -> Tensor:
    sigma = 0.4 + 1.6 * float(torch.rand((), generator=generator))
    kernel = torch.exp(-0.5 * (torch.arange(-3, 4) / sigma).square())
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, 7)
    padded = F.pad(images, (3, 3, 3, 3), mode="reflect")
    rows = F.conv2d(padded, kernel, groups=3)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=3).clamp(0, 1)

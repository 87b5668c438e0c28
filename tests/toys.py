"""Small models and pictures for tests: made in milliseconds, the same every time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from poisonlib.photos import Photos


class PooledLinear(nn.Module):
    """Average colours on a 7x7 grid, mixed linearly to unit rows ``(n, 16)``."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.mix = nn.Parameter(torch.randn(3 * 7 * 7, 16, generator=generator))
        self.fingerprint = f"pooled-linear-{seed}"
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        cells = F.adaptive_avg_pool2d(images - 0.5, 7).flatten(1)
        return F.normalize(cells @ self.mix, dim=1)


class TinyConvolutional(nn.Module):
    """Three strided convolutions and a linear layer to unit rows ``(n, 32)``."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 8, 3, 2, 1),
                nn.GroupNorm(4, 8),
                nn.SiLU(),
                nn.Conv2d(8, 16, 3, 2, 1),
                nn.GroupNorm(4, 16),
                nn.SiLU(),
                nn.Conv2d(16, 16, 3, 2, 1),
                nn.GroupNorm(16, 16),
                nn.AdaptiveAvgPool2d(4),
                nn.Flatten(),
                nn.Linear(16 * 16, 32),
            )
        self.fingerprint = f"tiny-convolutional-{seed}"
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.layers(2 * images - 1), dim=1)


def faces(n: int, *, seed: int = 0, size: int = 48) -> Tensor:
    """Smooth coloured pictures ``(n, 3, size, size)`` on the 8-bit grid."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 6, 6, generator=generator)
    smooth = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
    fine = 0.02 * torch.randn(n, 3, size, size, generator=generator)
    return ((smooth * 0.8 + 0.1 + fine).clamp(0, 1) * 255).round() / 255


def people(n: int, photos: int, *, seed: int = 0, size: int = 48) -> Photos:
    """Photographs of n people: each a base picture with small changes of light and noise."""
    generator = torch.Generator().manual_seed(seed + 1)
    bases = faces(n, seed=seed, size=size).repeat_interleave(photos, dim=0)
    light = 0.9 + 0.2 * torch.rand(n * photos, 1, 1, 1, generator=generator)
    noise = 0.02 * torch.randn(bases.shape, generator=generator)
    images = ((bases * light + noise).clamp(0, 1) * 255).round() / 255
    labels = torch.arange(n).repeat_interleave(photos)
    return Photos(images, labels, tuple(f"person-{index}" for index in range(n)))

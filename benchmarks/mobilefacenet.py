"""MobileFaceNet as trained by github.com/Xiaoccer/MobileFaceNet_Pytorch (2019, CASIA-WebFace).

S. Chen, Y. Liu, X. Gao, Z. Han, "MobileFaceNets" (CCBR 2018), with a 7x6 global depthwise
convolution for 112x96 crops. Only the layout that the public checkpoint's names ask for.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

_STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, repeats and first stride of each stage of bottlenecks."""


class _Convolution(nn.Module):
    """Convolution, batch norm and, unless `linear`, PReLU."""

    def __init__(
        self, inside: int, outside: int, kernel, stride=1, padding=0, groups=1, linear=False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outside)
        self.prelu = nn.Identity() if linear else nn.PReLU(outside)

    def forward(self, features: Tensor) -> Tensor:
        return self.prelu(self.bn(self.conv(features)))


class _Bottleneck(nn.Module):
    """Expand, depthwise, project; with a shortcut where the shape stays."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.shortcut = stride == 1 and inside == outside
        self.conv = nn.Sequential(
            nn.Conv2d(inside, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv(features) if self.shortcut else self.conv(features)


class MobileFaceNet(nn.Module):
    """Images ``(n, 3, 112, 112)`` in [0, 1], ArcFace-aligned, to embeddings ``(n, 128)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Convolution(3, 64, 3, 2, 1)
        self.dw_conv1 = _Convolution(64, 64, 3, 1, 1, groups=64)
        blocks, inside = [], 64
        for expansion, channels, repeats, stride in _STAGES:
            for repeat in range(repeats):
                blocks.append(_Bottleneck(inside, channels, 1 if repeat else stride, expansion))
                inside = channels
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = _Convolution(inside, 512, 1)
        self.linear7 = _Convolution(512, 512, (7, 6), groups=512, linear=True)
        self.linear1 = _Convolution(512, 128, 1, linear=True)

    def forward(self, images: Tensor) -> Tensor:
        cropped = (images[..., 8:104] * 255 - 127.5) / 128
        features = self.conv2(self.blocks(self.dw_conv1(self.conv1(cropped))))
        return self.linear1(self.linear7(features)).flatten(1)


def load(checkpoint: str | Path) -> MobileFaceNet:
    """The net with the weights of a public checkpoint, in evaluation mode.

    Raises:
        FileNotFoundError: no such file.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(
            f"no checkpoint at {path}; fetch model/best/068.ckpt of "
            "github.com/Xiaoccer/MobileFaceNet_Pytorch and pass its place with --mobilefacenet"
        )
    net = MobileFaceNet()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(weights["net_state_dict"])
    return net.eval()

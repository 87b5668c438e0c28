"""MobileFaceNet, the small network that phones recognise faces with.

S. Chen, Y. Liu, X. Gao and Z. Han, "MobileFaceNets: efficient CNNs for accurate real-time face
verification on mobile devices" (CCBR 2018), in the variant for crops of 112x96 pixels (table 1
there, with a 7x6 global depthwise convolution). The names of its parts are those of the public
checkpoint.
"""

from __future__ import annotations

from torch import Tensor, nn

STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, repeats and first stride of each stage of bottlenecks."""


class ConvolutionUnit(nn.Module):
    """Convolution, batch normalisation and, unless `linear`, PReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.prelu = nn.Identity() if linear else nn.PReLU(outputs)

    def forward(self, features: Tensor) -> Tensor:
        return self.prelu(self.bn(self.conv(features)))


class Bottleneck(nn.Module):
    """Widen, convolve each channel alone, narrow; a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.has_shortcut = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        narrowed = self.conv(features)
        return features + narrowed if self.has_shortcut else narrowed


class MobileFaceNet(nn.Module):
    """Normalised crops ``(n, 3, 112, 96)`` to features ``(n, 128)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvolutionUnit(3, 64, 3, stride=2, padding=1)
        self.dw_conv1 = ConvolutionUnit(64, 64, 3, padding=1, groups=64)
        blocks, inputs = [], 64
        for expansion, channels, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                stride = 1 if repeat else first_stride
                blocks.append(Bottleneck(inputs, channels, stride=stride, expansion=expansion))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = ConvolutionUnit(inputs, 512, 1)
        self.linear7 = ConvolutionUnit(512, 512, (7, 6), groups=512, linear=True)
        self.linear1 = ConvolutionUnit(512, 128, 1, linear=True)

    def forward(self, images: Tensor) -> Tensor:
        features = self.conv2(self.blocks(self.dw_conv1(self.conv1(images))))
        return self.linear1(self.linear7(features)).flatten(1)

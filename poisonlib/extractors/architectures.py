"""Small relatives of the networks that face recognition used, sized for a laptop.

Each takes ``(n, 3, 64, 64)`` images, normalised by its preprocessing, and returns ``(n, d)``
features of any length.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from poisonlib.extractors.clip import ClipTower
from poisonlib.extractors.dlib_resnet import DlibResNet
from poisonlib.extractors.vit import SmallViT


def _conv_unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PlainNet(nn.Sequential):
    """A plain stack of 3x3 convolutions and average pooling, as in 2014.

    After the ten-layer network that came with CASIA-WebFace (Yi et al., "Learning face
    representation from scratch", 2014, section 3), at 64 pixels, with batch normalisation to
    make training short and strides in place of pooling layers.
    """

    def __init__(self, embedding_size: int = 128) -> None:
        super().__init__(
            _conv_unit(3, 32, stride=2),  # 32 x 32
            _conv_unit(32, 40, stride=2),  # 16 x 16
            _conv_unit(40, 56),
            _conv_unit(56, 80, stride=2),  # 8 x 8
            _conv_unit(80, 112),
            _conv_unit(112, 160, stride=2),  # 4 x 4
            _conv_unit(160, 256),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(256, embedding_size),
        )


class ResidualBlock(nn.Module):
    """The "improved residual" block of ArcFace (Deng et al., CVPR 2019, section 3.1)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        return self.shortcut(features) + self.residual(features)


class InceptionBlock(nn.Module):
    """Convolutions of several sizes side by side (Szegedy et al., CVPR 2015, section 4)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.small = nn.Conv2d(inputs, quarter, 1, bias=False)
        self.medium = nn.Sequential(
            nn.Conv2d(inputs, quarter, 1, bias=False),
            nn.BatchNorm2d(quarter),
            nn.ReLU(inplace=True),
            nn.Conv2d(quarter, 2 * quarter, 3, padding=1, bias=False),
        )
        self.large = nn.Sequential(
            nn.Conv2d(inputs, quarter // 2, 1, bias=False),
            nn.BatchNorm2d(quarter // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(quarter // 2, quarter // 2, 5, padding=2, bias=False),
        )
        self.pooled = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(inputs, quarter // 2, 1, bias=False),
        )
        self.finish = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    def forward(self, features: Tensor) -> Tensor:
        branches = (self.small, self.medium, self.large, self.pooled)
        return self.finish(torch.cat([branch(features) for branch in branches], dim=1))


class InceptionNet(nn.Sequential):
    """A small network of inception blocks and average pooling, as in 2015.

    After network NN2 of FaceNet (Schroff et al., CVPR 2015, table 2), at 64 pixels, with batch
    normalisation.
    """

    def __init__(self, embedding_size: int = 128) -> None:
        super().__init__(
            _conv_unit(3, 32, stride=2),  # 32 x 32
            _conv_unit(32, 64, stride=2),  # 16 x 16
            InceptionBlock(64, 96),
            nn.MaxPool2d(3, stride=2, padding=1),  # 8 x 8
            InceptionBlock(96, 160),
            InceptionBlock(160, 224),
            nn.MaxPool2d(3, stride=2, padding=1),  # 4 x 4
            InceptionBlock(224, 320),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(320, embedding_size),
        )


class ResidualNet(nn.Sequential):
    """A small improved-residual network with a fully connected output, as in 2019.

    Batch normalisation, no pooling and one linear layer after the last feature map: output
    option "E" of ArcFace (Deng et al., CVPR 2019, section 3.1), at 64 pixels.

    Args:
        blocks: residual blocks at 16, 8 and 4 pixels; the first at each size halves it.
    """

    def __init__(self, embedding_size: int = 128, *, blocks: Sequence[int] = (1, 2, 1)) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False),  # 32 x 32
            nn.BatchNorm2d(24),
            nn.PReLU(24),
        ]
        inputs = 24
        for width, repeats in zip((32, 64, 128), blocks, strict=True):
            for repeat in range(repeats):
                layers.append(ResidualBlock(inputs, width, stride=1 if repeat else 2))
                inputs = width
        super().__init__(
            *layers,
            nn.BatchNorm2d(inputs),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(inputs * 4 * 4, embedding_size),
            nn.BatchNorm1d(embedding_size),
        )


class DeepResidualNet(ResidualNet):
    """The same with twice the blocks, as networks of a hundred layers are to those of fifty."""

    def __init__(self, embedding_size: int = 128) -> None:
        super().__init__(embedding_size, blocks=(2, 4, 2))


_ALL = (PlainNet, InceptionNet, ResidualNet, DeepResidualNet, ClipTower, SmallViT, DlibResNet)
ARCHITECTURES = {kind.__name__: kind for kind in _ALL}

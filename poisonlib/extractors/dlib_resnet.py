"""dlib's face recognition network of 2017 as a plain torch module.

The architecture is that of ``dlib_face_recognition_resnet_model_v1`` (D. King, "High quality face
recognition with deep metric learning", 2017): a residual network after He et al. (CVPR 2016) with
29 convolutions. dlib follows every convolution by a fixed scale and shift; here they are part of
the convolution's own weights.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = ((32, 3, 1), (64, 4, 2), (128, 3, 2), (256, 3, 2), (256, 1, 2))
"""Filters, blocks, and stride of the first block, of each level."""


class DlibBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without weights.

    The shortcut is averaged where the block halves its side. Where the two branches differ in
    channels or side, the smaller one is filled up with zeros.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1 if stride == 1 else 0)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        residual = self.second(F.relu(self.first(features)))
        shortcut = features if self.stride == 1 else F.avg_pool2d(features, self.stride)
        shape = [max(sides) for sides in zip(residual.shape, shortcut.shape, strict=True)]
        return F.relu(_filled(residual, shape) + _filled(shortcut, shape))


def _filled(features: Tensor, shape: list[int]) -> Tensor:
    """``(n, c, h, w)`` features with zeros behind, below and to the right, up to a shape."""
    _, channels, height, width = (
        goal - size for goal, size in zip(shape, features.shape, strict=True)
    )
    return F.pad(features, (0, width, 0, height, 0, channels))


class DlibResNet(nn.Sequential):
    """``(n, 3, 150, 150)`` images, normalised by their preprocessing, to ``(n, 128)`` features.

    dlib's users compare them as they are, by Euclidean distance; an extractor scales them to
    length 1 (they have a length of about 1.4).
    """

    def __init__(self, embedding_size: int = 128) -> None:
        inputs = LEVELS[0][0]
        layers: list[nn.Module] = [nn.Conv2d(3, inputs, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
        for outputs, blocks, stride in LEVELS:
            for block in range(blocks):
                layers.append(DlibBlock(inputs, outputs, stride if block == 0 else 1))
                inputs = outputs
        head = nn.Linear(inputs, embedding_size, bias=False)
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)

"""LPIPS, the learned perceptual distance that LowKey holds down, with an offline substitute.

LPIPS (Zhang, Isola, Efros, Shechtman and Wang, "The unreasonable effectiveness of deep features as
a perceptual metric", CVPR 2018) compares two images by the channel-normalised activations of a
trained convolutional trunk. LowKey uses the AlexNet variant.

AlexNet's ImageNet weights are a large download that this package neither ships nor fetches. When
the file is already on the machine it is used, with the linear weights of the ``lpips`` package, and
the distance is the real one. Otherwise the trunk is that of MTCNN's output network (Zhang, Zhang,
Li and Qiao, 2016), trained on real photographs of faces, whose weights come inside the
``facenet-pytorch`` wheel. What the substitute changes, and why:

* the trunk: three convolutional layers of 32, 64 and 64 channels in place of AlexNet's five;
* the layers count the same and so do their channels, as there are no judgements of human observers
  to fit weights to for this trunk. All layers together weigh 0.41, which is what the fitted
  weights of AlexNet come to (0.082 a channel on average, times five layers), so that values
  are of the same order and a penalty weight tuned for one trunk means about the same on the other;
* the first convolution moves by three pixels and the others by two, as AlexNet's first one moves by
  four, and each pooling window sees four corners of the original window. That costs a twentieth
  of the dense trunk, which would by itself take longer than the recognisers under attack.

Values of the two trunks still must not be compared with each other; ``trunk`` says which is in use.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ONET_WEIGHT = 0.41
ALEXNET_FILE = "alexnet-owt-7be5be79.pth"

Trunk = Literal["alexnet", "onet"]


class LPIPS:
    """Perceptual distance between images.

    Args:
        trunk: ``"alexnet"`` (the original), ``"onet"`` (the offline substitute) or ``"auto"``,
            which takes AlexNet where its weights are found: ``alexnet-owt-7be5be79.pth`` in the
            folder named by the environment variable ``POISONLIB_ASSETS``, or torch hub's cache.

    Attributes:
        trunk: the trunk in use.

    Raises:
        ValueError: unknown trunk.
        FileNotFoundError: AlexNet asked for and not on this machine.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import LPIPS
        >>> distance, picture = LPIPS(trunk="onet"), torch.rand(1, 3, 64, 64)
        >>> distance(picture, picture)
        tensor([0.])
        >>> bool(distance(0.5 * picture, picture) > distance(0.9 * picture, picture))
        True
    """

    def __init__(self, *, trunk: Literal["auto", "alexnet", "onet"] = "auto") -> None:
        if trunk not in ("auto", "alexnet", "onet"):
            raise ValueError(f"trunk must be 'auto', 'alexnet' or 'onet', got {trunk!r}")
        if trunk == "auto":
            trunk = "onet" if _alexnet_file() is None else "alexnet"
        self.trunk: Trunk = trunk
        self._activations, self._weights = _alexnet() if trunk == "alexnet" else _onet()

    def __call__(self, images: Tensor, reference: Tensor) -> Tensor:
        """Distance of each image to its reference, differentiable in both.

        Args:
            images, reference: ``(n, 3, h, w)`` in [0, 1], h and w at least 32.

        Returns:
            ``(n,)``, 0 for identical images.
        """
        return self.anchored(reference)(images)

    def anchored(self, reference: Tensor) -> Callable[[Tensor], Tensor]:
        """The distance to a fixed reference, whose activations are computed once.

        Raises:
            ValueError: the reference is smaller than 32 pixels.
        """
        if min(reference.shape[-2:]) < 32:
            raise ValueError(
                "LPIPS needs images of at least 32x32 pixels, "
                f"got {reference.shape[-2]}x{reference.shape[-1]}; enlarge them first"
            )
        anchors = [_unit_channels(layer) for layer in self._activations(reference)]

        def distance(images: Tensor) -> Tensor:
            if images.shape != reference.shape:
                raise ValueError(
                    f"images must have the reference's shape {tuple(reference.shape)}, "
                    f"got {tuple(images.shape)}"
                )
            total = images.new_zeros(len(images))
            layers = self._activations(images)
            for layer, anchor, weight in zip(layers, anchors, self._weights, strict=True):
                difference = (_unit_channels(layer) - anchor).square()
                total = total + F.conv2d(difference, weight).mean(dim=(1, 2, 3))
            return total

        return distance

    def __repr__(self) -> str:
        return f"LPIPS(trunk={self.trunk!r})"


@cache
def default() -> LPIPS:
    """The distance that attacks use, built on first use."""
    return LPIPS()


def _unit_channels(activations: Tensor) -> Tensor:
    return activations * (activations.square().sum(dim=1, keepdim=True) + 1e-10).rsqrt()


def _onet() -> tuple[Callable[[Tensor], list[Tensor]], list[Tensor]]:
    # Only the weights are needed: importing the package would take seconds for torchvision's sake.
    package = find_spec("facenet_pytorch")
    if package is None or package.origin is None:
        raise FileNotFoundError(
            "the perceptual distance needs the weights inside the facenet-pytorch package; "
            "run pip install -e . in the book's folder"
        )
    file = Path(package.origin).parent / "data" / "onet.pt"
    trained = torch.load(file, map_location="cpu", weights_only=True)
    layers = [
        (trained[f"conv{n}.weight"], trained[f"conv{n}.bias"], trained[f"prelu{n}.weight"], stride)
        for n, stride in ((1, 3), (2, 2), (3, 2))
    ]

    def activations(images: Tensor) -> list[Tensor]:
        # The network takes (255 image - 127.5) / 128.
        values = (images * (255 / 128) - 127.5 / 128).contiguous(memory_format=torch.channels_last)
        result = []
        for weight, bias, slope, stride in layers:
            pooled = F.max_pool2d(values, 2, 1) if result else values
            values = F.prelu(F.conv2d(pooled, weight, bias, stride), slope)
            result.append(values)
        return result

    return activations, [
        torch.full((1, len(bias), 1, 1), ONET_WEIGHT / len(layers)) for _, bias, _, _ in layers
    ]


def _alexnet_file() -> Path | None:
    folders = [Path(torch.hub.get_dir()) / "checkpoints"]
    if assets := os.environ.get("POISONLIB_ASSETS"):
        folders.insert(0, Path(assets))
    return next((file for folder in folders if (file := folder / ALEXNET_FILE).is_file()), None)


def _alexnet() -> tuple[Callable[[Tensor], list[Tensor]], list[Tensor]]:
    file = _alexnet_file()
    if file is None:
        raise FileNotFoundError(
            f"no {ALEXNET_FILE} in $POISONLIB_ASSETS or torch hub's cache; put torchvision's "
            "AlexNet weights there, or use trunk='onet'"
        )
    import lpips

    with warnings.catch_warnings():
        # The lpips package still asks torchvision for `pretrained=`.
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trained = torch.load(file, map_location="cpu", weights_only=True)
    slices = [getattr(package.net, f"slice{number}") for number in range(1, 6)]
    for index, layer in (pair for part in slices for pair in part.named_children()):
        if isinstance(layer, nn.Conv2d):
            weights = {key: trained[f"features.{index}.{key}"] for key in ("weight", "bias")}
            layer.load_state_dict(weights)
    package.requires_grad_(False).eval()

    def activations(images: Tensor) -> list[Tensor]:
        return list(package.net(package.scaling_layer(2 * images - 1)))

    return activations, [linear.model[-1].weight.detach() for linear in package.lins]

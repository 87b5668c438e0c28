"""A small network that removes cloaks, trained on other people's photographs.

In the spirit of PuFace (Wen, "PuFace: Defending against Facial Cloaking Attacks for Facial
Recognition Models", 2024, arXiv:2406.02253): anybody who can run the cloaking tools can make pairs
of clean and cloaked photographs, and train a network to reconstruct the first from the second, with
a loss on pixels and one on features, and with amplified perturbations. The recipe here differs from
that paper's: a network of a quarter of a million parameters, weaker and stronger perturbations
instead of amplified ones alone, clean photographs paired with themselves, and the features of this
package's extractors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poisonlib import networks
from poisonlib.defenses.purify import Purifier

PACKAGED = Path(str(resources.files("poisonlib") / "data" / "defenses" / "denoiser.safetensors"))


class ResidualUNet(nn.Module):
    """Predicts the perturbation and subtracts it; works at a half and a quarter of the size.

    Before training it is the identity, as its last layer is initialised with zeros.

    Args:
        width: channels at half the size; twice as many at a quarter.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Conv2d(12, width, 3, padding=1)
        self.first = _Block(width)
        self.down = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.middle = nn.Sequential(_Block(2 * width), _Block(2 * width))
        self.up = nn.Conv2d(2 * width, 4 * width, 1)
        self.second = _Block(width)
        self.leave = nn.Conv2d(width, 12, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, images: Tensor) -> Tensor:
        """``(n, 3, h, w)`` in [0, 1] to the same shape, not clipped; h and w at least 4."""
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, -width % 4, 0, -height % 4), mode="replicate")
        half = self.first(self.enter(F.pixel_unshuffle(padded - 0.5, 2)))
        quarter = self.middle(self.down(half))
        half = self.second(half + F.pixel_shuffle(self.up(quarter), 2))
        change = F.pixel_shuffle(self.leave(half), 2)
        return images - change[..., :height, :width]


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


@dataclass(frozen=True)
class DenoiserCard:
    """What readers must know about a denoiser to interpret its results.

    Attributes:
        name: how it is cited.
        data: the pairs it was trained on.
        loss: of the training, and the extractors whose features it compares.
        epochs: passes over the pairs, in all runs together.
        architecture, licence, notes: of the weights.

    Example:
        >>> from poisonlib.defenses import denoiser
        >>> denoiser.load().card.architecture
        'residual U-Net at half and quarter size'
    """

    name: str
    data: str
    loss: str
    epochs: int
    architecture: str = "residual U-Net at half and quarter size"
    licence: str = "CC0-1.0"
    notes: str = "In the spirit of PuFace (Wen 2024), by another recipe."


@dataclass(frozen=True, eq=False)
class Denoiser(Purifier):
    """A trained network as a purifier.

    Attributes:
        module: maps ``(n, 3, h, w)`` in [0, 1] to the same shape. It is frozen and put into
            evaluation mode.
        card: its metadata.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import denoiser
        >>> denoiser.load()(torch.rand(1, 3, 64, 64)).shape
        torch.Size([1, 3, 64, 64])
    """

    module: nn.Module
    card: DenoiserCard

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise TypeError(
                f"module must be a torch.nn.Module, got {type(self.module).__name__}; train one "
                "with studio.training.train_denoiser or load the shipped one"
            )
        self.module.eval().requires_grad_(False)

    def _purify(self, images: Tensor) -> Tensor:
        # So many at once fit in the processor's cache.
        clean = [_checked(self.module(by_channel(part)), part) for part in images.split(16)]
        return torch.cat(clean).contiguous()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the network's structure, weights and other inputs to its results."""
        standard = None
        if type(self.module) is ResidualUNet:
            standard = standard_structure(self.module.width)
        return networks.fingerprint(self.module, standard=standard, answers=self._answers)

    def _answers(self) -> Tensor:
        """The network's output for a fixed picture."""
        pictures = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            return self._purify(pictures)

    def __repr__(self) -> str:
        return f"Denoiser({self.card.name!r}, {self.fingerprint[:8]})"


def _checked(made: object, images: Tensor) -> Tensor:
    shape = tuple(made.shape) if isinstance(made, Tensor) else f"a {type(made).__name__}"
    if shape != tuple(images.shape):
        raise ValueError(
            f"a denoiser's module must return images of the shape it was given, "
            f"{tuple(images.shape)}, got {shape}"
        )
    return made


@cache
def standard_structure(width: int) -> str:
    """The structure of a denoiser's network as :func:`read` builds it."""
    with torch.random.fork_rng(devices=[]):  # its initial random weights are not needed
        return networks.structure(ResidualUNet(width))


def write(denoiser: Denoiser, path: Path | str) -> None:
    """Write a denoiser as half-precision safetensors with its card inside, in one step.

    Raises:
        TypeError: a module of another kind, which :func:`read` could not build.
        ValueError: a :class:`ResidualUNet` with changed layers, or weights that are not finite.
        OSError: the file cannot be written.
    """
    module = denoiser.module
    remedy = "store your own network with torch.save(module.state_dict(), ...)"
    if type(module) is not ResidualUNet:
        raise TypeError(
            f"only a ResidualUNet can be written, got {type(module).__name__}; {remedy}"
        )
    if networks.structure(module) != standard_structure(module.width):
        raise ValueError(
            "only a ResidualUNet can be written whose layers are those that "
            f"ResidualUNet(width={module.width}) has; {remedy}"
        )
    header = {"card": json.dumps(asdict(denoiser.card)), "width": json.dumps(module.width)}
    networks.write(module, path, header)


def read(path: Path | str) -> Denoiser:
    """Read a denoiser that :func:`write` wrote. No code is unpickled.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, or one that holds something else.
    """
    return Denoiser(*networks.read(path, _build, kind="denoiser", command="denoiser"))


def _build(header: Mapping[str, str]) -> tuple[ResidualUNet, DenoiserCard]:
    width = json.loads(header.get("width", "32"))  # files of before have none
    return ResidualUNet(width), DenoiserCard(**json.loads(header["card"]))


@cache
def load() -> Denoiser:
    """The denoiser that ships with poisonlib; always the same, frozen object.

    Raises:
        FileNotFoundError: the package was installed without its data.

    Example:
        >>> from poisonlib.defenses import denoiser
        >>> denoiser.load() is denoiser.load()
        True
    """
    return read(PACKAGED)


def by_channel(images: Tensor) -> Tensor:
    """In channels-last memory format, in which convolutions on a CPU are faster."""
    return images.contiguous(memory_format=torch.channels_last)

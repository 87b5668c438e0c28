"""A network that distinguishes cloaked photographs from clean ones.

The paper trains "a standard pre-trained ImageNet model" on clean and perturbed photographs of 25
people and reports a precision and a recall of 99.8 % each (Radiya-Dixit et al., "Data Poisoning
Won't Save You From Facial Recognition", ICLR 2022, as summarised in the blog post "Data Poisoning
is Hitting a Wall", ICLR Blogposts 2023). Here it is MobileNetV2 (Sandler et al., "MobileNetV2:
Inverted Residuals and Linear Bottlenecks", CVPR 2018), with one output in place of a thousand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poisonlib import checks, networks

PACKAGED = Path(str(resources.files("poisonlib") / "data" / "defenses" / "detector.safetensors"))


class Details(nn.Module):
    """A high-pass filter: the photograph minus its Gaussian blur, amplified.

    A cloak changes each value by a few levels of 255, while values within a face differ by a
    hundred. The blur has a standard deviation of two pixels, with mirrored edges; nothing is
    resized, so that the finest traces reach the network.
    """

    sigma, gain, reach = 2.0, 10.0, 6

    def __init__(self) -> None:
        super().__init__()
        steps = torch.arange(-self.reach, self.reach + 1.0)
        kernel = torch.exp(-0.5 * (steps / self.sigma).square())
        kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """``(n, 3, h, w)`` in [0, 1], sides of more than 6 pixels, to the same shape."""
        mirrored = F.pad(images, (self.reach,) * 4, mode="reflect")
        along = F.conv2d(mirrored, self.kernel, groups=3)
        smooth = F.conv2d(along, self.kernel.transpose(2, 3), groups=3)
        return self.gain * (images - smooth)


class TraceNet(nn.Module):
    """torchvision's MobileNetV2 on the :class:`Details` of a photograph, with a head of its own.

    Args:
        outputs: how many numbers for each photograph; 1 for a detector.
        width: of all layers, relative to MobileNetV2's.

    Example:
        >>> import torch
        >>> from poisonlib.defenses.detector import TraceNet
        >>> TraceNet(width=0.25).eval()(torch.rand(2, 3, 48, 48)).shape
        torch.Size([2, 1])
    """

    def __init__(self, outputs: int = 1, *, width: float = 1.0) -> None:
        from torchvision.models import mobilenet_v2

        super().__init__()
        self.width = width
        self.details = Details()
        whole = mobilenet_v2(weights=None, width_mult=width)
        self.features = whole.features
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(whole.last_channel, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """``(n, 3, h, w)`` in [0, 1] to ``(n, outputs)``."""
        details = self.details(images).contiguous(memory_format=torch.channels_last)
        return self.head(self.features(details).mean(dim=(2, 3)))


def pair_loss(
    module: nn.Module,
    clean: Tensor,
    cloaked: Tensor,
    view: Callable[[Tensor], Tensor],
    *,
    strength: float = 1.0,
    others: Iterable[Tensor] = (),
) -> Tensor:
    """The loss of one training step: cross-entropy on photographs and their cloaked copies.

    A photograph and its copy get the same view, so that only the cloak tells them apart. Clean and
    cloaked photographs have the same weight in total.

    Args:
        module: maps images ``(n, 3, h, w)`` in [0, 1] to ``(n, 1)`` log-odds.
        clean: ``(n, 3, h, w)``.
        cloaked: ``(n, 3, h, w)``, the copy of each.
        view: a random crop, compression and the like, applied to ``(k, 3, h, w)`` images alike.
        strength: factor on the perturbations; above 1 they are easier to find (PuFace, Wen 2024,
            amplifies its perturbations, too).
        others: further clean photographs ``(3, h, w)``, each with a view of its own.

    Example:
        >>> import torch
        >>> from poisonlib.defenses.detector import TraceNet, pair_loss
        >>> clean = torch.rand(2, 3, 48, 48)
        >>> loss = pair_loss(TraceNet(width=0.25), clean, 0.9 * clean, lambda images: images)
        >>> loss.backward()
    """
    views, is_cloaked = [], []
    for original, copy in zip(clean, cloaked, strict=True):
        exaggerated = (original + strength * (copy - original)).clamp(0, 1)
        views.append(view(torch.stack([original, exaggerated])))
        is_cloaked += [0.0, 1.0]
    for image in others:
        views.append(view(image[None]))
        is_cloaked.append(0.0)
    truth = torch.tensor(is_cloaked)
    log_odds = module(torch.cat(views))[:, 0]
    balance = (1 - truth).sum() / truth.sum()
    return F.binary_cross_entropy_with_logits(log_odds, truth, pos_weight=balance)


@dataclass(frozen=True)
class DetectorCard:
    """What readers must know about a detector to interpret its scores.

    Attributes:
        name: how it is cited.
        architecture: of the network, in words.
        start: its weights before it was trained on cloaks.
        data: the clean and cloaked photographs it was trained on.
        tools: the cloaking tools that made them.
        views: how photographs were varied in training.
        licence: of the weights.

    Example:
        >>> from poisonlib.defenses import detector
        >>> detector.load().card.tools[:3]
        ('Fawkes v0.3', 'Fawkes v1.0', 'LowKey')
    """

    name: str
    architecture: str
    start: str
    data: str
    tools: tuple[str, ...]
    views: str
    licence: str = "CC0-1.0"


@dataclass(frozen=True, eq=False)
class Detector:
    """A classifier of photographs: cloaked or clean.

    The module is put into evaluation mode and frozen, so that a score depends on its own
    photograph only.

    Attributes:
        module: maps images ``(n, 3, h, w)`` in [0, 1] to ``(n, 1)`` log-odds.
        card: its metadata.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import detector
        >>> judge, pictures = detector.load(), torch.rand(2, 3, 64, 64)
        >>> bool(((judge.scores(pictures) >= 0.5) == judge.flags(pictures)).all())
        True
    """

    module: nn.Module
    card: DetectorCard

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise TypeError(
                f"module must be a torch.nn.Module, got {type(self.module).__name__}; train a "
                "detector with train_detector or load the shipped one with load()"
            )
        self.module.eval().requires_grad_(False)

    def logits(self, images: Tensor, *, batch_size: int = 32) -> Tensor:
        """Log-odds ``(n,)`` that each of ``(n, 3, h, w)`` images in [0, 1] is cloaked.

        Raises:
            ValueError: bad images, or a module that does not return one finite number for each.
        """
        checks.images(images)
        with torch.no_grad():
            odds = [_checked(self.module(part), len(part)) for part in images.split(batch_size)]
        return torch.cat(odds)[:, 0]

    def scores(self, images: Tensor, *, batch_size: int = 32) -> Tensor:
        """Probability ``(n,)`` in [0, 1] that each of ``(n, 3, h, w)`` images is cloaked.

        Raises:
            ValueError: see :meth:`logits`.
        """
        return self.logits(images, batch_size=batch_size).sigmoid()

    def flags(self, images: Tensor, *, threshold: float = 0.5) -> Tensor:
        """``(n,)`` bool, which images are classified as cloaked: those that score ``threshold`` or
        more.

        Raises:
            ValueError: bad images, or a threshold outside [0, 1].
        """
        check_threshold(threshold)
        return self.scores(images) >= threshold

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name!r}, {self.fingerprint[:8]})"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the module's structure, weights and other inputs to its results."""
        standard = None
        if type(self.module) is TraceNet:
            standard = standard_structure(self.module.width)
        return networks.fingerprint(self.module, standard=standard, answers=self._answers)

    def _answers(self) -> Tensor:
        """The network's output for a fixed picture."""
        pictures = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
        return self.logits(pictures)


def _checked(odds: object, n: int) -> Tensor:
    shape = tuple(odds.shape) if isinstance(odds, Tensor) else f"a {type(odds).__name__}"
    if shape != (n, 1) or not bool(odds.isfinite().all()):
        raise ValueError(
            f"a detector's module must return ({n}, 1) finite log-odds for {n} images, got "
            f"{shape}; check its last layer and weights"
        )
    return odds


@cache
def standard_structure(width: float) -> str:
    """The structure of a detector's network as :func:`read` builds it."""
    with torch.random.fork_rng(devices=[]):  # its initial random weights are not needed
        return networks.structure(TraceNet(width=width))


def check_threshold(threshold: float) -> None:
    """Check that a threshold is a probability.

    Raises:
        ValueError: outside [0, 1].
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a probability in [0, 1], got {threshold!r}")


def write(detector: Detector, path: Path | str) -> None:
    """Write a detector of a :class:`TraceNet` as half-precision safetensors, its card inside.

    The file appears complete or not at all.

    Raises:
        TypeError: a module of another kind, which :func:`read` could not build.
        ValueError: a TraceNet of several outputs or with changed layers, or weights that are not
            finite.
        OSError: the file cannot be written.
    """
    remedy = "store your own network with torch.save(module.state_dict(), ...)"
    if type(detector.module) is not TraceNet:
        raise TypeError(
            f"only a TraceNet can be written, got {type(detector.module).__name__}; {remedy}"
        )
    if networks.structure(detector.module) != standard_structure(detector.module.width):
        raise ValueError(
            "only a TraceNet of one output can be written, whose layers are those that "
            f"TraceNet(width={detector.module.width}) has; {remedy}"
        )
    header = {
        "card": json.dumps(asdict(detector.card), ensure_ascii=False),
        "width": json.dumps(detector.module.width),
    }
    networks.write(detector.module, path, header)


def read(path: Path | str) -> Detector:
    """Read a detector that :func:`write` wrote. No code is unpickled.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or holds something else.
    """
    return Detector(*networks.read(path, _build, kind="detector", command="detector"))


def _build(header: Mapping[str, str]) -> tuple[TraceNet, DetectorCard]:
    card = json.loads(header["card"])
    card = DetectorCard(**card | {"tools": tuple(card["tools"])})
    return TraceNet(width=json.loads(header["width"])), card


@cache
def load() -> Detector:
    """The detector that ships with poisonlib; the same object every time.

    Raises:
        FileNotFoundError: the package was installed without its data.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import detector
        >>> scores = detector.load().scores(torch.rand(2, 3, 64, 64))
        >>> bool(((0 <= scores) & (scores <= 1)).all())
        True
    """
    return read(PACKAGED)

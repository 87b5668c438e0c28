"""Training a detector on pairs, so that it learns to find cloaks and not file formats.

A clean photograph and its cloaked copy differ in more than the cloak. The clean one was last stored
as a JPEG; the copy comes straight out of a program and contains colours that JPEG would have
discarded. A network that learns *that* is perfect on such test data and useless after one upload.
Therefore a pair always gets the same view, many views pass through JPEG, another size or a blur,
noise covers what is below a level of 255, and clean photographs that were never compressed are
shown besides, if there are any.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Generator, Tensor

from poisonlib import checks
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses.detector import Detector, DetectorCard, TraceNet, pair_loss
from poisonlib.defenses.pairs import Pairs
from poisonlib.defenses.purify import JPEG, Blur, Resize
from poisonlib.extractors import ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card
from poisonlib.hashing import sha256_of_file, sha256_of_tensors
from poisonlib.photos import Photos
from studio.training.augment import Augmentation
from studio.training.extractor import train
from studio.training.fit import EpochProgress, fit
from studio.training.recipes import Recipe


@dataclass(frozen=True)
class Views:
    """How a photograph and its copies are varied, all of them in the same way.

    Attributes:
        crop: side in pixels of the random part that is looked at; smaller photographs stay whole.
        flip: probability of a mirror image.
        jpeg, resize, blur, sharpen: probabilities of each; at most one of them happens.
        qualities: least and largest JPEG quality.
        factors: least and largest scale to pass through.
        sigmas: least and largest blur, in pixels.
        amounts: least and largest share of its details that a sharpened picture gains.
        noise: probability of Gaussian noise of up to one level of 255.

    Example:
        >>> import torch
        >>> from studio.training.detector import Views
        >>> view = Views(crop=32)
        >>> view(torch.rand(2, 3, 64, 64), generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2, 3, 32, 32])
    """

    crop: int = 80
    flip: float = 0.5
    jpeg: float = 0.2
    resize: float = 0.1
    blur: float = 0.1
    sharpen: float = 0.05
    qualities: tuple[int, int] = (45, 95)
    factors: tuple[float, float] = (0.5, 0.95)
    sigmas: tuple[float, float] = (0.3, 1.2)
    amounts: tuple[float, float] = (0.2, 1.0)
    noise: float = 0.5

    def __call__(self, images: Tensor, *, generator: Generator) -> Tensor:
        """One random view of ``(n, 3, h, w)`` images in [0, 1], the same of all, in 8 bits."""

        def uniform(low: float = 0.0, high: float = 1.0) -> float:
            return low + (high - low) * float(torch.rand((), generator=generator))

        if uniform() < self.flip:
            images = images.flip(3)
        which = uniform()
        if which < self.jpeg:
            images = JPEG(round(uniform(*self.qualities)))(images)
        elif which < self.jpeg + self.resize:
            images = Resize(uniform(*self.factors))(images)
        elif which < self.jpeg + self.resize + self.blur:
            images = Blur(uniform(*self.sigmas))(images)
        elif which < self.jpeg + self.resize + self.blur + self.sharpen:
            details = images - Blur(1.0)(images)
            images = (images + uniform(*self.amounts) * details).clamp(0, 1)
        height, width = images.shape[-2:]
        tall, wide = min(self.crop, height), min(self.crop, width)
        top = int(torch.randint(height - tall + 1, (), generator=generator))
        left = int(torch.randint(width - wide + 1, (), generator=generator))
        images = images[:, :, top : top + tall, left : left + wide]
        if uniform() < self.noise:
            level = uniform() / 255
            images = images + level * torch.randn(images.shape, generator=generator)
        return round_to_8_bits(images)


@dataclass(frozen=True)
class Start:
    """A network's weights before training on cloaks.

    Attributes:
        module: the network; training copies it.
        origin: where its weights come from, for the card.

    Example:
        >>> from studio.training.detector import Start
        >>> from poisonlib.defenses.detector import TraceNet
        >>> Start(TraceNet(width=0.25)).origin
        'random weights'
    """

    module: TraceNet
    origin: str = "random weights"


def train_detector(
    pairs: Pairs,
    *,
    seed: int,
    clean: Tensor | None = None,
    start: Start | None = None,
    name: str = "detector",
    epochs: int = 20,
    steps: int = 20,
    batch_size: int = 24,
    more_clean: int = 6,
    learning_rate: float = 3e-3,
    loudest: float = 4.0,
    views: Views | None = None,
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
) -> Detector:
    """Train a detector on clean and cloaked photographs of a few people.

    Half of a batch are clean photographs, the other half their copies. At first a copy's cloak is
    made several times as strong as it was, and then fades to its own strength: small networks find
    the direction in the loud ones (PuFace, Wen 2024, amplifies its perturbations for a like
    reason).

    Args:
        pairs: photographs and what the cloaking tools made of them.
        seed: of weights (without ``start``), order and views.
        clean: ``(n, 3, h, w)`` further clean photographs, e.g. ones that were never compressed.
        start: network to begin with; one with random weights by default.
        name: for the card.
        epochs, steps: epochs, and batches in each.
        batch_size, more_clean: pairs in a batch, and how many of the further clean photographs.
        learning_rate: largest, of AdamW under a one-cycle schedule.
        loudest: how many times as strong as it is a cloak is in the beginning; 1 to leave it.
        views: how photographs are varied.
        checkpoint, progress: see :func:`studio.training.fit.fit`.

    Raises:
        ValueError: settings out of range, bad photographs, or a checkpoint of another training.
    """
    if min(epochs, steps, batch_size) < 1 or loudest < 1 or not learning_rate > 0:
        raise ValueError(
            "training needs epochs, steps, batch_size and loudest of at least 1 and a positive "
            f"learning_rate, got {epochs}, {steps}, {batch_size}, {loudest} and {learning_rate}"
        )
    views = views or Views()
    if clean is not None:
        checks.images(clean, name="clean")
    if start is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            start = Start(TraceNet())
    module = copy.deepcopy(start.module).requires_grad_(True)

    def in_bfloat16(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return module(images).float()

    def others(generator: Generator) -> Iterator[Tensor]:
        if clean is not None:
            yield from clean[torch.randint(len(clean), (more_clean,), generator=generator)]

    def epoch(number: int, generator: Generator) -> Iterator[tuple[Tensor, int]]:
        for step in range(steps):
            passed = (number * steps + step) / (0.6 * epochs * steps)
            strength = 1 + (loudest - 1) * max(0.0, 1 - passed)
            which = torch.randint(len(pairs), (batch_size,), generator=generator)
            loss = pair_loss(
                in_bfloat16,
                pairs.photos.images[pairs.source[which]],
                pairs.cloaked[which],
                partial(views, generator=generator),
                strength=strength,
                others=others(generator),
            )
            yield loss, batch_size

    sizes = (epochs, steps, batch_size, more_clean)
    chosen = (*sizes, learning_rate, loudest, views, seed, start.origin)
    seen = (pairs.cloaked, pairs.clean, *([] if clean is None else [clean]))
    fit(
        {"module": module},
        epoch,
        epochs=epochs,
        steps=steps,
        seed=seed,
        settings=f"{chosen} {sha256_of_tensors(*seen)}",
        learning_rate=learning_rate,
        weight_decay=0.05,
        checkpoint=checkpoint,
        progress=progress,
    )
    return Detector(module, _card(pairs, clean, name, start.origin, views))


def from_identities(
    photos: Photos,
    *,
    seed: int,
    epochs: int = 2,
    width: float = 1.0,
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
) -> Start:
    """A network that has learnt to tell people apart, to start a detector from.

    What ImageNet does for the paper's detector: filters for edges and textures, before the first
    cloak is seen. Softmax over the people of ``photos``, plain random views.

    Raises:
        ValueError: see :func:`studio.training.extractor.train`.
    """
    people, side = len(photos.people), photos.images.shape[-1]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        blank = TraceNet(128, width=width)
    card = Card("blank", 2018, "MobileNetV2", "none", "none", side, 128, "CC0-1.0")
    unchanged = Preprocessing(mean=0.0, std=1.0)
    recipe = Recipe(
        card=card,
        architecture="TraceNet",
        loss="softmax",
        people=people,
        photos=len(photos) // people,
        augmentation=Augmentation(flip=0.5, shift=0.04, zoom=0.05, light=0.15),
        epochs=epochs,
        seed=seed,
        start=card.name,
    )
    begin = ModuleExtractor(blank, card, unchanged)
    trained = train(recipe, photos, start=begin, checkpoint=checkpoint, progress=progress)
    origin = f"learnt to tell {people} generated public people apart, {len(photos)} photographs, "
    origin += f"{epochs} epochs; no ImageNet weights"
    return Start(_with_new_head(trained.module, seed), origin)


def from_imagenet(path: Path | str, *, seed: int) -> Start:
    """A network with torchvision's ImageNet weights of MobileNetV2, to start a detector from.

    They are not shipped. torchvision keeps them at
    https://download.pytorch.org/models/mobilenet_v2-b0353104.pth; as always there, the digits in
    the name are the first of the file's SHA-256, which is checked. No code is unpickled.

    Args:
        path: of the file.
        seed: of the new head.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another file, or a broken download.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}; get mobilenet_v2-b0353104.pth from "
            "https://download.pytorch.org/models/, or start from identities instead"
        )
    expected = path.stem.rpartition("-")[2]
    digest = sha256_of_file(path)
    if not expected or not digest.startswith(expected):
        raise ValueError(
            f"{path.name} should have a SHA-256 that begins with {expected}, got {digest[:8]}: a "
            "broken download or a renamed file; fetch mobilenet_v2-b0353104.pth again"
        )
    weights = torch.load(path, weights_only=True)
    module = TraceNet(1)
    module.features.load_state_dict(
        {
            key.removeprefix("features."): value
            for key, value in weights.items()
            if key.startswith("features.")
        }
    )
    return Start(_with_new_head(module, seed), f"torchvision's ImageNet weights, {path.name}")


def _with_new_head(module: TraceNet, seed: int) -> TraceNet:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = TraceNet(1, width=module.width)
    fresh.features.load_state_dict(module.features.state_dict())
    return fresh


def _card(pairs: Pairs, clean: Tensor | None, name: str, origin: str, views: Views) -> DetectorCard:
    tools = tuple(pairs.tools[index] for index in torch.unique(pairs.tool).tolist())
    people = len(pairs.photos.people)
    data = f"{len(pairs.photos)} photographs of {people} public people, clean, and "
    data += f"{len(pairs)} cloaked copies of them"
    if clean is not None:
        data += f"; {len(clean)} more clean photographs"
    return DetectorCard(
        name=name,
        architecture="high-pass, then MobileNetV2 (torchvision), one output",
        start=origin,
        data=data,
        tools=tools,
        views=repr(views),
    )

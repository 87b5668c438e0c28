"""Extractors: the training of a recipe."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from poisonlib.extractors import ModuleExtractor, Preprocessing
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.photos import Photos, resized
from studio.training.captions import captions
from studio.training.fit import EpochProgress, fit
from studio.training.losses import LOSSES
from studio.training.recipes import Recipe


def train(
    recipe: Recipe,
    photos: Photos,
    *,
    start: ModuleExtractor | None = None,
    checkpoint: Path | None = None,
    pictures: Callable[[Tensor, Generator], Tensor] | None = None,
    progress: EpochProgress | None = None,
    device: torch.device | str = "cpu",
) -> ModuleExtractor:
    """Train the extractor of a recipe.

    Args:
        recipe: what to train and how.
        photos: aligned photographs of public people, each person a class.
        start: what ``recipe.start`` names, to fine-tune; None to begin with random weights.
        checkpoint, progress, device: see :func:`studio.training.fit.fit`.
        pictures: what a batch shows, given the indices ``(k,)`` of its photographs and a generator:
            ``(k, 3, s, s)`` in [0, 1], of which random views are taken; the photographs themselves
            by default.

    Raises:
        ValueError: fewer than two people to tell apart, a checkpoint of another training, or the
            wrong extractor to start from.

    Example:
        One epoch on eight pictures of noise, for a look at it:

        >>> from dataclasses import replace
        >>> import torch
        >>> from poisonlib.photos import Photos
        >>> from studio.training.extractor import train
        >>> from studio.training.recipes import recipe_of
        >>> photos = Photos(torch.rand(8, 3, 64, 64), torch.arange(8) // 4, ("Ada", "Ben"))
        >>> recipe = replace(recipe_of("softmax-2014"), epochs=1, batch_size=4)
        >>> train(recipe, photos).card.name
        'softmax-2014'
    """
    device = torch.device(device)
    came = start.card.name if start is not None else ""
    if came != recipe.start:
        raise ValueError(f"{recipe.card.name} starts from {recipe.start!r}, got {came!r}")
    people = {label: index for index, label in enumerate(photos.people)}
    if len(people) < 2:
        raise ValueError(f"training needs at least two people, got {len(people)}")
    labels = torch.tensor([people[label] for label in photos.labels.tolist()])
    names = [photos.names[label] for label in people]
    if pictures is None:
        images = resized(photos.images, recipe.card.input_size)

        def pictures(batch: Tensor, generator: Generator) -> Tensor:
            return images[batch].float() / 255

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if start is None:
            module = ARCHITECTURES[recipe.architecture](recipe.card.embedding_size)
            preprocessing = Preprocessing(size=recipe.card.input_size)
        else:
            module = copy.deepcopy(start.module).requires_grad_(True)
            preprocessing = start.preprocessing
        head = _head(recipe, names)

    def loss_of(views: Tensor, targets: Tensor) -> Tensor:
        prepared = preprocessing(views).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            features = module(prepared)
        return head(features.float(), targets)

    def epoch(number: int, generator: Generator) -> Iterator[tuple[Tensor, int]]:
        for batch in batches(labels, recipe, generator=generator):
            views = recipe.augmentation(pictures(batch, generator), generator=generator)
            views, targets = views.to(device), labels[batch].to(device)
            if recipe.adversarial:
                views = _worst_case(loss_of, views, targets, recipe.adversarial, generator)
            yield loss_of(views, targets), len(batch)

    fit(
        {"module": module, "head": head},
        epoch,
        epochs=recipe.epochs,
        steps=len(batches(labels, recipe, generator=torch.Generator())),
        seed=recipe.seed,
        settings=repr(recipe),
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        checkpoint=checkpoint,
        progress=progress,
        device=device,
    )
    return ModuleExtractor(module, recipe.card, preprocessing)


def batches(labels: Tensor, recipe: Recipe, *, generator: Generator) -> list[Tensor]:
    """One epoch's batches of indices, every photograph at most once, none with a single one.

    Where the recipe asks for several photographs of a person in a batch, each person's are dealt
    in random groups of that many, a last smaller group left out.

    Args:
        labels: ``(n,)``.
        generator: of the order.

    Example:
        >>> from dataclasses import replace
        >>> import torch
        >>> from studio.training.extractor import batches
        >>> from studio.training.recipes import recipe_of
        >>> recipe = replace(recipe_of("softmax-2014"), batch_size=4)
        >>> labels = torch.tensor([0, 0, 0, 1, 1, 1])
        >>> [len(batch) for batch in batches(labels, recipe, generator=torch.Generator())]
        [4, 2]
    """
    order = torch.randperm(len(labels), generator=generator)
    each = recipe.photos_per_person
    if each > 1:
        groups = []
        for person in torch.unique(labels):
            groups += order[labels[order] == person].split(each)
        whole = torch.stack([group for group in groups if len(group) == each])
        order = whole[torch.randperm(len(whole), generator=generator)].flatten()
    return [batch for batch in order.split(recipe.batch_size) if len(batch) > 1]


def _head(recipe: Recipe, names: Sequence[str]) -> nn.Module:
    settings = dict(recipe.loss_settings)
    if recipe.loss == "contrastive":
        settings["captions"] = [captions(name) for name in names]
    return LOSSES[recipe.loss](recipe.card.embedding_size, len(names), **settings)


def _worst_case(
    loss_of: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    radius: float,
    generator: Generator,
) -> Tensor:
    """Images changed within ``radius`` to raise the loss, by one step from a random start.

    The fast gradient sign method as a trainer uses it (Wong, Rice and Kolter, "Fast is better
    than free", ICLR 2020): step 1.25 times the radius, clipped back to it.
    """
    noise = torch.rand(images.shape, generator=generator).to(images.device) * 2 - 1
    change = (radius * noise).requires_grad_()
    (gradient,) = torch.autograd.grad(loss_of((images + change).clamp(0, 1), labels), change)
    change = (change.detach() + 1.25 * radius * gradient.sign()).clamp(-radius, radius)
    return (images + change).clamp(0, 1)

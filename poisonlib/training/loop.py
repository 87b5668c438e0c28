"""One training loop for all recipes: seeded, resumable after a kill, with its loss curve."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib.extractors import ModuleExtractor, Preprocessing
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.photos import Photos
from poisonlib.training.losses import LOSSES
from poisonlib.training.recipes import Recipe


@dataclass(frozen=True)
class Trained:
    """A trained extractor and its loss curve, the mean loss of each epoch."""

    extractor: ModuleExtractor
    losses: tuple[float, ...]


def train(
    recipe: Recipe,
    photos: Photos,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Trained:
    """Train the extractor of a recipe.

    Every epoch draws from its own seed, so that a run resumed from its checkpoint continues
    as the uninterrupted one would have.

    Args:
        recipe: what to train and how.
        photos: aligned photographs of public people, each person a class.
        checkpoint: file to resume from, if it is there, and to write after every epoch.
        progress: called with (epochs done, epochs in all, mean loss) after every epoch.

    Raises:
        ValueError: fewer than two people to tell apart, or a checkpoint of another recipe.
    """
    people = {label: index for index, label in enumerate(photos.people)}
    if len(people) < 2:
        raise ValueError(f"training needs at least two people, got {len(people)}")
    labels = torch.tensor([people[label] for label in photos.labels.tolist()])
    images = _resized(photos.images, recipe.card.input_size)

    torch_state = torch.random.get_rng_state()
    torch.manual_seed(recipe.seed)
    module = ARCHITECTURES[recipe.architecture](recipe.card.embedding_size)
    head = LOSSES[recipe.loss](recipe.card.embedding_size, len(people), **recipe.loss_settings)
    steps = -(-len(images) // recipe.batch_size)
    parameters = [*module.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=steps * recipe.epochs + 1, pct_start=0.2
    )
    run = {"module": module, "head": head, "optimiser": optimiser, "schedule": schedule}
    preprocessing = Preprocessing(size=recipe.card.input_size)
    module.to(memory_format=torch.channels_last)

    losses = _resume(recipe, run, checkpoint)
    try:
        for epoch in range(len(losses), recipe.epochs):
            torch.manual_seed(recipe.seed * 1000 + epoch)
            generator = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
            module.train()
            total = 0.0
            for batch in torch.randperm(len(images), generator=generator).split(recipe.batch_size):
                if len(batch) < 2:
                    continue
                views = recipe.augmentation(images[batch].float() / 255, generator=generator)
                views = preprocessing(views).to(memory_format=torch.channels_last)
                with torch.autocast("cpu", torch.bfloat16):
                    features = module(views)
                loss = head(features.float(), labels[batch])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                total += float(loss.detach()) * len(batch)
            losses.append(total / len(images))
            if checkpoint is not None:
                _save(recipe, run, losses, checkpoint)
            if progress is not None:
                progress(epoch + 1, recipe.epochs, losses[-1])
    finally:
        torch.random.set_rng_state(torch_state)
    module.to(memory_format=torch.contiguous_format)
    return Trained(ModuleExtractor(module, recipe.card, preprocessing), tuple(losses))


def _resized(images: Tensor, size: int) -> Tensor:
    """Photographs at the network's own size, as bytes to save memory."""
    batches = []
    for batch in images.split(512):
        small = F.interpolate(batch, (size, size), mode="bilinear", antialias=True)
        batches.append((small * 255).round().clamp(0, 255).to(torch.uint8))
    return torch.cat(batches)


def _save(recipe: Recipe, run: dict, losses: list[float], checkpoint: Path) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_name(f".{checkpoint.name}.{os.getpid()}.partial")
    states = {name: part.state_dict() for name, part in run.items()}
    torch.save({"recipe": repr(recipe), "losses": losses, **states}, partial)
    os.replace(partial, checkpoint)


def _resume(recipe: Recipe, run: dict, checkpoint: Path | None) -> list[float]:
    if checkpoint is None or not checkpoint.is_file():
        return []
    saved = torch.load(checkpoint, weights_only=True)
    if saved["recipe"] != repr(recipe):
        raise ValueError(
            f"{checkpoint} is of another recipe; delete it to train {recipe.card.name} afresh"
        )
    for name, part in run.items():
        part.load_state_dict(saved[name])
    return list(saved["losses"])

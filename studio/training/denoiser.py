"""How the denoiser is trained: on pairs that anybody who can run the tools can make.

The recipe is in :func:`train_denoiser`; :mod:`poisonlib.defenses.denoiser` names the source of the
idea.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from poisonlib.defenses.denoiser import Denoiser, DenoiserCard, ResidualUNet, by_channel
from poisonlib.defenses.pairs import Pairs
from poisonlib.extractors import Extractor
from poisonlib.hashing import sha256_of_tensors
from studio.training.fit import EpochProgress, fit


def train_denoiser(
    pairs: Pairs,
    *,
    seed: int,
    judges: Sequence[Extractor] = (),
    epochs: int = 8,
    batch_size: int = 16,
    learning_rate: float = 2e-3,
    feature_weight: float = 1.0,
    strengths: tuple[float, float] = (0.5, 1.5),
    clean_share: float = 0.25,
    start: Denoiser | None = None,
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
) -> Denoiser:
    """Train a network to reconstruct clean photographs from cloaked ones.

    The loss is the mean absolute difference of pixels, in grey levels of 255, plus
    ``feature_weight`` times ten times the mean cosine distance of features.

    Args:
        pairs: clean and cloaked photographs, of people whom nobody protects later.
        seed: of weights, order, strengths and flips.
        judges: extractors whose features the purified photographs must match: the trainer's own,
            or public ones. None for a loss on pixels alone.
        epochs: passes over the pairs.
        batch_size, learning_rate: of AdamW, the rate rising and falling over the run.
        feature_weight: of the loss on features, at least 0.
        strengths: perturbations are multiplied by a number drawn between these two.
        clean_share: of each batch that shows the clean photograph and must be left alone.
        start: a denoiser to train further, which is not changed; None for a new one.
        checkpoint, progress: see :func:`studio.training.fit.fit`.

    Raises:
        ValueError: settings out of range, a judge without gradients, or a checkpoint of another
            training.
    """
    if epochs < 1 or batch_size < 1 or not 0 <= clean_share < 1 or feature_weight < 0:
        raise ValueError(
            "epochs and batch_size must be at least 1, clean_share in [0, 1), feature_weight at "
            f"least 0, got {epochs}, {batch_size}, {clean_share}, {feature_weight}"
        )
    for judge in judges:
        if not judge.card.differentiable:
            raise ValueError(f"judge {judge.card.name!r} is not differentiable; choose another")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = ResidualUNet() if start is None else copy.deepcopy(start.module)
    module.requires_grad_(True)

    def epoch(number: int, generator: Generator) -> Iterator[tuple[Tensor, int]]:
        for batch in torch.randperm(len(pairs), generator=generator).split(batch_size):
            clean, seen = _views(pairs, batch, strengths, clean_share, generator)
            yield _loss(module, clean, seen, judges, feature_weight), len(batch)

    known = [judge.fingerprint for judge in judges]
    chosen = (seed, epochs, batch_size, learning_rate, feature_weight, strengths, clean_share)
    begin = start.fingerprint if start is not None else "fresh"
    fit(
        {"module": module},
        epoch,
        epochs=epochs,
        steps=-(-len(pairs) // batch_size),
        seed=seed,
        settings=f"{chosen} {known} {begin} {sha256_of_tensors(pairs.cloaked, pairs.clean)}",
        learning_rate=learning_rate,
        warm_up=0.15,
        clip=5.0,
        checkpoint=checkpoint,
        progress=progress,
    )
    known = ", ".join(judge.card.name for judge in judges)
    people = len(pairs.photos.people)
    card = DenoiserCard(
        name="denoiser" if start is None else f"{start.card.name}, trained further",
        data=f"{len(pairs)} cloaked copies of photographs of {people} people by "
        f"{', '.join(pairs.tools)}",
        loss="absolute difference of pixels"
        + (f", cosine distance of the features of {known}" if known else ""),
        epochs=epochs + (start.card.epochs if start is not None else 0),
    )
    return Denoiser(module, card)


def _views(
    pairs: Pairs,
    batch: Tensor,
    strengths: tuple[float, float],
    clean_share: float,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Clean photographs ``(b, 3, h, w)`` and what the network gets to see of them."""
    clean = pairs.photos.images[pairs.source[batch]]
    low, high = strengths
    strength = low + (high - low) * torch.rand(len(batch), 1, 1, 1, generator=generator)
    untouched = torch.rand(len(batch), 1, 1, 1, generator=generator) < clean_share
    strength = strength.masked_fill(untouched, 0.0)
    seen = (clean + strength * (pairs.cloaked[batch] - clean)).clamp(0, 1)
    flip = torch.rand(len(batch), 1, 1, 1, generator=generator) < 0.5
    return torch.where(flip, clean.flip(3), clean), torch.where(flip, seen.flip(3), seen)


def _loss(
    module: nn.Module, clean: Tensor, seen: Tensor, judges: Sequence[Extractor], weight: float
) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        purified = module(by_channel(seen)).float()
    loss = 255 * (purified - clean).abs().mean()
    for judge in judges if weight else ():
        with torch.no_grad():
            wanted = judge(clean)
        with torch.autocast("cpu", torch.bfloat16):
            got = judge(purified)
        distance = 1 - (got.float() * wanted).sum(dim=1).mean()
        loss = loss + 10 * weight * distance / len(judges)
    return loss

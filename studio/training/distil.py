"""Adaptive training without identities: copies are embedded where their originals were.

Cross-entropy over a few dozen people makes a network that was trained on thousands forget most of
what it learnt. Here the ordinary extractor, frozen, is the teacher (Hinton, Vinyals and Dean,
"Distilling the knowledge in a neural network", 2015): a copy of it learns to embed a cloaked
photograph where the teacher embeds the clean one, and a clean one where the teacher does. It does
not matter who the photographs show, so any faces will do.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from poisonlib.alignment import SIDE
from poisonlib.defenses.adaptive import VariedCopies, Variety
from poisonlib.defenses.pairs import Pairs
from poisonlib.extractors import ModuleExtractor
from poisonlib.photos import Photos
from studio.training.augment import Augmentation
from studio.training.fit import EpochProgress, fit

VIEWS = Augmentation(flip=0.5, shift=0.03, zoom=0.04, turn=3.0, light=0.15, colour=0.15)
"""Random views, the same for teacher and pupil."""
VARIETY = Variety(borrowed=0.5)
"""How copies are varied; half of the clean photographs stay clean, as there are fewer of them."""


def distil(
    extractor: ModuleExtractor,
    photos: Photos,
    pairs: Pairs,
    *,
    seed: int,
    epochs: int = 12,
    learning_rate: float = 3e-4,
    batch_size: int = 32,
    augmentation: Augmentation = VIEWS,
    variety: Variety = VARIETY,
    name: str = "",
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
    device: torch.device | str = "cpu",
) -> ModuleExtractor:
    """Fine-tune an extractor to embed cloaked photographs as it embedded their originals.

    Args:
        extractor: the ordinary one and the teacher; a copy of it is trained, all layers.
        photos: clean photographs of public people.
        pairs: copies of some of them; every batch also adds their perturbations, varied, to the
            other photographs (:class:`~poisonlib.defenses.adaptive.VariedCopies`).
        seed: of the order and the views.
        epochs: passes over all photographs, clean and cloaked.
        learning_rate: the highest, of AdamW with a one-cycle schedule.
        batch_size, augmentation, variety: of the batches.
        name: of the new extractor; by default the old one's with ``adapted-`` in front.
        checkpoint, progress, device: see :func:`studio.training.fit.fit`.

    Returns:
        the adapted extractor, which a trial takes like any other.

    Example:
        One epoch on a handful of pictures, for a look at it:

        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> from studio.training.distil import distil
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("mine",))
        >>> tracker = extractors.load("softmax-2014")
        >>> distil(tracker, photos, pairs, seed=0, epochs=1).card.name
        'adapted-softmax-2014'
    """
    device = torch.device(device)
    copies = VariedCopies(photos, pairs, variety, size=SIDE)
    teacher = copy.deepcopy(extractor.module).to(device)
    pupil = copy.deepcopy(extractor.module).requires_grad_(True)

    def loss_of(clean: Tensor, shown: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                goal = teacher(_prepared(extractor, clean, device)).float()
            features = pupil(_prepared(extractor, shown, device)).float()
        return (F.normalize(features) - F.normalize(goal)).square().sum(dim=1).mean()

    def epoch(number: int, generator: Generator) -> Iterator[tuple[Tensor, int]]:
        for batch in torch.randperm(len(copies.labels), generator=generator).split(batch_size):
            shown = copies(batch, generator)
            views = torch.Generator()
            views.set_state(generator.get_state())  # the same view of both
            clean = augmentation(copies.originals_of(batch), generator=views)
            yield loss_of(clean, augmentation(shown, generator=generator)), len(batch)

    fit(
        {"module": pupil},
        epoch,
        epochs=epochs,
        steps=-(-len(copies.labels) // batch_size),
        seed=seed,
        settings=repr((extractor.fingerprint, augmentation, variety, epochs, learning_rate, seed)),
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        progress=progress,
        device=device,
    )
    made = ", ".join(pairs.tools[tool] for tool in torch.unique(pairs.tool).tolist())
    learnt = f"{len(photos)} photographs, and {len(pairs)} cloaked copies by {made}"
    card = replace(
        extractor.card,
        name=name or f"adapted-{extractor.card.name}",
        loss=f"{extractor.card.loss}; then its own embeddings of the originals",
        data=f"{extractor.card.data}; then {learnt}",
        notes=f"{extractor.card.name}, fine-tuned.",
    )
    return ModuleExtractor(pupil, card, extractor.preprocessing)


def _prepared(extractor: ModuleExtractor, images: Tensor, device: torch.device) -> Tensor:
    prepared = extractor.preprocessing(images.to(device))
    return prepared.contiguous(memory_format=torch.channels_last)

"""Adaptive training: fine-tune an extractor on clean and cloaked photographs of other people.

The algorithm and its source: :mod:`poisonlib.defenses.adaptive`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from poisonlib.defenses.adaptive import VARIED, VariedCopies, Variety, with_copies
from poisonlib.defenses.pairs import Pairs
from poisonlib.extractors import Card, ModuleExtractor
from poisonlib.photos import Photos, resized
from studio.training.augment import Augmentation
from studio.training.extractor import train
from studio.training.fit import EpochProgress
from studio.training.recipes import Recipe

VIEWS = Augmentation(flip=0.5, shift=0.03)
"""Random views: no more than the oldest extractor learnt from. Varied views alone make an extractor
less easily fooled, and would hide what the cloaked copies add."""


def adapt(
    extractor: ModuleExtractor,
    photos: Photos,
    pairs: Pairs | None,
    *,
    seed: int,
    epochs: int = 12,
    learning_rate: float = 1e-3,
    augmentation: Augmentation = VIEWS,
    variety: Variety = VARIED,
    name: str = "",
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
    device: torch.device | str = "cpu",
) -> ModuleExtractor:
    """Fine-tune an extractor on clean and cloaked photographs of other people.

    The paper's code runs 160,000 photographs through the network, each person as often as any
    other; here the number of epochs says how many, and each photograph comes once in each.

    Args:
        extractor: the ordinary one; a copy of it is trained, all layers.
        photos: clean public photographs; every person is a class.
        pairs: copies of some of these people's photographs; None to fine-tune on clean
            photographs alone, for comparison.
        seed: of the new last layer, the order and the views.
        epochs: passes over all photographs, clean and cloaked.
        learning_rate: the highest, of AdamW with a one-cycle schedule.
        augmentation: the random views.
        variety: how copies are varied; :data:`~poisonlib.defenses.adaptive.UNVARIED` for the
            paper's own recipe.
        name: of the new extractor; by default the old one's with ``adapted-`` in front.
        checkpoint, progress, device: see :func:`studio.training.fit.fit`.

    Returns:
        the adapted extractor, which a trial takes like any other.

    Raises:
        TypeError: an extractor that is no :class:`~poisonlib.extractors.ModuleExtractor`.
        ValueError: fewer than two people, or copies of people whose names are not known.

    Example:
        One epoch on a handful of pictures, for a look at it. The real thing has twelve epochs over
        all public people:

        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("mine",))
        >>> from studio.training import adapt
        >>> from poisonlib import extractors
        >>> tracker = extractors.load("softmax-2014")
        >>> robust = adapt(tracker, photos, pairs, seed=0, epochs=1)
        >>> robust.card.name
        'adapted-softmax-2014'
    """
    if not isinstance(extractor, ModuleExtractor):
        raise TypeError(
            f"adapt fine-tunes a network, got {type(extractor).__name__}; wrap your "
            "torch.nn.Module in poisonlib.extractors.ModuleExtractor"
        )
    size = extractor.card.input_size
    mixed = photos = replace(photos, images=_shrunk(photos.images, size))
    if pairs is not None:
        originals = replace(pairs.photos, images=_shrunk(pairs.photos.images, size))
        pairs = replace(pairs, photos=originals, cloaked=_shrunk(pairs.cloaked, size))
        mixed = with_copies(photos, pairs)
    recipe = Recipe(
        card=_card(extractor, photos, pairs, name),
        architecture=type(extractor.module).__name__,
        loss="softmax",
        people=len(photos.people),
        photos=len(mixed),
        augmentation=augmentation,
        epochs=epochs,
        seed=seed,
        learning_rate=learning_rate,
        start=extractor.card.name,
    )
    run = {"checkpoint": checkpoint, "progress": progress, "device": device}
    if pairs is not None:
        run["pictures"] = VariedCopies(photos, pairs, variety, size=size)
    return train(recipe, mixed, start=extractor, **run)


def _shrunk(images: Tensor, size: int) -> Tensor:
    """At the size that the network sees, in 8 bits: everything after this takes less memory."""
    return resized(images, size).float() / 255


def _card(extractor: ModuleExtractor, photos: Photos, pairs: Pairs | None, name: str) -> Card:
    old = extractor.card
    clean = f"{len(photos)} photographs of {len(photos.people)} people"
    if pairs is None:
        seen = f"{clean}, clean only"
    else:
        made = [pairs.tools[index] for index in torch.unique(pairs.tool).tolist()]
        seen = f"{clean}, and {len(pairs)} cloaked copies by {', '.join(made)}"
    return replace(
        old,
        name=name or f"adapted-{old.name}",
        loss=f"{old.loss}; then softmax cross-entropy over identities",
        data=f"{old.data}; then {seen}",
        notes=f"{old.name}, fine-tuned.",
    )

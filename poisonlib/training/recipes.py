"""The recipes of the shipped extractors: every choice that history made, in one record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from poisonlib.extractors.card import Card
from poisonlib.training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a trained extractor, given rendered people.

    Attributes:
        card: what the extractor will say of itself.
        architecture: a name in :data:`poisonlib.extractors.architectures.ARCHITECTURES`.
        loss: a name in :data:`poisonlib.training.losses.LOSSES`, with ``loss_settings``.
        people, photos: public identities and photographs of each to train on.
        first_identity: seed of the first of them.
        augmentation: the random views.
        epochs, batch_size, learning_rate, weight_decay: of AdamW with a one-cycle schedule.
        seed: of initial weights, order and views.
    """

    card: Card
    architecture: str
    loss: str
    people: int
    photos: int
    augmentation: Augmentation
    epochs: int
    seed: int
    first_identity: int = 10_000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 5e-2
    loss_settings: Mapping[str, float] = field(default_factory=dict)


_LICENCE = "CC0-1.0"

SOFTMAX_2014 = Recipe(
    card=Card(
        name="softmax-2014",
        year=2014,
        architecture="plain stack of seven 3x3 convolutions, average pooling, 128-d",
        loss="softmax cross-entropy over identities",
        data="320 generated public people x 12 photographs",
        input_size=64,
        embedding_size=128,
        licence=_LICENCE,
        notes="Stands for the CASIA-WebFace generation, the tracker of the paper's baseline.",
    ),
    architecture="PlainNet",
    loss="softmax",
    people=320,
    photos=12,
    augmentation=Augmentation(flip=0.5, shift=0.03),
    epochs=24,
    seed=2014,
)

ARCFACE_2019 = Recipe(
    card=Card(
        name="arcface-2019",
        year=2019,
        architecture="improved-residual network of four blocks, fully connected 128-d output",
        loss="ArcFace, scale 32, margin 0.4",
        data="320 generated public people x 12 photographs, strongly augmented",
        input_size=64,
        embedding_size=128,
        licence=_LICENCE,
        notes="Stands for the angular-margin generation.",
    ),
    architecture="ResidualNet",
    loss="ArcFace",
    loss_settings={"scale": 32.0, "margin": 0.4},
    people=320,
    photos=12,
    augmentation=Augmentation(flip=0.5, shift=0.05, zoom=0.08, turn=6.0, light=0.25, erase=0.3),
    epochs=32,
    seed=2019,
)

RECIPES = {recipe.card.name: recipe for recipe in (SOFTMAX_2014, ARCFACE_2019)}

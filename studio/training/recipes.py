"""The recipes of the shipped extractors: all choices of each training, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from poisonlib.extractors.card import Card
from studio.training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a trained extractor, given rendered people.

    Attributes:
        card: what the extractor will say of itself.
        architecture: a name in ``poisonlib.extractors.architectures.ARCHITECTURES``.
        loss: a name in ``studio.training.losses.LOSSES``, with ``loss_settings``.
        people, photos: public identities and photographs of each to train on.
        first_identity: seed of the first of them.
        augmentation: the random views.
        start: name of the extractor that is fine-tuned; empty to begin with random weights.
        adversarial: radius, in pixel values of [0, 1], within which every view is changed against
            the network before it learns from it; 0 for ordinary training.
        photos_per_person: how many photographs of each of its people a batch holds; 1 to draw
            photographs without regard to who is on them.
        epochs, batch_size, learning_rate, weight_decay: of AdamW with a one-cycle schedule.
        seed: of initial weights, order and views.

    Example:
        >>> from dataclasses import replace
        >>> from studio.training.recipes import RECIPES
        >>> recipe = RECIPES["arcface-2019"]
        >>> recipe.loss, recipe.card.input_size
        ('ArcFace', 64)
        >>> replace(recipe, epochs=1).epochs  # the same for a quick look
        1
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
    start: str = ""
    adversarial: float = 0.0
    photos_per_person: int = 1
    loss_settings: Mapping[str, Any] = field(default_factory=dict)


_FIRST_OF_LATER = 10_160
"""Later generations are trained on other people than the first, whose 160 are the packaged ones."""


def _recipe(
    name: str, seed: int, *, network: str, described: str, views: str, notes: str, **settings: Any
) -> Recipe:
    """A recipe with its card, 12 photographs a person.

    Args:
        name: ends with the year.
        network: as the card describes the architecture.
        described: the loss, as the card describes it.
        views: the augmentation, as the card describes it.
        settings: fields of :class:`Recipe`.
    """
    card = Card(
        name=name,
        year=int(name.rsplit("-", 1)[1]),
        architecture=network,
        loss=described,
        data=f"{settings['people']} generated public people x 12 photographs, {views}",
        input_size=64,
        embedding_size=128,
        licence="CC0-1.0",
        notes=notes,
    )
    return Recipe(card, photos=12, seed=seed, **settings)


# What grows with the years. History had ever more varied photographs; a few hundred rendered
# people cannot offer that, so that random views stand in for part of the variety.
_PLAIN = Augmentation(flip=0.5, shift=0.03)
_MILD = Augmentation(flip=0.5, shift=0.04, zoom=0.05, light=0.15, colour=0.25, grey=0.1)
_VARIED = Augmentation(
    flip=0.5, shift=0.05, zoom=0.06, turn=4.0, light=0.2, colour=0.25, grey=0.1, coarse=0.1
)
_STRONG = Augmentation(
    flip=0.5, shift=0.05, zoom=0.08, turn=6.0, light=0.25, erase=0.2, colour=0.3, grey=0.15,
    blur=0.1, noise=0.03,
)  # fmt: skip
_HUGE = Augmentation(
    flip=0.5, shift=0.05, zoom=0.08, turn=6.0, light=0.3, erase=0.3, colour=0.4, grey=0.4,
    blur=0.3, noise=0.08, coarse=0.3,
)  # fmt: skip

_RESIDUAL = "improved-residual network of four blocks, fully connected 128-d output"
_DEEP = "improved-residual network of eight blocks, fully connected 128-d output"
_CLIP = "open_clip vision transformer of four layers, convolutional stem, 128-d"
_CRAWL = "as varied as a web crawl"

_OF_THE_TWENTIES = {"people": 480, "first_identity": _FIRST_OF_LATER, "augmentation": _HUGE}

_SHIPPED = (
    _recipe(
        "softmax-2014",
        2014,
        network="plain stack of seven 3x3 convolutions, average pooling, 128-d",
        described="softmax cross-entropy over identities",
        views="flipped and shifted",
        notes="Stands for the CASIA-WebFace generation, the tracker of the paper's baseline. "
        "Learns from the packaged public people, whom no later generation has seen.",
        architecture="PlainNet",
        loss="softmax",
        people=160,
        augmentation=_PLAIN,
        epochs=36,
    ),
    _recipe(
        "triplet-2015",
        2015,
        network="four inception blocks, average pooling, 128-d",
        described="triplet, margin 0.2, semi-hard negatives",
        views="mild changes of pose, light and colour",
        notes="Stands for FaceNet.",
        architecture="InceptionNet",
        loss="triplet",
        people=320,
        first_identity=_FIRST_OF_LATER,
        augmentation=_MILD,
        photos_per_person=4,
        batch_size=128,
        epochs=28,
    ),
    _recipe(
        "cosface-2018",
        2018,
        network=_RESIDUAL,
        described="CosFace, scale 32, margin 0.3",
        views="varied pose, light, colour and size",
        notes="Scale and margin are lower than in the paper (64, 0.35): there are fewer people.",
        architecture="ResidualNet",
        loss="CosFace",
        loss_settings={"scale": 32.0, "margin": 0.3},
        people=240,
        first_identity=_FIRST_OF_LATER,
        augmentation=_VARIED,
        epochs=20,
    ),
    _recipe(
        "arcface-2019",
        2019,
        network=_RESIDUAL,
        described="ArcFace, scale 32, margin 0.4",
        views="strongly varied pose, light and colour, parts covered",
        notes="Stands for the angular-margin generation on MS-Celeb-1M. Scale and margin are lower "
        "than in the paper (64, 0.5): there are fewer people.",
        architecture="ResidualNet",
        loss="ArcFace",
        loss_settings={"scale": 32.0, "margin": 0.4},
        people=320,
        first_identity=_FIRST_OF_LATER,
        augmentation=_STRONG,
        epochs=18,
    ),
    _recipe(
        "clip-2021",
        2021,
        network=_CLIP,
        described="contrastive, with captions that name the person and list attributes",
        views=_CRAWL,
        notes="Learns to match photographs and texts; nobody asked it to tell faces apart. "
        "CLIP itself saw 400 million pairs.",
        architecture="ClipTower",
        loss="contrastive",
        learning_rate=1e-3,
        epochs=30,
        **_OF_THE_TWENTIES,
    ),
    _recipe(
        "magface-2021",
        2021,
        network=_DEEP,
        described="MagFace, scale 32, margins 0.3 to 0.5 for lengths 10 to 110",
        views=f"{_CRAWL}: grey, blurred, coarse and noisy ones among them",
        notes="Twice as deep as arcface-2019, half as many people again.",
        architecture="DeepResidualNet",
        loss="MagFace",
        loss_settings={"scale": 32.0, "margins": (0.3, 0.5)},
        epochs=24,
        **_OF_THE_TWENTIES,
    ),
    _recipe(
        "robust-clip-2021",
        20211,
        network=_CLIP,
        described="softmax over identities, on views changed against the network by up to 6/255",
        views=_CRAWL,
        notes="clip-2021, fine-tuned on faces with adversarial training; never on a cloak. "
        "Stands for the paper's fine-tuned CLIP, whose recipe was not published.",
        architecture="ClipTower",
        loss="softmax",
        start="clip-2021",
        adversarial=6 / 255,
        learning_rate=1e-3,
        epochs=26,
        **_OF_THE_TWENTIES,
    ),
    _recipe(
        "adaface-2022",
        2022,
        network=_DEEP,
        described="AdaFace, scale 32, margin 0.3",
        views=f"{_CRAWL}, low resolutions more often",
        notes="Scale and margin are lower than in the paper (64, 0.4): there are fewer people.",
        architecture="DeepResidualNet",
        loss="AdaFace",
        loss_settings={"scale": 32.0, "margin": 0.3},
        epochs=24,
        **_OF_THE_TWENTIES | {"augmentation": replace(_HUGE, coarse=0.5)},
    ),
    _recipe(
        "vit-2025",
        2025,
        network="vision transformer of four blocks, convolutional stem, 128-d",
        described="CosFace, scale 16, margin 0.1",
        views=_CRAWL,
        notes="Stands for LVFace and the other vision transformers of the 2020s, which went back "
        "to the cosine margin. With these views it learnt nothing from margins of 0.25 and more.",
        architecture="SmallViT",
        loss="CosFace",
        loss_settings={"scale": 16.0, "margin": 0.1},
        learning_rate=1e-3,
        epochs=26,
        **_OF_THE_TWENTIES,
    ),
)

RECIPES = {recipe.card.name: recipe for recipe in _SHIPPED}
"""The recipes of the shipped extractors, by name, oldest first."""

_OLDEST = RECIPES["softmax-2014"]


def _variant(name: str, note: str, **changes: Any) -> tuple[str, Recipe]:
    slug = name.replace(" ", "-")
    card = replace(_OLDEST.card, name=f"ablation-{slug}-2014", notes=note)
    people = changes.get("people", _OLDEST.people)
    card = replace(card, data=f"{people} generated public people x 12 photographs")
    return name, replace(_OLDEST, card=card, **changes)


_MORE_PEOPLE = {"people": 480, "first_identity": _FIRST_OF_LATER, "epochs": 12}
_MARGIN = {"loss": "ArcFace", "loss_settings": RECIPES["arcface-2019"].loss_settings}

#: The oldest extractor with one thing changed at a time to what magface-2021 has, and with all of
#: them: each sees as many photographs in training as the oldest does.
ABLATION: tuple[tuple[str, Recipe], ...] = (
    _variant("base", "The oldest recipe itself, under another seed.", seed=1),
    _variant("more people", "Three times the people.", **_MORE_PEOPLE),
    _variant("varied views", "The augmentation of magface-2021.", augmentation=_HUGE),
    _variant("deeper", "The network of magface-2021.", architecture="DeepResidualNet"),
    _variant("margin loss", "The loss of arcface-2019.", **_MARGIN),
    _variant(
        "all of these",
        "People, views, network and loss at once.",
        **_MORE_PEOPLE,
        **_MARGIN,
        augmentation=_HUGE,
        architecture="DeepResidualNet",
    ),
)


def recipe_of(name: str) -> Recipe:
    """The recipe of a shipped extractor or of a variant of the ablation.

    Raises:
        ValueError: no such recipe; the message lists those there are.

    Example:
        >>> from studio.training.recipes import recipe_of
        >>> recipe_of("robust-clip-2021").start
        'clip-2021'
        >>> recipe_of("resnet")
        Traceback (most recent call last):
        ValueError: no recipe 'resnet'; there are: softmax-2014, ...
    """
    recipes = RECIPES | {recipe.card.name: recipe for _, recipe in ABLATION}
    if name not in recipes:
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(recipes)}")
    return recipes[name]

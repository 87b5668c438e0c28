"""Pretrained extractors: recognisers that others trained on photographs of real people.

One of them ships with the book, dlib-2017 (``poisonlib.extractors.names(photographs=True)``). The
weights of the others do not: ``workbench.assets`` says where they come from, and ``python -m
poisonlib assets fetch NAME`` downloads them. Preprocessing is that of each model's authors, except
for the crop: all photographs here are aligned to ArcFace's 112-pixel template, and the cards say
where a model's authors crop wider.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from poisonlib import extractors as shipped
from poisonlib.extractors.base import Extractor, ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card
from workbench import assets
from workbench.extractors.checkpoints import (
    dequantised,
    fill,
    read_pickled,
    read_safetensors,
)


@dataclass(frozen=True)
class Pretrained:
    """How to make an extractor from an asset of the same name.

    Attributes:
        card: its metadata; without a licence, which the manifest states.
        preprocessing: of its authors.
        build: the network with the weights of a file.
        package: that the network's code comes from.
    """

    card: Card
    preprocessing: Preprocessing
    build: Callable[[Path], torch.nn.Module]
    package: str


def facenet(path: Path) -> torch.nn.Module:
    """Inception-ResNet-v1 of facenet-pytorch, ``(n, 3, 160, 160)`` to ``(n, 512)``."""
    from facenet_pytorch import InceptionResnetV1

    weights = read_pickled(path)
    trunk = {name: value for name, value in weights.items() if not name.startswith("logits.")}
    return fill(InceptionResnetV1(pretrained=None), trunk, path.name)


def mobilefacenet(path: Path) -> torch.nn.Module:
    """MobileFaceNet, ``(n, 3, 112, 96)`` to ``(n, 128)``."""
    from workbench.extractors.mobilefacenet import MobileFaceNet

    content = read_pickled(path)
    if "net_state_dict" not in content:
        raise ValueError(f"{path.name} holds no 'net_state_dict', but {', '.join(content)}")
    return fill(MobileFaceNet(), content["net_state_dict"], path.name)


def edgeface(path: Path) -> torch.nn.Module:
    """EdgeFace-XS, ``(n, 3, 112, 112)`` to ``(n, 512)``: timm's EdgeNeXt with another head."""
    import timm

    weights = dequantised(read_pickled(path))
    named = {name.removeprefix("model."): value for name, value in weights.items()}
    return fill(timm.create_model("edgenext_x_small", num_classes=512), named, path.name)


def image_tower(architecture: str, path: Path) -> torch.nn.Module:
    """The image half of a model of open_clip, with the weights of a safetensors file.

    Maps images ``(n, 3, side, side)`` to ``(n, d)`` embeddings. The text half is neither read nor
    given memory.

    Args:
        architecture: name of one of open_clip's model configurations, e.g. ``"ViT-B-16-SigLIP2"``.
        path: a whole model's weights as open_clip saves them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: open_clip has no such configuration, or the weights are damaged or another
            model's.
    """
    import open_clip

    settings = open_clip.get_model_config(architecture)
    if settings is None:
        raise ValueError(f"open_clip has no model configuration {architecture!r}")
    weights = read_safetensors(path, prefix="visual.")
    separate_text = settings.pop("custom_text", False)
    whole = open_clip.CustomTextCLIP if separate_text else open_clip.CLIP
    with torch.device("meta"):
        tower = whole(**settings).visual
    return fill(tower, weights, path.name)


def clip(path: Path) -> torch.nn.Module:
    """OpenAI's CLIP ViT-B/32, ``(n, 3, 224, 224)`` to ``(n, 512)``."""
    return image_tower("ViT-B-32-quickgelu", path)


def siglip2(path: Path) -> torch.nn.Module:
    """SigLIP 2 ViT-B/16, ``(n, 3, 224, 224)`` to ``(n, 768)``."""
    return image_tower("ViT-B-16-SigLIP2", path)


TIGHT = "Its authors crop wider, around MTCNN's box; here its input is ArcFace's crop, enlarged."
WHOLE = "Trained on whole pictures; here its input is ArcFace's crop of the face, enlarged."

PRETRAINED = {
    entry.card.name: entry
    for entry in (
        Pretrained(
            Card(
                name="facenet-casia-2018",
                year=2018,
                architecture="Inception-ResNet-v1",
                loss="softmax",
                data="CASIA-WebFace (10,575 people, 0.5 million photographs)",
                input_size=160,
                embedding_size=512,
                licence="",
                notes=TIGHT,
            ),
            Preprocessing(160, 127.5 / 255, 128 / 255),
            facenet,
            "facenet_pytorch",
        ),
        Pretrained(
            Card(
                name="facenet-vggface2-2018",
                year=2018,
                architecture="Inception-ResNet-v1",
                loss="softmax",
                data="VGGFace2 (8,631 people, 3.1 million photographs)",
                input_size=160,
                embedding_size=512,
                licence="",
                notes=TIGHT,
            ),
            Preprocessing(160, 127.5 / 255, 128 / 255),
            facenet,
            "facenet_pytorch",
        ),
        Pretrained(
            Card(
                name="mobilefacenet-2019",
                year=2019,
                architecture="MobileFaceNet",
                loss="ArcFace",
                data="CASIA-WebFace (10,575 people, 0.5 million photographs)",
                input_size=112,
                embedding_size=128,
                licence="",
                notes="Its input is columns 8 to 104 of the aligned picture, as in training.",
            ),
            Preprocessing(112, 127.5 / 255, 128 / 255, crop=(0, 8, 112, 96)),
            mobilefacenet,
            "torch",
        ),
        Pretrained(
            Card(
                name="clip-vit-b32-openai-2021",
                year=2021,
                architecture="ViT-B/32",
                loss="contrastive, image to text",
                data="400 million image-text pairs from the web",
                input_size=224,
                embedding_size=512,
                licence="",
                notes=WHOLE,
            ),
            Preprocessing(
                224,
                (0.48145466, 0.4578275, 0.40821073),
                (0.26862954, 0.26130258, 0.27577711),
                interpolation="bicubic",
            ),
            clip,
            "open_clip",
        ),
        Pretrained(
            Card(
                name="edgeface-2023",
                year=2023,
                architecture="EdgeFace-XS (EdgeNeXt x-small)",
                loss="margin softmax",
                data="WebFace",
                input_size=112,
                embedding_size=512,
                licence="",
                notes="Its int8 linear layers are computed in float.",
            ),
            Preprocessing(112, 0.5, 0.5),
            edgeface,
            "timm",
        ),
        Pretrained(
            Card(
                name="siglip2-2025",
                year=2025,
                architecture="ViT-B/16",
                loss="pairwise sigmoid, image to text, with captioning and self-distillation",
                data="WebLI (10 billion images with texts)",
                input_size=224,
                embedding_size=768,
                licence="",
                notes=WHOLE,
            ),
            Preprocessing(224, 0.5, 0.5, interpolation="bicubic"),
            siglip2,
            "open_clip",
        ),
    )
}
"""How each pretrained extractor of the asset manifest is built, by name."""


def names() -> tuple[str, ...]:
    """Those of the asset manifest, oldest first, whether they are on this machine or not.

    Example:
        >>> from workbench.extractors import pretrained
        >>> pretrained.names()[:2]
        ('facenet-casia-2018', 'facenet-vggface2-2018')
    """
    return tuple(PRETRAINED)


def available() -> tuple[str, ...]:
    """Those whose weights and packages are on this machine, oldest first."""
    return tuple(name for name in names() if is_available(name))


def is_available(name: str) -> bool:
    """Whether a pretrained extractor's weights and package are on this machine."""
    entry = PRETRAINED[name]
    return importlib.util.find_spec(entry.package) is not None and assets.is_available(name)


def trained_on_photographs() -> tuple[str, ...]:
    """The extractors on this machine that learnt from photographs of real people.

    First those that ship, the adapted ones after the others, then the available pretrained ones.
    All other extractors that ship learnt from rendered people and hardly know real faces.

    Example:
        >>> from workbench import extractors
        >>> extractors.trained_on_photographs()[0]
        'dlib-2017'
    """
    return (*_shipped(photographs=True), *available())


def _shipped(*, photographs: bool) -> tuple[str, ...]:
    return tuple(
        name
        for adapted in (False, True)
        for name in shipped.names(adapted=adapted, photographs=photographs)
    )


def load(name: str) -> Extractor:
    """Load an extractor by name: a pretrained one, or one that ships with poisonlib.

    The weights of pretrained ones must be on this machine (``python -m poisonlib assets``); nothing
    is downloaded here. The same object comes back for the same name: extractors are frozen.

    Raises:
        ValueError: no such name (the message lists those there are), or weights that are damaged
            or another model's.
        FileNotFoundError: weights that are not on this machine; the message says how to get them.
        ModuleNotFoundError: a package is missing.

    Example:
        >>> from workbench import extractors
        >>> extractors.load("arcface-2019").card.year
        2019
        >>> extractors.load("facenet")
        Traceback (most recent call last):
        ValueError: no extractor 'facenet'; there are: softmax-2014, ...
    """
    if name in names():
        return _load_once(name)
    known = (*_shipped(photographs=False), *_shipped(photographs=True))
    if name not in known:
        raise ValueError(f"no extractor {name!r}; there are: {', '.join((*known, *names()))}")
    return shipped.load(name)


@cache
def _load_once(name: str) -> Extractor:
    entry = PRETRAINED[name]
    card = Card(**vars(entry.card) | {"licence": assets.manifest()[name].licence})
    return ModuleExtractor(entry.build(assets.find(name)), card, entry.preprocessing)

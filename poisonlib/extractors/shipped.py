"""The extractors that ship with poisonlib: safetensors files that carry their own card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import torch

from poisonlib import networks
from poisonlib.caching import cache_folder
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.extractors.base import ModuleExtractor, Preprocessing
from poisonlib.extractors.cached import CachedExtractor
from poisonlib.extractors.card import Card

WEIGHTS = Path(str(resources.files("poisonlib") / "data" / "weights"))
PHOTOGRAPHS = WEIGHTS / "photographs"
"""Weights of extractors that learnt from photographs of real people."""
ADAPTED = "adapted-"


def names(*, adapted: bool = False, photographs: bool = False) -> tuple[str, ...]:
    """The shipped extractors, oldest generation first.

    Args:
        adapted: instead, those that an adaptive trainer made of one of them, for which
            ``adapted-`` stands in front of its name.
        photographs: instead of those trained on rendered people, those trained on photographs of
            real ones.

    Example:
        >>> from poisonlib import extractors
        >>> extractors.names()[:3]
        ('softmax-2014', 'triplet-2015', 'cosface-2018')
        >>> extractors.names(adapted=True)
        ('adapted-softmax-2014', 'adapted-arcface-2019')
        >>> extractors.names(photographs=True)
        ('dlib-2017',)
    """
    folder = PHOTOGRAPHS if photographs else WEIGHTS
    files = sorted(folder.glob("*.safetensors"), key=lambda path: (path.stem[-4:], path.stem))
    return tuple(path.stem for path in files if path.stem.startswith(ADAPTED) == adapted)


def load(name: str, *, cached: bool = False) -> ModuleExtractor | CachedExtractor:
    """Load an extractor that ships with the package, e.g. ``load("softmax-2014")``.

    The same object comes back for the same name: extractors are frozen.

    Args:
        name: one of :func:`names`, of whatever kind.
        cached: embed each photograph once and store its embedding on this machine
            (:class:`~poisonlib.extractors.CachedExtractor`). An embedding identifies its person,
            so this is for rendered people.

    Raises:
        ValueError: no such name (the message lists those there are), or damaged weights.

    Example:
        >>> from poisonlib import extractors
        >>> extractor = extractors.load("arcface-2019")
        >>> extractor.card.loss, extractor.card.embedding_size
        ('ArcFace, scale 32, margin 0.4', 128)
        >>> extractors.load("arcface")
        Traceback (most recent call last):
        ValueError: no extractor 'arcface' ships with poisonlib; there are: softmax-2014, ...
    """
    folders = {known: WEIGHTS for known in names() + names(adapted=True)}
    real = names(photographs=True) + names(adapted=True, photographs=True)
    folders |= dict.fromkeys(real, PHOTOGRAPHS)
    if name not in folders:
        raise ValueError(
            f"no extractor {name!r} ships with poisonlib; there are: {', '.join(folders)}. "
            "Train one with python -m poisonlib train NAME, or load one that others have trained "
            "with workbench.extractors.load"
        )
    extractor = _load_once(folders[name] / f"{name}.safetensors")
    return _cached_once(extractor) if cached else extractor


@cache
def _load_once(path: Path) -> ModuleExtractor:
    return read(path)


@cache
def _cached_once(extractor: ModuleExtractor) -> CachedExtractor:
    return CachedExtractor(extractor, folder=cache_folder("embeddings"))


def read(path: Path) -> ModuleExtractor:
    """Read an extractor from a file that :func:`write` wrote. No code is unpickled.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or of an architecture that is not known here.

    Example:
        >>> from poisonlib import extractors
        >>> extractors.write(extractors.load("softmax-2014"), "copy.safetensors")
        >>> extractors.read("copy.safetensors").card.name
        'softmax-2014'
    """
    module, (card, preprocessing) = networks.read(path, _build, kind="extractor", command="train")
    return ModuleExtractor(module, card, preprocessing)


def _build(header: Mapping[str, str]) -> tuple[torch.nn.Module, tuple[Card, Preprocessing]]:
    card = Card.from_json(header["card"])
    preprocessing = Preprocessing(**json.loads(header["preprocessing"]))
    return ARCHITECTURES[header["architecture"]](card.embedding_size), (card, preprocessing)


def write(extractor: ModuleExtractor, path: Path) -> None:
    """Write an extractor as half-precision safetensors with its card inside, in one step.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import extractors
        >>> extractors.write(extractors.load("softmax-2014"), Path("copy.safetensors"))
        >>> Path("copy.safetensors").stat().st_size < 2_000_000  # bytes: half precision
        True
    """
    header = {
        "card": extractor.card.to_json(),
        "architecture": type(extractor.module).__name__,
        "preprocessing": json.dumps(vars(extractor.preprocessing)),
    }
    networks.write(extractor.module, path, header)

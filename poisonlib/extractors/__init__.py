"""Networks that turn a face into a point, behind one protocol."""

from poisonlib.extractors.base import Extractor, ModuleExtractor, Preprocessing, embed
from poisonlib.extractors.cached import CachedExtractor
from poisonlib.extractors.card import Card
from poisonlib.extractors.shipped import load, names, read, write

__all__ = [
    "CachedExtractor",
    "Card",
    "Extractor",
    "ModuleExtractor",
    "Preprocessing",
    "embed",
    "load",
    "names",
    "read",
    "write",
]

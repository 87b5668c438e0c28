"""Networks that turn a face into a point, behind one protocol."""

from poisonlib.extractors import pretrained
from poisonlib.extractors.base import Extractor, ModuleExtractor, Preprocessing, embed
from poisonlib.extractors.card import Card
from poisonlib.extractors.device import OnDevice
from poisonlib.extractors.files import from_file
from poisonlib.extractors.outside import OutsideExtractor
from poisonlib.extractors.shipped import load, names, read, write

__all__ = [
    "Card",
    "Extractor",
    "ModuleExtractor",
    "OnDevice",
    "OutsideExtractor",
    "Preprocessing",
    "embed",
    "from_file",
    "load",
    "names",
    "pretrained",
    "read",
    "write",
]

"""Every extractor there is, by one name."""

from __future__ import annotations

from poisonlib import extractors
from poisonlib.extractors import Extractor
from workbench.extractors import pretrained


def load(name: str) -> Extractor:
    """Load an extractor by name: one that ships with poisonlib, or a pretrained one.

    Pretrained ones, e.g. ``load("facenet-vggface2-2018")``, were trained by others on photographs
    and are not shipped: their weights must be on this machine (``python -m poisonlib assets``).
    Nothing is downloaded here.

    Raises:
        ValueError: no such name (the message lists those there are), or damaged weights.
        FileNotFoundError: weights that are not on this machine; the message says how to get them.
        ModuleNotFoundError: a package is missing.

    Example:
        >>> from workbench import extractors
        >>> extractors.load("arcface-2019").card.year
        2019
    """
    if name in pretrained.names():
        return pretrained.load(name)
    if name not in extractors.names() + extractors.names(adapted=True):
        known = (*extractors.names(), *extractors.names(adapted=True), *pretrained.names())
        raise ValueError(f"no extractor {name!r}; there are: {', '.join(known)}")
    return extractors.load(name)

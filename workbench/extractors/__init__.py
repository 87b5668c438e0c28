"""Extractors of other makers: from files and functions, and pretrained ones."""

from workbench.extractors import pretrained
from workbench.extractors.files import SUFFIXES, from_file
from workbench.extractors.pretrained import load, trained_on_photographs
from workbench.extractors.wrappers import BlackBoxExtractor, OnDevice

__all__ = [
    "BlackBoxExtractor",
    "OnDevice",
    "SUFFIXES",
    "from_file",
    "load",
    "pretrained",
    "trained_on_photographs",
]

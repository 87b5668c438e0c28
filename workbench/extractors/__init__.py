"""Extractors of other makers: from files and functions, and pretrained ones."""

from workbench.extractors import pretrained
from workbench.extractors.black_box import BlackBoxExtractor
from workbench.extractors.by_name import load
from workbench.extractors.device import OnDevice
from workbench.extractors.files import from_file

__all__ = ["BlackBoxExtractor", "OnDevice", "from_file", "load", "pretrained"]

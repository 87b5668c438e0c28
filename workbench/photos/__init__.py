"""Photographs of real people, read from files."""

from workbench.photos.files import FoundPhotos, from_folder, lfw
from workbench.photos.walk import Skipped

__all__ = ["FoundPhotos", "Skipped", "from_folder", "lfw"]

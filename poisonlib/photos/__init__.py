"""Photographs of people: a labelled set of aligned faces, and real ones read from files."""

from poisonlib.photos.files import FoundPhotos, Skipped, from_folder, lfw
from poisonlib.photos.photos import Photos

__all__ = ["FoundPhotos", "Photos", "Skipped", "from_folder", "lfw"]

"""Photographs of people: a labelled set of aligned faces, and real ones read from files."""

from poisonlib.photos.files import FoundPhotos, from_folder, lfw
from poisonlib.photos.photos import Photos
from poisonlib.photos.walk import Skipped

__all__ = ["FoundPhotos", "Photos", "Skipped", "from_folder", "lfw"]

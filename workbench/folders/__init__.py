"""Whole folders of anybody's photographs: cloaked, or paired with what a tool has made of them.

Whatever lies in such a folder, every file is either used or reported with the reason why not. One
photograph at full resolution is in memory at a time, the given folders are only read, and no link
leads out of them.
"""

from workbench.folders.cloaking import CloakedFolder, cloak_folder
from workbench.folders.exclusive import CannotWrite
from workbench.folders.paired import AlignedPair, PairedFaces, aligned, faces_of, read_pairs
from workbench.folders.pairing import Pair, Pairs, pair

__all__ = [
    "AlignedPair",
    "CannotWrite",
    "CloakedFolder",
    "Pair",
    "PairedFaces",
    "Pairs",
    "aligned",
    "cloak_folder",
    "faces_of",
    "pair",
    "read_pairs",
]

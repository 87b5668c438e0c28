"""Whole folders of anybody's photographs: cloaked, or paired with a tool's cloaked copies.

Every file in such a folder is either used or reported with the reason why not. One photograph at
full resolution is in memory at a time, the given folders are only read, and no link out of them is
followed.
"""

from workbench.folders.aligned_pairs import (
    AlignedPair,
    PairedFaces,
    align_pair,
    align_pairs,
    read_pairs,
)
from workbench.folders.cloaking import CannotWrite, CloakedFolder, cloak_folder
from workbench.folders.pairing import Pair, Pairs, pair

__all__ = [
    "AlignedPair",
    "CannotWrite",
    "CloakedFolder",
    "Pair",
    "PairedFaces",
    "Pairs",
    "align_pair",
    "align_pairs",
    "cloak_folder",
    "pair",
    "read_pairs",
]

"""Files too large or not ours to ship: weights of real recognisers, by name.

One manifest says of each where it comes from, its hash, its licence and how it was trained.
:func:`find` looks on this machine and never downloads; :func:`fetch` downloads, and is only called
by ``python -m poisonlib assets fetch NAME``.
"""

from workbench.assets.download import DownloadFailed, fetch
from workbench.assets.locations import (
    DamagedAsset,
    MissingAsset,
    check,
    find,
    is_here,
    place,
)
from workbench.assets.manifest import Asset, manifest

__all__ = [
    "Asset",
    "DamagedAsset",
    "DownloadFailed",
    "MissingAsset",
    "check",
    "fetch",
    "find",
    "is_here",
    "manifest",
    "place",
]

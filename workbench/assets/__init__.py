"""Files that are too large, or under other licences, to ship: weights of pretrained extractors.

One manifest says of each where it comes from, its hash, its licence and how it was trained.
:func:`find` searches this machine and never downloads; :func:`fetch` downloads, and is only called
by ``python -m poisonlib assets fetch NAME``.
"""

from workbench.assets.download import DownloadFailed, fetch
from workbench.assets.files import (
    Asset,
    DamagedAsset,
    MissingAsset,
    check,
    find,
    is_available,
    locate,
    manifest,
)

__all__ = [
    "Asset",
    "DamagedAsset",
    "DownloadFailed",
    "MissingAsset",
    "check",
    "fetch",
    "find",
    "is_available",
    "locate",
    "manifest",
]

"""Where things that can be made again are stored on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """The folder of one kind of cached files: below ``$POISONLIB_CACHE``, or the user's cache.

    The folder need not exist; whatever is in it may be deleted at any time.

    Args:
        kind: of files: ``"assets"``, ``"cloaks"`` or ``"embeddings"``, for example.

    Example:
        >>> import os
        >>> from poisonlib.caching import cache_folder
        >>> os.environ["POISONLIB_CACHE"] = "here"
        >>> cache_folder("cloaks").as_posix()
        'here/cloaks'
    """
    if chosen := os.environ.get("POISONLIB_CACHE"):
        return Path(chosen) / kind
    import platformdirs

    return Path(platformdirs.user_cache_dir("poisonlib")) / kind

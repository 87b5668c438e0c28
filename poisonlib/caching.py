"""What is computed once on a machine: where it lies, and how an array gets there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poisonlib import atomic


def cache_folder(kind: str = "") -> Path:
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


def cached_array(path: Path, compute: Callable[[], NDArray]) -> NDArray:
    """An array from a file, or computed and written there.

    Args:
        path: of the file; its name must depend on all that the array depends on.
        compute: called if the file is missing or damaged.
    """
    with contextlib.suppress(OSError, ValueError, EOFError):
        return np.load(path, allow_pickle=False)
    array = compute()
    # A cache that cannot be written costs time only.
    with contextlib.suppress(OSError), atomic.writing(path) as file:
        np.save(file, array)
    return array

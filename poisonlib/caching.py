"""What is computed once on a machine: where it lies, and how an array gets there.

A cache can only cost time. Where it cannot be written (a full disk, a folder that is read-only or
that is a file), what belongs there is computed again whenever it is needed, and one message in the
log of Python's ``logging`` says so. A damaged entry is computed again and replaced.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poisonlib import atomic

_LOGGER = logging.getLogger(__name__)
_TOLD: set[int | None] = set()
"""The errors that this process has told of."""


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


@contextlib.contextmanager
def only_costs_time() -> Iterator[None]:
    """Go on where a cache cannot be written, and log the reason, once for each.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import atomic
        >>> from poisonlib.caching import only_costs_time
        >>> Path("cache").touch()  # a file where the folder should be
        >>> with only_costs_time():
        ...     atomic.write("cache/entry", b"computed")
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _TOLD:
            _TOLD.add(problem.errno)
            _LOGGER.warning(
                "a cache cannot be written (%s); the work goes on, and what belongs there is "
                "computed again when it is needed. Make room, or name another folder in "
                "POISONLIB_CACHE",
                problem,
            )


def can_write(folder: Path) -> bool:
    """Whether files can be written into a folder, which is made if it is not there.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib.caching import can_write
        >>> can_write(Path("cache"))
        True
    """
    trial = folder / f".can-write{atomic.PARTIAL}"
    try:
        atomic.write(trial, b"")
        trial.unlink()
    except OSError:
        return False
    return True


def cached_array(path: Path, compute: Callable[[], NDArray]) -> NDArray:
    """An array from a file, or computed and written there.

    Args:
        path: of the file; its name must depend on all that the array depends on.
        compute: called if the file is missing or damaged.

    Example:
        >>> from pathlib import Path
        >>> import numpy
        >>> from poisonlib.caching import cached_array
        >>> cached_array(Path("cache/ones.npy"), lambda: numpy.ones(2))
        array([1., 1.])
        >>> cached_array(Path("cache/ones.npy"), lambda: numpy.zeros(2))  # is not called
        array([1., 1.])
    """
    # Of a damaged file numpy may take the beginning for that of another format.
    with contextlib.suppress(OSError, ValueError, EOFError, zipfile.BadZipFile, MemoryError):
        stored = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return stored
    array = compute()
    with only_costs_time(), atomic.writing(path) as file:
        np.save(file, array)
    return array

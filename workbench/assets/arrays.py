"""Arrays that are made once on a machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poisonlib import atomic


def cached_array(path: Path, make: Callable[[], NDArray]) -> NDArray:
    """An array from a file, or made anew and written there.

    Args:
        path: of the file, which depends on all that the array depends on.
        make: called if the file is not there, or is damaged.
    """
    with contextlib.suppress(OSError, ValueError, EOFError):
        return np.load(path, allow_pickle=False)
    made = make()
    # A file that cannot be written only costs time.
    with contextlib.suppress(OSError), atomic.writing(path) as file:
        np.save(file, made)
    return made

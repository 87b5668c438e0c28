"""How the rendering kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable


def compiled(function: Callable) -> Callable:
    """Compile a kernel by numba and cache it on disk.

    Where neither the package's folder nor numba's folder of the user can be written
    (``NUMBA_CACHE_DIR`` names another one), each process compiles it again, in some seconds.
    """
    from numba import njit

    options = {"fastmath": True, "nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no place for the cache; compilation itself comes with the first call
        return njit(**options)(function)

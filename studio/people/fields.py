"""Scalar fields and small vector helpers that the painters and the hair share."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

Array = NDArray[np.floating]


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """An independent random generator for one purpose of one seed.

    Every trait draws from its own stream, so a new trait never shifts the draws of another.

    Args:
        seed: any integer, negative ones included.
        purpose: words and numbers that name what the draws are for.
    """
    key = [seed] + [zlib.crc32(p.encode()) if isinstance(p, str) else int(p) for p in purpose]
    return np.random.default_rng([part & 0xFFFF_FFFF_FFFF_FFFF for part in key])


def smoothstep(start: ArrayLike, stop: ArrayLike, value: ArrayLike) -> Array:
    """Cubic step from 0 at ``start`` to 1 at ``stop``; falls if ``stop < start``."""
    t = np.clip((np.asarray(value) - start) / (np.asarray(stop) - start), 0, 1)
    return t * t * (3 - 2 * t)


def bump(squared: ArrayLike) -> Array:
    """Gaussian bump of a squared distance measured in standard deviations."""
    return np.exp(-0.5 * np.asarray(squared))


def unit(vectors: ArrayLike) -> Array:
    """Vectors ``(..., 3)`` scaled to length one."""
    vectors = np.asarray(vectors)
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)


def tangential(vectors: ArrayLike, normals: Array) -> Array:
    """The part of ``vectors`` that lies in the surface, as unit vectors ``(n, 3)``."""
    vectors = np.broadcast_to(vectors, normals.shape)
    return unit(vectors - (vectors * normals).sum(-1, keepdims=True) * normals)


class ValueNoise:
    """Smooth random field in space: trilinear interpolation of a periodic random lattice."""

    def __init__(self, generator: np.random.Generator, size: int = 32) -> None:
        self._lattice = generator.standard_normal((size, size, size)).astype(np.float32)
        self._offset = generator.uniform(0, size, 3)

    def __call__(self, points: Array, frequency: float) -> Array:
        """Values ``(n,)`` at ``points`` (n, 3), ``frequency`` lattice cells a metre."""
        where = (points * frequency + self._offset).T
        return map_coordinates(self._lattice, where, order=1, mode="grid-wrap")

    def fractal(self, points: Array, frequency: float, octaves: int = 3) -> Array:
        """Sum of octaves, each twice as fine and half as strong as the last."""
        return sum(self(points + 7.1 * i, frequency * 2**i) / 2**i for i in range(octaves))

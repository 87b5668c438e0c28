"""Strands, where they are rooted, and the shell of the head they must not enter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from studio.people.fields import Array


@dataclass(frozen=True)
class Strands:
    """Hair of one kind.

    Attributes:
        kind: ``scalp``, ``brow`` or ``beard``.
        points: ``(s, m, 3)`` float32, root first, on the resting face.
        roots: ``(s, 3)`` fine point indices and `weights` ``(s, 3)`` of each root.
        tuft: ``(s,)`` number of the tuft a strand belongs to.
        width: relative to a rendered pixel, 0 to 1.
        fine: drawn blended rather than opaque.
    """

    kind: str
    points: NDArray
    roots: NDArray
    weights: NDArray
    tuft: NDArray
    width: float
    fine: bool = False

    def rooted(self, values: Array) -> Array:
        """Point values ``(n, k)`` at the roots ``(s, k)``."""
        return np.einsum("sc,sck->sk", self.weights, values[self.roots])


def scatter(
    tris: NDArray, points: Array, mask: Array, count: int, draw: np.random.Generator
) -> tuple[NDArray, Array] | None:
    """Random places on a surface with density ``mask``: corners ``(count, 3)`` and weights.

    Returns None where the mask is empty.
    """
    density = mask[tris].mean(1)
    tris = tris[density > 0.02]
    first, second, third = (points[tris[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1)
    area = area * density[density > 0.02]
    if area.sum() <= 0:
        return None
    chosen = np.searchsorted(np.cumsum(area / area.sum()), draw.random(count))
    u, v = draw.random((2, count))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], 1)
    return tris[np.minimum(chosen, len(tris) - 1)], weights.astype(np.float32)


class Shell:
    """Largest radius of the head in every direction from a centre: what hair lies on."""

    def __init__(self, points: Array, centre: Array, rows: int = 72, columns: int = 144) -> None:
        self.centre, self.rows, self.columns = centre, rows, columns
        radius, row, column, _ = self._polar(points)
        grid = np.zeros((rows, columns))
        cell = np.clip(row.astype(int), 0, rows - 1), column.astype(int) % columns
        np.maximum.at(grid, cell, radius)
        while not grid.all():
            around = np.stack(
                [np.roll(grid, 1, 1), np.roll(grid, -1, 1),
                 np.vstack([grid[:1], grid[:-1]]), np.vstack([grid[1:], grid[-1:]])]
            )  # fmt: skip
            mean = around.sum(0) / np.maximum((around > 0).sum(0), 1)
            grid = np.where(grid == 0, mean, grid)
        self._grid = gaussian_filter(grid, 0.8, mode=["nearest", "wrap"])

    def _polar(self, points: Array) -> tuple[Array, Array, Array, Array]:
        away = points - self.centre
        radius = np.linalg.norm(away, axis=-1) + 1e-9
        row = np.arccos(np.clip(away[..., 2] / radius, -1, 1)) / np.pi * self.rows
        column = (np.arctan2(away[..., 1], away[..., 0]) / (2 * np.pi) + 0.5) * self.columns
        return radius, row, column, away / radius[..., None]

    def __call__(self, points: Array) -> tuple[Array, Array, Array]:
        """Shell radius, own radius and direction of points ``(..., 3)``."""
        radius, row, column, direction = self._polar(points)
        row, column = row - 0.5, column - 0.5
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        a, b = row - top, column - left
        low, high = np.clip(top, 0, self.rows - 1), np.clip(top + 1, 0, self.rows - 1)
        left, right = left % self.columns, (left + 1) % self.columns
        grid = self._grid
        near = grid[low, left] * (1 - b) + grid[low, right] * b
        far = grid[high, left] * (1 - b) + grid[high, right] * b
        return near * (1 - a) + far * a, radius, direction

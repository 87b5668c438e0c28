"""Catmull-Clark subdivision of a quad mesh as one sparse matrix.

E. Catmull and J. Clark, "Recursively generated B-spline surfaces on arbitrary topological
meshes", Computer-Aided Design 10 (1978). Boundary edges become cubic B-spline curves.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray


def _edges(quads: NDArray) -> tuple[NDArray, NDArray]:
    """Unique edges ``(e, 2)`` and, for each quad's four sides, the edge index ``(m, 4)``."""
    sides = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, index = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
    return edges, index.reshape(-1, 4)


def _matrix(values: NDArray, rows: NDArray, columns: NDArray, shape: tuple[int, int]):
    return sparse.csr_matrix((values, (rows, columns)), shape=shape)


def _diagonal(values: NDArray):
    return sparse.diags(np.asarray(values, float))


def split(quads: NDArray, count: int) -> NDArray:
    """The quads ``(4m, 4)`` after one split; points are ordered corners, edges, faces."""
    edges, index = _edges(quads)
    side = count + index
    middle = count + len(edges) + np.arange(len(quads))
    pieces = [np.stack([quads[:, i], side[:, i], middle, side[:, i - 1]], axis=1) for i in range(4)]
    return np.stack(pieces, axis=1).reshape(-1, 4)


def _averages(quads: NDArray, count: int):
    """Matrices that give the quads' centres ``(m, n)`` and the edges' middles ``(e, n)``."""
    edges, index = _edges(quads)
    quad_of_side = np.repeat(np.arange(len(quads)), 4)
    centres = _matrix(np.full(quads.size, 0.25), quad_of_side, quads.ravel(), (len(quads), count))
    edge_of_end = np.repeat(np.arange(len(edges)), 2)
    middles = _matrix(np.full(edges.size, 0.5), edge_of_end, edges.ravel(), (len(edges), count))
    return edges, index, quad_of_side, edge_of_end, centres, middles


def bilinear(quads: NDArray, count: int):
    """Matrix ``(n', n)`` that interpolates values without smoothing (for UV and light)."""
    *_, centres, middles = _averages(quads, count)
    return sparse.vstack([sparse.eye(count), middles, centres]).tocsr()


def catmull_clark(quads: NDArray, count: int):
    """Matrix ``(n', n)`` that takes the points of a quad mesh to those of the smoothed split.

    Args:
        quads: ``(m, 4)`` corner indices in order around each quad.
        count: number of points n.
    """
    edges, index, quad_of_side, edge_of_end, centres, middles = _averages(quads, count)
    sides_of_edge = np.bincount(index.ravel(), minlength=len(edges))
    inner = sides_of_edge == 2
    touching = _matrix(np.ones(quads.size), index.ravel(), quad_of_side, (len(edges), len(quads)))
    edge_points = _diagonal(np.where(inner, 0.5, 1.0)) @ middles
    edge_points = edge_points + _diagonal(np.where(inner, 0.25, 0.0)) @ (touching @ centres)

    valence = np.bincount(edges.ravel(), minlength=count).astype(float)
    quads_at = np.bincount(quads.ravel(), minlength=count).astype(float)
    at_quad = _matrix(np.ones(quads.size), quads.ravel(), quad_of_side, (count, len(quads)))
    at_edge = _matrix(np.ones(edges.size), edges.ravel(), edge_of_end, (count, len(edges)))
    sides = np.maximum(valence, 1)
    mean_centre = _diagonal(1 / np.maximum(quads_at, 1)) @ at_quad @ centres
    mean_middle = _diagonal(1 / sides) @ at_edge @ middles
    smooth = _diagonal(1 / sides) @ mean_centre + _diagonal(2 / sides) @ mean_middle
    smooth = smooth + _diagonal((sides - 3) / sides)

    rim = edges[~inner]
    along = _matrix(
        np.ones(rim.size),
        np.concatenate([rim[:, 0], rim[:, 1]]),
        np.concatenate([rim[:, 1], rim[:, 0]]),
        (count, count),
    )
    on_rim = np.zeros(count, bool)
    on_rim[rim.ravel()] = True
    curve = 0.75 * sparse.eye(count) + 0.125 * along
    loose = valence == 0
    points = _diagonal(~on_rim & ~loose) @ smooth + _diagonal(on_rim & ~loose) @ curve
    points = points + _diagonal(loose)
    return sparse.vstack([points, edge_points, centres]).tocsr()

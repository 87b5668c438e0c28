"""The refined mesh: what does not depend on the character, computed once per process."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from studio.people import head, raster, subdivision
from studio.people.fields import smoothstep

_SPLITS = {
    "body": 2, "left_eye": 2, "right_eye": 2, "upper_teeth": 1, "lower_teeth": 1, "tongue": 1,
}  # fmt: skip
LASHES = ("left_lash_1", "left_lash_2", "right_lash_1", "right_lash_2")


def triangles(quads: NDArray) -> NDArray:
    """Two triangles ``(2m, 3)`` for each quad."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _neighbour_mean(quads: NDArray, count: int):
    """Matrix ``(n, n)`` that replaces each value by the mean over itself and its neighbours."""
    ends = np.concatenate([np.stack([quads[:, i], quads[:, i - 1]], 1) for i in range(4)])
    ends = np.concatenate([ends, ends[:, ::-1]])
    near = sparse.csr_matrix((np.ones(len(ends)), ends.T), shape=(count, count))
    near.data[:] = 1
    near = near + sparse.eye(count)
    return (sparse.diags(1 / np.asarray(near.sum(1)).ravel()) @ near).tocsr().astype(np.float32)


class Mesh:
    """Topology of the head at two resolutions.

    The *coarse* level (one split) carries light, the *fine* level (``splits`` of skin and eyes)
    carries geometry and colour. Points of all parts are stacked; `parts` slices the fine points,
    `faces` the fine triangles, `coarse_parts` the coarse points.

    Attributes:
        rest: ``(n, 3)`` fine points of the average head: the coordinates all painting uses.
        tris, coarse_tris: triangles ``(t, 3)`` int32; `casters` is the part of the coarse ones
            that casts shadows.
        front: indices of the fine skin points of the face; `front_tree` finds them by (x, z).
        lips, ears, eyelids: masks ``(b,)`` on the fine skin points; `mouth` is boolean.
        lid, upper_lid: closeness to the rim of the eyelids ``(b,)``.
        azimuth: angle in degrees from straight ahead of each fine skin point, 0 to 180.
        landmarks: fine point index of nose tip and mouth corners.
    """

    def __init__(self, model: head.Head, splits: int = 2) -> None:
        self.head = model
        self._splits = {part: min(splits, count) for part, count in _SPLITS.items()}
        self._refine()
        self.skin_count = self.parts["body"].stop
        self.rest = self.fine(self.coarse(model.template))
        skin = self.rest[: self.skin_count]
        self._masks()
        x, y, z = skin.T
        self.azimuth = np.degrees(np.arctan2(np.abs(x), -(y + 0.045)))
        facing = raster.normals(self.rest, self.tris)[: self.skin_count, 1]
        face = (y < -0.09) & (z > 0.6) & ~self.mouth & (facing < 0.25)
        self.front = np.flatnonzero(face)
        self.front_tree = cKDTree(skin[self.front][:, [0, 2]])
        places = {
            "nose": (0, -0.1678, 0.6925),
            "left_mouth": (0.02506, -0.1429, 0.6614),
            "right_mouth": (-0.02506, -0.1429, 0.6614),
        }
        self.landmarks = {
            name: int(np.argmin(((skin - place) ** 2).sum(1))) for name, place in places.items()
        }
        self.lashes = [triangles(model.quads[name]) for name in LASHES]

    def coarse(self, points: NDArray) -> NDArray:
        """Model points ``(m, 3)`` to coarse points ``(c, 3)`` float32."""
        return self._to_coarse @ points

    def fine(self, coarse: NDArray) -> NDArray:
        """Coarse points to fine points ``(n, 3)`` float32."""
        return self._to_fine @ coarse

    def spread(self, values: NDArray) -> NDArray:
        """Values ``(c, k)`` on the coarse points interpolated to the fine points ``(n, k)``."""
        return self._spread @ values

    def smooth(self, values: NDArray, times: int = 1) -> NDArray:
        """Neighbour means of values on the coarse skin ``(s, ...)``, repeated."""
        for _ in range(times):
            values = self._coarse_mean @ values
        return values

    def _refine(self) -> None:
        model = self.head
        to_coarse, to_fine, spread = [], [], []
        tris, coarse_tris = [], []
        self.parts: dict[str, slice] = {}
        self.coarse_parts: dict[str, slice] = {}
        self.faces: dict[str, slice] = {}
        fine = coarse = faces = 0
        for part, levels in self._splits.items():
            used, quads = np.unique(model.quads[part], return_inverse=True)
            quads = quads.reshape(-1, 4)
            pick = sparse.csr_matrix(
                (np.ones(len(used)), (np.arange(len(used)), used)),
                shape=(len(used), len(model.template)),
            )
            once = (subdivision.catmull_clark(quads, len(used)) @ pick).tocsr()
            first = subdivision.split(quads, len(used))
            count = once.shape[0]
            if levels == 2:
                again = subdivision.catmull_clark(first, count)
                between = subdivision.bilinear(first, count)
                last = subdivision.split(first, count)
            else:
                again = between = sparse.eye(count).tocsr()
                last = first
            to_coarse.append(once)
            to_fine.append(again)
            spread.append(between)
            coarse_tris.append(triangles(first) + coarse)
            tris.append(triangles(last) + fine)
            self.parts[part] = slice(fine, fine + again.shape[0])
            self.coarse_parts[part] = slice(coarse, coarse + count)
            self.faces[part] = slice(faces, faces + 2 * len(last))
            fine, coarse, faces = fine + again.shape[0], coarse + count, faces + 2 * len(last)
            if part == "body":
                self._coarse_mean = _neighbour_mean(first, count)
                self._fine_mean = _neighbour_mean(last, again.shape[0])
                self._uv = self._texture_coordinates(quads, last)
        self._to_coarse = sparse.vstack(to_coarse).tocsr().astype(np.float32)
        self._to_fine = sparse.block_diag(to_fine).tocsr().astype(np.float32)
        self._spread = sparse.block_diag(spread).tocsr().astype(np.float32)
        self.tris = np.concatenate(tris).astype(np.int32)
        self.coarse_tris = np.concatenate(coarse_tris).astype(np.int32)
        height = self.coarse(model.template)[self.coarse_tris].mean(1)[:, 2]
        self.casters = self.coarse_tris[height > 0.56]

    def _texture_coordinates(self, quads: NDArray, last: NDArray) -> NDArray:
        """UV ``(b, 2)`` of the fine skin points, bilinear over each quad."""
        uv, uv_quads = self.head.uv, self.head.uv_quads["body"]
        for _ in range(self._splits["body"]):
            count = len(uv)
            uv = subdivision.bilinear(uv_quads, count) @ uv
            uv_quads = subdivision.split(uv_quads, count)
        result = np.zeros((last.max() + 1, 2), np.float32)
        result[last.ravel()] = uv[uv_quads.ravel()]
        return result

    def _masks(self) -> None:
        painted = {}
        for name, texture in self.head.masks.items():
            size = texture.shape[0]
            column = np.clip((self._uv[:, 0] * size).astype(int), 0, size - 1)
            row = np.clip(((1 - self._uv[:, 1]) * size).astype(int), 0, size - 1)
            painted[name] = texture[row, column].astype(np.float32) / 255
        self.lips, self.ears, self.eyelids = painted["lips"], painted["ears"], painted["eyelids"]
        wide = self._splits["body"] == 2  # half the splits, twice the edges: fewer means
        for _ in range(2 if wide else 1):
            self.lips = self._fine_mean @ self.lips
        for _ in range(6 if wide else 2):
            self.ears = self._fine_mean @ self.ears
        self.mouth = (painted["inside-mouth"] > 0.3) & (self.lips < 0.2)
        skin = self.rest[: self.skin_count]
        self.lid = np.zeros(self.skin_count)
        self.upper_lid = np.zeros(self.skin_count)
        for eye in ("left_eye", "right_eye"):
            centre = self.rest[self.parts[eye]].mean(0)
            away = np.linalg.norm(skin - centre, axis=1)
            rim = np.exp(-0.5 * ((away - 0.0153) / 0.00055) ** 2)
            rim *= skin[:, 1] < centre[1] - 0.006
            rim *= smoothstep(0.0215, 0.0195, np.abs(skin[:, 0] - centre[0]))
            outer = np.maximum(np.abs(skin[:, 0]) - 0.036, 0)
            above = skin[:, 2] > centre[2] + 0.0015 - 0.02 * outer
            self.lid = np.maximum(self.lid, rim)
            self.upper_lid = np.maximum(self.upper_lid, rim * above)


@lru_cache(maxsize=2)
def load(splits: int = 2) -> Mesh:
    """The refined mesh of the head model (a second or two, then cached)."""
    return Mesh(head.load(), splits)

"""The compiled kernels on triangles and strands small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="rendering needs the extra `people`")

from studio.people import raster, shading  # noqa: E402

SIDE = 16


def canvas():
    depth = np.full((SIDE, SIDE), 1e9, np.float32)
    index = np.full((SIDE, SIDE), -1, np.int32)
    return depth, index, np.zeros((SIDE, SIDE, 2), np.float32)


def test_the_nearer_triangle_wins_whatever_the_order():
    screen = np.array(
        [[0, 0, 2], [0, 16, 2], [16, 0, 2], [0, 0, 1], [0, 8, 1], [8, 0, 1]], np.float32
    )
    far, near = [0, 1, 2], [3, 4, 5]
    for order, winner in (([far, near], 1), ([near, far], 0)):
        depth, index, corners = canvas()
        raster.fill(screen, np.array(order, np.int32), 0, depth, index, corners)
        assert index[1, 1] == winner and depth[1, 1] == 1
        assert index[10, 3] == 1 - winner
        assert index[15, 15] == -1


def test_triangles_turned_away_are_left_out():
    screen = np.array([[0, 0, 1], [0, 16, 1], [16, 0, 1]], np.float32)
    for tris, seen in (([[0, 1, 2]], True), ([[0, 2, 1]], False)):
        depth, index, corners = canvas()
        raster.fill(screen, np.array(tris, np.int32), -1, depth, index, corners)
        assert (index >= 0).any() == seen


def test_gathered_values_are_linear_over_a_triangle():
    screen = np.array([[0, 0, 1], [0, 16, 1], [16, 0, 1]], np.float32)
    tris = np.array([[0, 1, 2]], np.int32)
    depth, index, corners = canvas()
    raster.fill(screen, tris, 0, depth, index, corners)
    rows, columns = np.nonzero(index >= 0)
    out = np.empty((len(rows), 2), np.float32)
    raster.gather(index, corners, tris, screen[:, :2].copy(), rows, columns, out)
    np.testing.assert_allclose(out[:, 0], columns + 0.5, atol=1e-4)
    np.testing.assert_allclose(out[:, 1], rows + 0.5, atol=1e-4)


def test_normals_of_a_flat_sheet():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    tris = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    np.testing.assert_allclose(raster.normals(points, tris), np.tile([0, 0, 1], (4, 1)), atol=1e-6)


def test_strands_hide_behind_nearer_depth():
    strand = np.array([[[1, 8, 1], [15, 8, 1]]], np.float32)
    colour = np.ones((1, 2, 3), np.float32)
    for wall, seen in ((2.0, True), (0.5, False)):
        depth = np.full((SIDE, SIDE), wall, np.float32)
        picture = np.zeros((SIDE, SIDE, 3), np.float32)
        raster.strands(strand, colour, np.ones(2, np.float32), 1, depth, picture)
        assert (picture[8].max() == 1) == seen
        picture[8] = 0
        assert picture.max() == 0


def test_a_blocked_direction_brings_no_light():
    normal = np.array([[0, 0, 1]], np.float32)
    directions = np.array([[0, 0], [0, 0], [1, -1]], np.float32)
    radiance = np.ones((3, 2), np.float32)
    lobes = np.array([[0.5, 0.5]], np.float32)
    for seen, irradiance, share in (([255, 255], 1, 1), ([0, 255], 0, 0.5), ([255, 0], 1, 0.5)):
        out = np.zeros((1, 4), np.float32)
        seen = np.array([seen], np.uint8)
        shading.irradiance(normal, seen, directions, radiance, lobes, out)
        np.testing.assert_allclose(out[0], [irradiance] * 3 + [share], atol=1e-5)


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch) -> None:
    """As in a package folder and a home that cannot be written."""
    import numba.core.caching

    from studio.people.compiled import compiled

    monkeypatch.setattr(numba.core.caching.FunctionCache, "_impl_class", Nowhere)
    assert compiled(lambda x: x + 1)(1) == 2


class Nowhere:
    def __init__(self, function) -> None:
        raise RuntimeError("cannot cache function: no locator available")

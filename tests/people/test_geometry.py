"""Alignment and subdivision against what they must do by definition."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from poisonlib.alignment import TEMPLATE, align, similarity
from studio.people import subdivision

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_QUADS = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def test_similarity_recovers_a_known_one():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = 1.7 * TEMPLATE @ turn.T + [5, -9]
    scale, rotation, shift = similarity(TEMPLATE, target)
    assert scale == pytest.approx(1.7)
    np.testing.assert_allclose(rotation, turn, atol=1e-9)
    np.testing.assert_allclose(shift, [5, -9], atol=1e-9)


def test_similarity_never_mirrors():
    mirrored = TEMPLATE * [-1, 1]
    assert np.linalg.det(similarity(mirrored, TEMPLATE)[1]) == pytest.approx(1)


def test_similarity_says_what_it_needs():
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        similarity(TEMPLATE[:, :1], TEMPLATE)


def test_alignment_brings_landmarks_to_the_template():
    marks = (TEMPLATE - 56) * 1.4 @ np.array([[0.97, -0.2], [0.2, 0.97]]) + 112
    image = np.zeros((224, 224, 3), np.uint8)
    for x, y in marks:
        row, column = np.mgrid[0:224, 0:224]
        dot = (column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 < 16
        image[dot] = 255
    aligned = align(image, marks)
    assert aligned.shape == (112, 112, 3) and aligned.dtype == np.uint8
    for x, y in TEMPLATE:
        assert aligned[int(y), int(x)].min() > 200
    centre = np.asarray(Image.fromarray(aligned).convert("L"), float)
    assert centre[:30].max() < 50


def test_a_cube_is_smoothed_as_catmull_and_clark_say():
    matrix = subdivision.catmull_clark(CUBE_QUADS, 8)
    points = matrix @ CUBE
    quads = subdivision.split(CUBE_QUADS, 8)
    assert points.shape == (8 + 12 + 6, 3) and quads.shape == (24, 4)
    # A corner of valence 3 goes to (mean of face centres + 2 mean of edge middles) / 3.
    np.testing.assert_allclose(points[0], np.full(3, (1 / 3 + 2 * 1 / 6) / 3), atol=1e-12)
    np.testing.assert_allclose(np.asarray(matrix.sum(1)).ravel(), 1)
    sides = {
        tuple(sorted(side)) for quad in quads for side in zip(quad, np.roll(quad, 1), strict=True)
    }
    assert len(points) - len(sides) + len(quads) == 2  # Euler: still a closed ball


def test_an_open_sheet_keeps_its_plane_and_its_rim_curves():
    quads = np.array([[0, 1, 3, 2]])
    sheet = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]], float)
    points = subdivision.catmull_clark(quads, 4) @ sheet
    assert set(points[:, 2]) == {1.0}
    np.testing.assert_allclose(points[0, :2], [0.125, 0.125])
    flat = subdivision.bilinear(quads, 4) @ sheet
    np.testing.assert_allclose(flat[:4], sheet)
    np.testing.assert_allclose(flat[-1], [0.5, 0.5, 1])

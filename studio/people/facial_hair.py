"""Eyebrows and beard as strands."""

from __future__ import annotations

import numpy as np

from studio.people.fields import Array, stream, tangential, unit
from studio.people.mesh import Mesh
from studio.people.skin import brow_curve
from studio.people.strands import Strands, scatter
from studio.people.traits import Identity


def brows(mesh: Mesh, person: Identity, points: Array, normals: Array) -> Strands:
    """Both eyebrows: hairs that turn from upright at the nose to lying at the tail."""
    draw = stream(person.seed, "brow strands")
    form = person.brows
    count = int(1000 * form.density)
    along = draw.beta(1.1, 1.2, count)
    side = draw.choice([-1.0, 1.0], count)
    middle, thickness = brow_curve(form, along)
    x = side * (form.gap + along * form.length)
    z = middle + thickness * np.clip(draw.normal(-0.05, 0.40, count), -0.85, 0.85)
    _, nearest = mesh.front_tree.query(np.stack([x, z], 1))
    root = mesh.front[nearest]
    normal = normals[root].astype(np.float64)
    shift = np.stack([x - mesh.rest[root, 0], 0 * x, z - mesh.rest[root, 2]], 1)
    shift -= (shift * normal).sum(1, keepdims=True) * normal
    place = points[root] + shift + 0.0003 * normal
    upward = np.clip(1 - 2.2 * along, -0.35, 1) + np.where(z > middle, -0.25, 0.3)
    outward = side * (1 - 0.75 * np.clip(1 - 3.5 * along, 0, 1))
    heading = np.stack([outward, 0 * along, 0.75 * upward], 1)
    heading += 0.22 * draw.standard_normal((count, 3))
    heading -= (heading * normal).sum(1, keepdims=True) * normal
    heading = unit(heading + 0.16 * normal)
    length = 0.8 * form.hair_length * draw.uniform(0.6, 1.1, count) * (1 - 0.35 * along)
    t = np.linspace(0, 1, 5)[None, :, None]
    reach = length[:, None, None]
    strands = place[:, None] + reach * (t * heading[:, None] - 0.22 * t**2 * normal[:, None])
    return Strands(
        kind="brow",
        points=strands.astype(np.float32),
        roots=np.repeat(root[:, None], 3, axis=1),
        weights=np.tile(np.float32([1, 0, 0]), (count, 1)),
        tuft=np.arange(count),
        width=0.22,
        fine=True,
    )


_COUNTS = {"stubble": 9000, "moustache": 1700, "goatee": 2800, "full": 9000, "long": 10000}
_LENGTHS = {"stubble": 0.0022, "moustache": 0.010, "goatee": 0.012, "full": 0.013, "long": 0.030}


def beard(
    mesh: Mesh,
    person: Identity,
    points: Array,
    normals: Array,
    region: Array,
    *,
    share: float = 1.0,
) -> Strands | None:
    """Beard strands on ``region`` (b,), None where nothing but a shadow grows.

    Args:
        points, normals: ``(n, 3)`` fine points of the resting face.
        share: of the strands that are grown, each so much thicker.
    """
    kind = person.beard.kind
    if kind not in _COUNTS:
        return None
    draw = stream(person.seed, "beard strands")
    count = int(share * _COUNTS[kind] * person.beard.density)
    found = scatter(mesh.tris[mesh.faces["body"]], points, region, count, draw)
    if found is None:
        return None
    roots, weights = found
    place = np.einsum("sc,sck->sk", weights, points[roots]).astype(np.float64)
    normal = unit(np.einsum("sc,sck->sk", weights, normals[roots]).astype(np.float64))
    x, _, z = np.einsum("sc,sck->sk", weights, mesh.rest[roots]).T
    moustache = (z > 0.664) & (np.abs(x) < 0.036)
    sideways = np.sign(x) * np.where(moustache, 0.9, 0.25)
    down = np.where(moustache, -0.55, -1.0)
    heading = np.stack([sideways, np.full(count, -0.15), down], 1)
    heading = tangential(heading + 0.3 * draw.standard_normal((count, 3)), normal)
    heading = unit(heading + (0.8 if kind == "stubble" else 0.55) * normal)
    length = _LENGTHS[kind] * (0.5 + person.beard.length) * draw.uniform(0.5, 1.1, count)
    length = np.where(moustache, np.minimum(length, 0.011), length)[:, None, None]
    t = np.linspace(0, 1, 6)[None, :, None]
    bend = np.array([0, 0, -0.35]) + 0.15 * draw.standard_normal((count, 3))
    strands = place[:, None] + length * (t * heading[:, None] + t**2 * bend[:, None])
    return Strands(
        kind="beard",
        points=strands.astype(np.float32),
        roots=roots,
        weights=weights,
        tuft=np.arange(count),
        width=min(1.0, (0.25 if kind == "stubble" else 0.5) / share),
        fine=True,
    )

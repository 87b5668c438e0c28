"""Light: how much of each direction reaches each point, and what arrives from there.

Visibility is computed once for a character in as many directions as the detail asks for (the head's
own shadow and that of the hair, which lets some through); any number of lightings then only weigh
those directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from studio.people import raster, shading
from studio.people.circumstances import Lighting
from studio.people.detail import Detail
from studio.people.fields import Array
from studio.people.mesh import Mesh
from studio.people.strands import Strands

_SPAN, _CENTRE = 0.40, np.array([0, -0.03, 0.725])
KEY_STEP = 5
"""Hair visibility is kept at every fifth joint of a strand."""


@lru_cache
def directions(count: int) -> NDArray:
    """Unit vectors ``(count, 3)`` float32, even over the sphere (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    turn = np.pi * (1 + 5**0.5) * i
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], 1).astype(np.float32)


@dataclass(frozen=True)
class Visibility:
    """Share of light let through, 0..255.

    Attributes:
        skin: ``(c, d)`` uint8 on the coarse points.
        openness: ``(c,)`` float32, 1 where half of all directions are free.
        hair: ``(s * keys, d)`` uint8 at the strands' keys, or None.
    """

    skin: NDArray
    openness: NDArray
    hair: NDArray | None


def visibility(mesh: Mesh, coarse: Array, scalp: Strands | None, detail: Detail) -> Visibility:
    """Cast shadows of a character at rest from every direction.

    Args:
        coarse: ``(c, 3)`` coarse points.
        scalp: the scalp hair, None if there is none.
    """
    side, step = detail.shadow_side, detail.caster_step
    skin = np.zeros((len(coarse), detail.directions), np.uint8)
    hair = casters = keys = None
    if scalp is not None:
        casters = np.ascontiguousarray(scalp.points[::step, ::step])
        keys = np.ascontiguousarray(scalp.points[:, ::KEY_STEP]).reshape(-1, 3)
        hair = np.zeros((len(keys), detail.directions), np.uint8)
    for number, direction in enumerate(directions(detail.directions)):
        frame = _frame(direction, side)
        solid = np.full((side, side), 1e9, np.float32)
        raster.shadow_depth(coarse, mesh.casters, frame, solid)
        veil = solid
        if scalp is not None:
            veil = solid.copy()
            raster.strand_depth(casters, frame, 0.6, number + 1, veil)
            raster.seen_from(keys, frame, solid, veil, -1.0, 0.0015, 0.007, number, hair)
        through = 0.004 if scalp is not None else -1.0
        raster.seen_from(coarse, frame, solid, veil, 0.0035, through, 0.012, number, skin)
    openness = np.minimum(1, skin.mean(1) / 255 * 2).astype(np.float32)
    return Visibility(skin, openness, hair)


def _frame(direction: Array, side: int) -> NDArray:
    """Affine map ``(3, 4)`` to the shadow picture of a parallel light."""
    helper = np.array([0, 0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0, 0])
    across = np.cross(helper, direction)
    across /= np.linalg.norm(across)
    upward = np.cross(direction, across)
    scale = side / _SPAN
    rows = np.stack([across * scale, upward * scale, -direction])
    shift = np.array([side / 2, side / 2, 0]) - rows @ _CENTRE
    return np.concatenate([rows, shift[:, None]], 1).astype(np.float32)


@dataclass(frozen=True)
class Field:
    """One lighting as seen from the head.

    Attributes:
        total: ``(3, d)`` irradiance that each direction brings, ambient and lights.
        ambient: ``(3, d)`` the ambient part.
        lobes: ``(l, d)`` share of each light in each direction.
        toward: ``(l, 3)`` directions of the lights in the head's frame.
        power: ``(l, 3)`` linear RGB.
        width: ``(l,)`` radians.
        sky, ground: ``(3,)`` linear RGB seen in reflections.
    """

    total: NDArray
    ambient: NDArray
    lobes: NDArray
    toward: NDArray
    power: NDArray
    width: NDArray
    sky: NDArray
    ground: NDArray


def field(lighting: Lighting, rotation: Array, draw: np.random.Generator, count: int) -> Field:
    """Weigh ``count`` directions for one lighting.

    Args:
        rotation: ``(3, 3)``, takes the head's frame to the camera's.
    """
    seen = directions(count) @ rotation.T.astype(np.float32)
    sky, ground = np.array(lighting.sky), np.array(lighting.ground)
    upward = 0.5 + 0.5 * seen[:, 2:3]
    ambient = ground * (1 - upward) + sky * upward
    waves = sum(
        draw.standard_normal() * np.cos(2 * (seen * draw.standard_normal(3)).sum(1) + phase)
        for phase in draw.uniform(0, 6, 5)
    )
    ambient = ambient * np.exp(lighting.unevenness * waves / 2)[:, None] * 4 / count
    toward = np.array([light.direction for light in lighting.lights])
    width = np.radians([light.width for light in lighting.lights])
    power = np.array([light.strength * np.array(light.tint) for light in lighting.lights])
    closeness = (seen[None] * toward[:, None]).sum(-1)
    lobes = np.exp((closeness - 1) / width[:, None] ** 2)
    lobes /= lobes.sum(1, keepdims=True)
    total = ambient + (lobes[:, :, None] * power[:, None]).sum(0)
    single = np.float32
    return Field(
        total=np.ascontiguousarray(total.T, single),
        ambient=np.ascontiguousarray(ambient.T, single),
        lobes=lobes.astype(single),
        toward=(toward[:, None] * rotation.T[None]).sum(-1).astype(single),
        power=power.astype(single),
        width=width.astype(single),
        sky=sky.astype(single),
        ground=ground.astype(single),
    )


def received(mesh: Mesh, seen: Visibility, normals: Array, light: Field) -> NDArray:
    """Light on the fine points ``(n, 3 + l + 1)``: irradiance, each light's share, openness.

    Irradiance is blurred over the skin, red furthest, which stands in for light that enters
    the skin and leaves elsewhere.
    """
    lights = len(light.lobes)
    values = np.zeros((len(normals), 4 + lights), np.float32)
    toward = directions(seen.skin.shape[1]).T.copy()
    shading.irradiance(normals, seen.skin, toward, light.total, light.lobes, values)
    skin = slice(0, mesh.coarse_parts["body"].stop)
    near = mesh.smooth(values[skin, :3])
    further = mesh.smooth(near)
    red = mesh.smooth(further[:, :1].copy(), 4)
    diffused = np.concatenate([red, further[:, 1:2], near[:, 2:]], 1)
    values[skin, :3] = 0.25 * values[skin, :3] + 0.75 * diffused
    values[:, 3 + lights] = seen.openness
    return mesh.spread(values)

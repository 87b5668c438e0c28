"""Skin, lips, brows' ground, make-up and stubble shadow, painted on the mesh.

All fields are functions of the average head's coordinates (metres; x to the character's left,
-y forward, z up: eyes near z = 0.73, mouth near 0.66), so that they move with the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from studio.people.fields import Array, ValueNoise, bump, smoothstep, stream
from studio.people.mesh import Mesh
from studio.people.traits import Beard, Brows, Identity


@dataclass(frozen=True)
class Paint:
    """Materials of the fine skin points.

    Attributes:
        albedo: ``(b, 3)`` linear RGB.
        gloss: ``(b,)`` factor on specular reflection.
        relief: ``(b, 3)`` added to the normals (pores, fine lines).
    """

    albedo: Array
    gloss: Array
    relief: Array


def paint(mesh: Mesh, person: Identity, beard: dict[str, Array]) -> Paint:
    """Paint one character's skin; `beard` holds the regions of `beard_regions`."""
    draw = stream(person.seed, "paint")
    noise = ValueNoise(draw)
    points = mesh.rest[: mesh.skin_count].astype(np.float64)
    base = np.array(person.skin.base)
    albedo = np.tile(base, (len(points), 1))
    albedo *= _blood(mesh, person, points, noise)
    albedo *= _melanin(person, points, noise)
    albedo *= _wrinkles(person, points, noise)
    albedo *= _freckles(mesh, person, points, draw)
    albedo = _moles(mesh, person, points, albedo)
    albedo, lips = _lips(mesh, person, points, albedo, noise)
    albedo = _eye_makeup(mesh, person, points, albedo)
    brows = brow_mask(mesh, person.brows) * np.clip(0.5 * person.brows.density, 0, 0.75)
    ground = 0.85 * brow_colour(person) + 0.12 * base
    albedo = _over(albedo, ground, brows)
    albedo[mesh.mouth] = (0.26, 0.075, 0.06)
    albedo = _stubble_shadow(person, points, albedo, beard["shadow"], noise)
    pores = ValueNoise(stream(person.seed, "pores"))
    gloss = 1 + 0.7 * lips
    gloss *= 1 + 0.5 * _spot(points, 0, 0.700, 0.022, 0.012)
    gloss *= 1 + 0.35 * _spot(points, 0, 0.785, 0.035, 0.018)
    gloss *= np.clip(0.9 + 0.35 * pores(points, 420) + 0.2 * pores(points, 60), 0.25, 1.6)
    relief = np.stack(
        [pores(points + 0.5 * i, 420) + 0.7 * pores(points + 0.3 * i, 190) for i in range(3)], 1
    )
    rough = (0.055 + 0.05 * person.skin.wrinkles) * (1 - 0.6 * np.clip(mesh.lips, 0, 1))
    relief *= rough[:, None]
    return Paint(albedo.clip(0.004, 0.95), gloss * person.skin.shine, relief)


def _front(points: Array) -> Array:
    return smoothstep(-0.06, -0.10, points[:, 1])


def _spot(points: Array, x: float, z: float, width: float, height: float) -> Array:
    """Soft spot on the face, mirrored left and right."""
    side = np.abs(points[:, 0])
    return bump(((side - x) / width) ** 2 + ((points[:, 2] - z) / height) ** 2) * _front(points)


def _over(under: Array, colour: Array, cover: Array) -> Array:
    """Blend a colour over an albedo with coverage ``(n,)``."""
    return under * (1 - cover[:, None]) + cover[:, None] * colour


def _blood(mesh: Mesh, person: Identity, points: Array, noise: ValueNoise) -> Array:
    """Redness of cheeks, nose, ears, chin and eyelids."""
    skin = person.skin
    red = 0.9 * skin.blush * _spot(points, 0.043, 0.690, 0.020, 0.020)
    red += 0.75 * _spot(points, 0, 0.693, 0.013, 0.013)
    red += 0.35 * _spot(points, 0, 0.630, 0.020, 0.012)
    red += 0.9 * mesh.ears + 0.35 * mesh.eyelids
    red += skin.mottling * (0.28 * noise.fractal(points, 90) + 0.24 * noise.fractal(points, 25, 2))
    red -= 0.35 * _spot(points, 0, 0.790, 0.050, 0.020)
    strength = 0.16 * red * (1 - 0.55 * skin.melanin)
    return np.exp(strength[:, None] * [0.12, -1.35, -1.05])


def _melanin(person: Identity, points: Array, noise: ValueNoise) -> Array:
    """Mottling, dark circles and the fold beside the nose."""
    skin = person.skin
    dark = 0.055 * noise.fractal(points, 150) + 0.05 * noise.fractal(points, 18, 2) * skin.mottling
    circles = 0.9 * _spot(points, 0.029, 0.715, 0.014, 0.0055)
    circles += 0.6 * _spot(points, 0.016, 0.727, 0.006, 0.008)
    circles += 0.5 * _spot(points, 0.031, 0.741, 0.018, 0.006)
    dark += 0.34 * skin.dark_circles * circles * (0.6 + 0.6 * skin.melanin)
    dark -= 0.08 * skin.melanin * _spot(points, 0, 0.700, 0.030, 0.030)
    crease = 0.0225 + 0.35 * (0.690 - points[:, 2])
    fold = bump(((np.abs(points[:, 0]) - crease) / 0.0035) ** 2)
    fold *= bump(((points[:, 2] - 0.678) / 0.014) ** 2) * _front(points)
    dark += 0.10 * fold * (0.5 + skin.wrinkles)
    return np.exp(-dark[:, None] * [0.75, 1.0, 1.15])


def _wrinkles(person: Identity, points: Array, noise: ValueNoise) -> Array:
    """Lines of forehead, eyes and frown as thin dark strokes."""
    amount = person.skin.wrinkles
    if amount < 0.05:
        return np.ones((len(points), 3))
    x, _, z = points.T
    side, front = np.abs(x), _front(points)
    waver = 0.0015 * noise(points, 40)
    forehead = sum(
        bump(((z - (level + 0.0025 * np.sin(60 * x + i) + waver)) / 0.0011) ** 2)
        for i, level in enumerate((0.772, 0.782, 0.791))
    ) * smoothstep(0.045, 0.02, side)
    corner = sum(
        bump((((z - 0.727) - (side - 0.05) * slope) / 0.0009) ** 2) for slope in (-0.55, -0.1, 0.35)
    )
    corner = corner * smoothstep(0.049, 0.053, side) * smoothstep(0.066, 0.058, side)
    below = bump(((z - (0.7135 - 12.5 * (side - 0.03) ** 2)) / 0.0009) ** 2)
    below *= smoothstep(0.018, 0.022, side) * smoothstep(0.046, 0.042, side)
    frown = bump(((side - 0.0045) / 0.0009) ** 2) * bump(((z - 0.748) / 0.006) ** 2)
    lines = amount * front * (0.16 * forehead + 0.22 * corner + 0.20 * below + 0.20 * frown)
    return np.exp(-lines[:, None] * [0.8, 1, 1])


def _freckles(mesh: Mesh, person: Identity, points: Array, draw: np.random.Generator) -> Array:
    amount = person.skin.freckles
    result = np.ones((len(points), 3))
    if amount < 0.05:
        return result
    count = int(60 + 420 * amount)
    wanted = np.stack([draw.normal(0, 0.036, count), draw.normal(0.70, 0.022, count)], 1)
    _, nearest = mesh.front_tree.query(wanted)
    face = points[mesh.front]
    away, which = cKDTree(face[nearest]).query(face)
    radius = draw.uniform(0.0005, 0.0011, count)[which]
    depth = amount * draw.uniform(0.1, 0.6, count)[which] * bump((away / radius) ** 2)
    result[mesh.front] = np.exp(-depth[:, None] * [0.35, 0.75, 1.0])
    return result


def _moles(mesh: Mesh, person: Identity, points: Array, albedo: Array) -> Array:
    dark = np.array(person.skin.base) * [0.28, 0.20, 0.18]
    for x, z, radius, darkness in person.skin.moles:
        _, nearest = mesh.front_tree.query([x, z])
        centre = mesh.front[nearest]
        if mesh.lips[centre] > 0.1:
            continue
        away = np.linalg.norm(points - points[centre], axis=1)
        albedo = _over(albedo, dark, darkness * smoothstep(1.5 * radius, 0.6 * radius, away))
    return albedo


def _lips(mesh: Mesh, person: Identity, points: Array, albedo: Array, noise: ValueNoise):
    """Lips with lipstick, and the line between them."""
    melanin, tone = person.skin.melanin, person.makeup.lip_tone
    cover = smoothstep(0.15, 0.75, mesh.lips)
    redder = 1 - np.array([0.12, 0.42 - 0.12 * melanin, 0.36 - 0.10 * melanin]) * tone
    lips = np.array(person.skin.base) ** (0.88 + 0.10 * melanin) * redder * (0.95 - 0.10 * melanin)
    creases = np.exp(0.10 * noise(points * [3, 1, 0.5], 160))[:, None]
    stick = np.array(person.makeup.lipstick) * np.exp(0.06 * noise(points, 120))[:, None]
    strength = person.makeup.lipstick_strength
    albedo = _over(albedo, lips * creases * (1 - strength) + stick * strength, cover)
    line = bump(((points[:, 2] - 0.6612) / 0.0012) ** 2) * _front(points)
    line *= smoothstep(0.029, 0.024, np.abs(points[:, 0]))
    return albedo * np.exp(-0.45 * line)[:, None], cover


def _eye_makeup(mesh: Mesh, person: Identity, points: Array, albedo: Array) -> Array:
    """Eye shadow, eyeliner and the dark rim that lashes give the lids."""
    makeup, lashes = person.makeup, person.eyes.lashes
    shadow = makeup.shadow_strength * _spot(points, 0.032, 0.7375, 0.014, 0.0045)
    albedo = _over(albedo, 0.6 * np.array(person.skin.base) * makeup.shadow, shadow)
    albedo *= (1 - 0.25 * makeup.eyeliner * smoothstep(0.3, 0.9, mesh.eyelids))[:, None]
    upper = mesh.upper_lid * (0.6 + 0.7 * lashes + 0.7 * makeup.eyeliner)
    albedo *= np.exp(-np.clip(upper, 0, 2.2))[:, None]
    lower = mesh.lid * (1 - np.clip(mesh.upper_lid, 0, 1)) * (0.25 + 0.5 * makeup.eyeliner)
    return albedo * np.exp(-lower[:, None] * [0.6, 0.9, 0.8])


def _stubble_shadow(
    person: Identity, points: Array, albedo: Array, region: Array, noise: ValueNoise
) -> Array:
    """The grey-brown cast of cut hair under the skin."""
    base, colour = np.array(person.skin.base), person.hair.colour
    by_kind = {"none": 0.12 * person.beard.shadow, "shadow": 0.36, "stubble": 0.48,
               "moustache": 0.25, "goatee": 0.3, "full": 0.65, "long": 0.7}  # fmt: skip
    darker = float(np.clip((base.mean() - colour.mean()) / base.mean(), 0, 1))
    amount = by_kind[person.beard.kind] * region * (0.35 + 0.65 * (1 - person.skin.melanin))
    amount *= min(1.5, 0.4 + 1.2 * darker) * (1 + 0.25 * noise.fractal(points, 220, 2))
    return _over(albedo, 0.25 * base + 0.6 * colour + [0.0, 0.003, 0.005], np.clip(amount, 0, 0.85))


def brow_colour(person: Identity) -> Array:
    """Linear RGB ``(3,)`` of the eyebrows."""
    return person.hair.colour * (0.45 + 0.55 * (1 - person.brows.darkness))


def brow_curve(brows: Brows, along: Array) -> tuple[Array, Array]:
    """Height (m) and half thickness (m) of a brow at ``along``: 0 at the nose, 1 at the tail."""
    arc = np.sin(np.pi * np.clip(along / 0.95, 0, 1) ** 1.2)
    drop = np.clip((along - 0.62) / 0.38, 0, 1) ** 1.5
    height = 0.7475 + brows.rise + brows.tilt * (along - 0.5) * 2
    height = height + (0.0040 + brows.arch) * arc - 0.0035 * drop
    thin = 1 - 0.78 * smoothstep(brows.taper, 1.05, along)
    return height, brows.thickness * (0.75 + 0.25 * smoothstep(0, 0.2, along)) * thin


def brow_mask(mesh: Mesh, brows: Brows) -> Array:
    """Where the brows darken the skin ``(b,)``."""
    points = mesh.rest[: mesh.skin_count].astype(np.float64)
    along = (np.abs(points[:, 0]) - brows.gap) / brows.length
    height, thickness = brow_curve(brows, np.clip(along, 0, 1))
    away = points[:, 2] - height
    mask = np.exp(-((away / (0.62 * thickness)) ** 2)) * (np.abs(away) < 0.02)
    ends = smoothstep(-0.06, 0.08, along) * smoothstep(1.08, 0.93, along)
    return mask * ends * (points[:, 1] < -0.08)


def beard_regions(mesh: Mesh, seed: int, beard: Beard) -> dict[str, Array]:
    """Masks ``(b,)``: `shadow`, where a beard could grow, and `grown`, where this one does."""
    noise = ValueNoise(stream(seed, "beard region"))
    points = mesh.rest[: mesh.skin_count].astype(np.float64)
    x, y, z = points.T
    side = np.abs(x)
    cheek = np.array([0, 0.006, 0.010, 0.006, 0, 0]) * beard.cheek
    edge = np.array([0.640, 0.655, 0.672, 0.692, 0.715, 0.740]) + cheek
    line = np.interp(side, [0, 0.028, 0.045, 0.058, 0.066, 0.075], edge)
    line = line + 0.003 * noise.fractal(points, 70, 2)
    bottom = 0.012 * beard.low
    jaw = smoothstep(-0.003, 0.004, line - z) * smoothstep(0.600 - bottom, 0.616 - bottom, z)
    jaw *= (y < -0.055) * smoothstep(-0.048, -0.062, y)
    jaw *= 1 - 0.75 * bump(((side - 0.016) / 0.007) ** 2 + ((z - 0.6475) / 0.004) ** 2)
    upper = bump(((z - (0.6755 - 0.12 * np.maximum(side - 0.012, 0))) / 0.0048) ** 2)
    upper = upper * smoothstep(0.033, 0.027, side) * (y < -0.135) * 1.2
    upper = np.clip(upper, 0, 1) * (z < 0.6835)
    chin = smoothstep(0.030, 0.022, side) * smoothstep(0.653, 0.647, z)
    chin *= smoothstep(0.600, 0.612, z) * (y < -0.10)
    link = bump(((side - 0.031) / 0.005) ** 2 + ((z - 0.655) / 0.014) ** 2) * (y < -0.12)
    skin = (1 - smoothstep(0.05, 0.3, mesh.lips)) * ~mesh.mouth
    full = np.clip(np.maximum.reduce([jaw, upper, 0.8 * link]), 0, 1) * skin
    grown = {"none": 0 * full, "moustache": upper * skin}
    grown["goatee"] = np.maximum.reduce([chin, upper, link]) * skin
    return {"shadow": full, "grown": grown.get(beard.kind, full)}

"""Scalp hair: where it grows, and the growing of its strands (styles: `hairstyles`)."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from studio.people.fields import Array, ValueNoise, bump, smoothstep, stream, tangential, unit
from studio.people.hairstyles import CROPPED, Cut, Scalp, cut_for
from studio.people.mesh import Mesh
from studio.people.strands import Shell, Strands, scatter
from studio.people.traits import Hair, Identity

_LINE_ANGLE = [0, 18, 32, 42, 50, 57, 63, 69, 74, 79, 83, 87, 92, 100, 112, 122, 145, 180]
_LINE_HEIGHT = [0.800, 0.799, 0.796, 0.790, 0.782, 0.771, 0.761, 0.748, 0.722, 0.708, 0.708, 0.733,
                0.747, 0.748, 0.738, 0.705, 0.665, 0.655]  # fmt: skip
_TUFTS = 600
_JOINTS = 16


def scalp_mask(mesh: Mesh, person: Identity) -> Array:
    """Where scalp hair grows on the fine skin points ``(b,)``, 0 to 1."""
    noise = ValueNoise(stream(person.seed, "hairline"))
    points = mesh.rest[: mesh.skin_count].astype(np.float64)
    x, y, z = points.T
    hair, angle = person.hair, mesh.azimuth
    line = np.interp(angle, _LINE_ANGLE, _LINE_HEIGHT) + hair.line * smoothstep(75, 50, angle)
    line += 0.020 * hair.recession * bump(((angle - 42) / 16) ** 2)
    line += 0.010 * hair.recession * smoothstep(60, 30, angle)
    line -= 0.008 * hair.peak * bump((angle / 9) ** 2)
    if not person.shape.masculine:
        line += 0.014 * bump(((angle - 76) / 6) ** 2)
    mask = smoothstep(-0.005, 0.005, z - line + 0.0026 * noise.fractal(points, 150, 2))
    mask *= 1 - smoothstep(0.2, 0.6, mesh.ears)
    if hair.style == "bald":
        mask *= (1 - smoothstep(0.775, 0.79, z)) * smoothstep(55, 72, angle)
    elif hair.recession > 0.7:
        thin = bump((x / 0.05) ** 2 + ((y - 0.01) / 0.05) ** 2) * smoothstep(0.80, 0.83, z)
        mask *= 1 - 0.8 * smoothstep(0.7, 1.1, hair.recession) * thin
    return mask


def grow(
    mesh: Mesh,
    person: Identity,
    points: Array,
    normals: Array,
    mask: Array,
    *,
    share: float = 1.0,
) -> Strands | None:
    """Grow the scalp hair of one character, None for a shaved head.

    Args:
        points, normals: ``(n, 3)`` fine points of the resting face.
        mask: from `scalp_mask`.
        share: of the strands that are grown, each so much thicker.
    """
    hair = person.hair
    if hair.style == "shaved":
        return None
    draw = stream(person.seed, "scalp")
    count = int(share * {"buzz": 15000, "bald": 9000}.get(hair.style, 17000))
    skin = points[: mesh.skin_count]
    found = scatter(mesh.tris[mesh.faces["body"]], points, mask, count, draw)
    if found is None:
        return None
    roots, weights = found
    centre = np.array([0, skin[mesh.front, 1].min() + 0.125, skin[:, 2].max() - 0.085])
    shell = Shell(skin, centre)
    scalp = _scalp(mesh, person, points, normals, roots, weights, shell)
    cut = cut_for(hair, scalp, draw)

    guides = draw.choice(count, _TUFTS, replace=False)
    _, tuft = cKDTree(scalp.place[guides]).query(scalp.place)
    strands = _step(cut, hair, scalp, shell, tuft, draw)
    if cut.clump > 0 and hair.style not in CROPPED:
        strands = _gather(strands, guides, tuft, cut.clump)
    if np.any(np.asarray(cut.curl) > 0):
        strands = _wind(strands, cut, hair, shell, tuft, draw)
    keep = _clear_of_face(strands, cut, centre, skin[:, 2].max(), draw)
    return Strands(
        kind="scalp",
        points=strands[keep].astype(np.float32),
        roots=roots[keep],
        weights=weights[keep],
        tuft=tuft[keep],
        width=min(1.0, {"buzz": 0.35, "bald": 0.3, "tied": 0.7}.get(hair.style, 0.62) / share),
    )


def _scalp(mesh, person, points, normals, roots, weights, shell) -> Scalp:
    place = np.einsum("sc,sck->sk", weights, points[roots]).astype(np.float64)
    normal = unit(np.einsum("sc,sck->sk", weights, normals[roots]).astype(np.float64))
    rest = np.einsum("sc,sck->sk", weights, mesh.rest[roots]).astype(np.float64)
    x, y, z = rest.T
    normal = unit(0.4 * normal + 0.6 * shell(place)[2])
    crown = np.array([person.hair.crown[0], 0.015 + person.hair.crown[1], shell.centre[2] + 0.095])
    outward = np.where(x > person.hair.parting, 1.0, -1.0)
    zero = np.zeros(len(x))
    toward = {
        "away": tangential(place - crown, normal),
        "side": tangential(np.stack([outward, zero, zero - 0.15], 1), normal),
        "back": tangential([0, 1.0, -0.05], normal),
        "forward": tangential([0, -1.0, -0.1], normal),
        "down": tangential([0, 0, -1.0], normal),
    }
    top = smoothstep(0.765, 0.80, z)
    return Scalp(place, normal, x, top, smoothstep(-0.03, -0.09, y) * top, toward)


def _step(cut: Cut, hair: Hair, scalp: Scalp, shell: Shell, tuft, draw) -> Array:
    """Grow strands ``(s, 16, 3)`` step by step: stiffness, comb, gravity, contact with the head."""
    count = len(scalp.x)
    jitter = 0.10 * hair.frizz * cut.jitter if cut.jitter < 4 else 0.5
    lift = np.broadcast_to(cut.lift, (count,))[:, None]
    heading = cut.comb * (1 - 0.75 * np.minimum(lift, 1)) + lift * scalp.normal
    heading += jitter * draw.standard_normal((count, 3))
    heading = unit(heading + 0.22 * hair.clump * draw.standard_normal((_TUFTS, 3))[tuft])
    knot = np.array([0, shell.centre[1] + 0.115, shell.centre[2] + 0.01])
    stride = (cut.length / (_JOINTS - 1))[:, None]
    strands = np.zeros((count, _JOINTS, 3))
    strands[:, 0] = place = scalp.place
    for joint in range(1, _JOINTS):
        if cut.tied:
            heading = unit(0.55 * heading + 0.5 * unit(knot - place))
        else:
            heading = heading + np.array([0, 0, -cut.gravity]) + 0.06 * cut.comb
            if cut.parted and joint > 1:
                heading = heading + _off_the_face(place, shell.centre, cut.fringe)
            heading = unit(heading + 0.10 * jitter * draw.standard_normal((count, 3)))
        place = place + stride * heading
        radius, own, outward = shell(place)
        gap = np.minimum(cut.offset, 4 * joint / (_JOINTS - 1) * cut.offset + 0.0006)
        push = np.maximum(radius + gap - own, 0) * smoothstep(-0.80, -0.62, outward[:, 2])
        push = np.minimum(push, 0.6 * stride[:, 0] + 0.002)  # the shoulders are not a springboard
        place = place + push[:, None] * outward
        inward = (heading * outward).sum(1, keepdims=True)
        touching = (push[:, None] > 0) & (inward < 0)
        heading = np.where(touching, unit(heading - 0.95 * inward * outward), heading)
        strands[:, joint] = place
    return strands


def _off_the_face(place: Array, centre: Array, fringe: Array | None) -> Array:
    """Sideways and backward pull on strands that hang before the face."""
    around = np.degrees(np.arctan2(np.abs(place[:, 0]), -(place[:, 1] - centre[1] + 0.02)))
    amount = smoothstep(66, 40, around) * smoothstep(0.045, 0.02, place[:, 2] - centre[2])
    if fringe is not None:
        amount = amount * ~fringe
    pull = np.stack([np.sign(place[:, 0]), np.full(len(place), 0.55), np.zeros(len(place))], 1)
    return 0.55 * amount[:, None] * pull


def _gather(strands: Array, guides, tuft, clump: float) -> Array:
    """Draw the tips of each tuft together around its guide strand."""
    along = np.linspace(0, 1, strands.shape[1])[None, :, None]
    guide = strands[guides][tuft]
    beside = strands[:, :1] - guide[:, :1]
    return strands + 0.75 * clump * along**0.9 * (guide + beside * (1 - 0.85 * along) - strands)


def _wind(strands: Array, cut: Cut, hair: Hair, shell: Shell, tuft, draw) -> Array:
    """Wind strands into waves or curls, kept outside the head."""
    count, joints = strands.shape[:2]
    along = np.linspace(0, 1, joints)[None]
    phase = draw.uniform(0, 2 * np.pi, _TUFTS)[tuft][:, None]
    phase = phase + 0.8 * hair.frizz * draw.standard_normal((count, 1))
    heading = unit(np.gradient(strands, axis=1))
    across = unit(np.cross(heading, [0.01, 0.01, 1.01]))
    other = np.cross(heading, across)
    turns = np.broadcast_to(cut.turns, (count,))[:, None]
    angle = phase + 2 * np.pi * turns * along
    size = (cut.curl * np.minimum(1, 3 * along))[..., None]
    around = np.cos(angle)[..., None] * across + np.sin(angle)[..., None] * other
    strands = strands + size * around
    radius, own, outward = shell(strands)
    push = np.maximum(radius + 0.0004 - own, 0) * smoothstep(-0.80, -0.62, outward[..., 2])
    push[:, 0] = 0
    return strands + push[..., None] * outward


def _clear_of_face(strands: Array, cut: Cut, centre, top: float, draw) -> Array:
    """Which strands to keep: few may hang before the face."""
    if not cut.parted:
        return np.ones(len(strands), bool)
    x, y, z = np.moveaxis(strands, -1, 0)
    before = (np.abs(x) < 0.052) & (y < centre[1] - 0.055) & (z < top - 0.085) & (z > top - 0.23)
    share = before.mean(1)
    keep = (share < 0.08) | (draw.random(len(strands)) < 0.01)
    if cut.fringe is not None:
        keep |= cut.fringe & (share < 0.5)
    return keep

"""The eyeballs: sclera, patterned iris, pupil, and the wet highlight of the cornea."""

from __future__ import annotations

import numpy as np

from studio.people.camera import View
from studio.people.circumstances import Pose
from studio.people.fields import Array, smoothstep, stream, unit
from studio.people.light import Field
from studio.people.traits import Identity

_FAR_SIDE, _FAR_UP = np.radians([22, 9])
_SCLERA = np.array([0.50, 0.465, 0.44])


def axis(centre: Array, pose: Pose, view: View) -> Array:
    """Unit vector ``(3,)`` where an eye at ``centre`` looks, in the head's frame."""
    aim = np.array([0.0, -1.0, 0.0])
    if pose.at_camera:
        aim = unit(view.place - centre)
    sideways = np.clip(np.arctan2(aim[0], -aim[1]), -_FAR_SIDE, _FAR_SIDE) + pose.gaze[0]
    upward = np.clip(np.arcsin(aim[2]), -_FAR_UP, _FAR_UP) + pose.gaze[1]
    level = np.cos(upward)
    return np.array([np.sin(sideways) * level, -np.cos(sideways) * level, np.sin(upward)])


def shade(
    pixels: Array, ball: Array, person: Identity, pose: Pose, light: Field, view: View
) -> Array:
    """Colours ``(p, 3)`` of one eye's pixels.

    Args:
        pixels: ``(p, 14 + l)`` as for `shading.skin`.
        ball: ``(k, 3)`` points of the eyeball.
    """
    lights = len(light.lobes)
    centre = ball.mean(0)
    radius = np.median(np.linalg.norm(ball - centre, axis=1))
    look = axis(centre, pose, view)
    outward = pixels[:, 9:12] - centre
    direction = unit(outward)
    cosine = direction @ look
    angle = np.arccos(np.clip(cosine, -1, 1))
    edge = person.eyes.iris_radius
    pupil = edge * person.eyes.pupil
    iris = _iris(direction, look, angle, person, pupil)
    corner = smoothstep(0.35, 0.75, np.abs(outward[:, 0]) / radius)[:, None]
    white = _SCLERA * (1 - np.array([0.05, 0.26, 0.26]) * corner)
    in_iris = smoothstep(edge + 0.025, edge - 0.02, angle)[:, None]
    in_pupil = smoothstep(pupil + 0.03, pupil - 0.03, angle)[:, None]
    surface = (white * (1 - in_iris) + iris * in_iris) * (1 - in_pupil) + 0.004 * in_pupil
    openness = np.clip(1.9 * pixels[:, 13 + lights], 0, 1)[:, None]
    colours = surface * pixels[:, :3] * (0.5 + 0.5 * openness)

    normal = unit(direction + 0.45 * in_iris * (direction - look * cosine[:, None]))
    toward_lens = unit(view.place - pixels[:, 9:12])
    shares = np.clip(1.6 * pixels[:, 12 : 12 + lights], 0, 1)
    return colours + _wet(normal, toward_lens, shares, light, view) * (0.2 + 0.8 * openness)


def _iris(direction: Array, look: Array, angle: Array, person: Identity, pupil: float) -> Array:
    """Radial fibres, a lighter ring round the pupil and a dark rim."""
    draw = stream(person.seed, "iris")
    first = unit(np.cross(look, [0, 0, 1.0]))
    second = np.cross(first, look)
    turn = np.arctan2(direction @ second, direction @ first)
    phases, counts = draw.uniform(0, 2 * np.pi, 6), draw.integers(7, 40, 6)
    fibres = np.cos(turn[:, None] * counts + phases).mean(1)
    edge = person.eyes.iris_radius
    along = np.clip((angle - pupil) / (edge - pupil), 0, 1)
    tone = (1 + 0.35 * fibres) * (1.25 - 0.35 * along) * (1 - 0.65 * smoothstep(0.78, 1, along))
    return 0.6 * np.array(person.eyes.iris) * tone[:, None]


def _wet(normal: Array, lens: Array, shares: Array, light: Field, view: View) -> Array:
    """Reflection of the lights and of the surround in the tear film."""
    facing = np.clip((normal * lens).sum(1), 0.05, 1)
    result = np.zeros_like(normal)
    for j, toward in enumerate(light.toward):
        half = unit(toward + lens)
        alpha = 0.12**4 + 0.0625 * light.width[j] ** 2
        lobe = alpha / (((normal * half).sum(1) ** 2 * (alpha - 1) + 1) ** 2)
        fresnel = 0.035 + 0.965 * (1 - (lens * half).sum(1)) ** 5
        lit = np.clip(normal @ toward, 0, 1)
        strength = 0.25 * lobe * fresnel * lit / ((0.75 * lit + 0.25) * (0.75 * facing + 0.25))
        result += (strength * shares[:, j])[:, None] * light.power[j]
    mirror = 2 * facing[:, None] * normal - lens
    upward = ((mirror * view.rotation[2]).sum(1) * 0.5 + 0.5)[:, None]
    sheen = (0.035 + 0.965 * (1 - facing) ** 5) * 0.12
    result += (light.ground * (1 - upward) ** 2 + light.sky * upward**2) * sheen[:, None]
    return np.minimum(1.2 * result, 2.5)

"""The camera: projection and framing, the background, and development of the raw picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from poisonlib.alignment import TEMPLATE, similarity
from studio.people.circumstances import Camera, Pose
from studio.people.detail import PACKAGED, Detail
from studio.people.fields import Array

_PIVOT = np.array([0, -0.06, 0.715], np.float32)


def rotation(pose: Pose) -> NDArray:
    """Matrix ``(3, 3)`` float32 from the head's frame to the camera's: turn, nod, tilt."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    turn = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    nod = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    tilt = [[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]]
    return (np.array(tilt) @ np.array(nod) @ np.array(turn)).astype(np.float32)


@dataclass(frozen=True)
class View:
    """Projection of the head's frame to an oversampled picture.

    Attributes:
        rotation: ``(3, 3)``. distance: metres from the pivot to the lens.
        scale: pixels for a unit of x/depth. shift: ``(2,)`` pixels.
        side: side of the oversampled picture.
    """

    rotation: NDArray
    distance: np.float32
    scale: np.float32
    shift: NDArray
    side: int

    pivot = _PIVOT

    @property
    def place(self) -> NDArray:
        """The lens ``(3,)`` in the head's frame."""
        return self.rotation.T @ np.array([0, -self.distance, 0], np.float32) + self.pivot

    def project(self, points: Array) -> NDArray:
        """Screen points ``(n, 3)`` float32: x, y in pixels and depth in metres."""
        moved = np.asarray(points, np.float32) - self.pivot
        x, y, z = (moved * row for row in self.rotation[:, None])
        depth = y.sum(1) + self.distance
        screen = np.stack([x.sum(1) / depth, -z.sum(1) / depth, depth], 1)
        screen[:, :2] = screen[:, :2] * self.scale + self.shift
        return screen


def frame(pose: Pose, camera: Camera, landmarks: Array, detail: Detail) -> View:
    """Aim the camera so that the five landmarks ``(5, 3)`` fall near their usual places."""
    side = detail.side * detail.oversampling
    turned = rotation(pose)
    bare = View(turned, np.float32(camera.distance), np.float32(1), np.zeros(2, np.float32), side)
    flat = bare.project(landmarks)[:, :2].astype(np.float64)
    goal = (TEMPLATE - 56) * side / (112 * detail.around) * camera.scale
    goal = goal + side / 2 + np.array([camera.shift[0], camera.shift[1] - 0.02]) * side
    scale, _, _ = similarity(flat, goal)
    shift = goal.mean(0) - scale * flat.mean(0)
    return View(turned, bare.distance, np.float32(scale), shift.astype(np.float32), side)


def background(draw: np.random.Generator, side: int) -> NDArray:
    """A defocused room, wall or street ``(side, side, 3)`` float32, linear RGB."""
    size = 112
    tone = np.exp(draw.uniform(-2.8, -0.5) + 0.10 * draw.standard_normal(3))
    kind = draw.choice(["wall", "shapes", "lights", "clouds"])
    row, column = np.mgrid[0:size, 0:size] / size
    slope = draw.uniform(-1, 1, 2) * draw.uniform(0.2, 1.5)
    shade = np.exp(slope[0] * (column - 0.5) + slope[1] * (row - 0.5))
    picture = shade[..., None] * tone
    if kind != "wall":
        for _ in range(draw.integers(2, 14)):
            left, top = draw.uniform(-0.2, 1, 2)
            width, height = draw.uniform(0.05, 0.6, 2)
            inside = (column > left) & (column < left + width) & (row > top) & (row < top + height)
            picture[inside] = tone * np.exp(draw.normal(0, 0.6) + draw.normal(0, 0.14, 3))
    if kind == "lights":
        for _ in range(draw.integers(5, 30)):
            colour = np.exp(draw.uniform(-2, 0.6) + draw.normal(0, 0.18, 3))
            x, y = draw.uniform(0, 1, 2)
            disc = (column - x) ** 2 + (row - y) ** 2 < draw.uniform(0.02, 0.10) ** 2
            picture[disc] = 0.5 * picture[disc] + 0.5 * colour
    if kind == "clouds":
        rough = draw.standard_normal((size, size))
        picture *= np.exp(8 * gaussian_filter(rough, draw.uniform(4, 10)))[..., None]
    spread = draw.uniform(1, 7)
    picture = np.clip(gaussian_filter(picture, [spread, spread, 0]), 0, 1.5).astype(np.float32)
    channels = (Image.fromarray(picture[..., channel]) for channel in range(3))
    return np.stack([np.asarray(c.resize((side, side), Image.BICUBIC)) for c in channels], -1)


def develop(
    raw: NDArray,
    face: NDArray,
    tone: float,
    cast: Array,
    camera: Camera,
    draw: np.random.Generator,
    detail: Detail,
) -> NDArray:
    """Raw light to an 8-bit picture.

    Args:
        raw: ``(k * side, k * side, 3)`` linear light; face: boolean mask of the same size.
        tone: mean albedo of the skin, for the exposure: dark skin is exposed darker, though less
            than its albedo says, as cameras do.
        cast: ``(3,)`` colour of the light on the face, partly corrected.

    Returns:
        ``(side, side, 3)`` uint8.
    """
    side, k = detail.side, detail.oversampling
    picture = _binned(raw, k)
    shown = _binned(face.astype(np.float32), k) > 0.5
    bright = picture[shown] @ np.array([0.21, 0.72, 0.07], np.float32)
    level = float(np.exp(np.log(bright + 1e-3).mean())) if len(bright) else 0.2
    gain = 0.20 * (tone / 0.3) ** 0.42 / level * camera.exposure
    balance = (cast.mean() / cast) ** camera.balance * np.array(camera.white_balance)
    row, column = np.mgrid[0:side, 0:side] / side - 0.5
    corners = 1 - 1.6 * camera.vignette * (row**2 + column**2)
    picture = picture * (gain * balance) * corners[..., None]
    blur = camera.blur * (side / detail.around) / (PACKAGED.side / PACKAGED.around)
    if blur > 0.1:
        picture = gaussian_filter(picture, [blur, blur, 0])
    grey = picture.mean(-1, keepdims=True)
    light = 1.05 * np.clip(grey + camera.saturation * (picture - grey), 0, None)
    light = np.clip(1.25 * light * (1 + light / 6) / (1 + 0.62 * light), 0, 1)
    tone_curve = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    tone_curve = tone_curve - 0.12 * (camera.contrast - 1) * np.sin(2 * np.pi * tone_curve)
    noise = draw.standard_normal(tone_curve.shape) * camera.noise * (1.2 - tone_curve)
    return (np.clip(tone_curve + noise, 0, 1) * 255 + 0.5).astype(np.uint8)


def _binned(values: NDArray, k: int) -> NDArray:
    """Means over squares of ``k`` by ``k`` pixels; five times as fast as a mean over two axes."""
    return sum(values[i::k, j::k] for i in range(k) for j in range(k)) / np.float32(k * k)

"""The records that say how one photograph was taken; `nuisance` draws them."""

from __future__ import annotations

from dataclasses import dataclass

from studio.people.palette import Colour

Settings = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Pose:
    """Head turn in degrees (yaw, pitch, roll) and gaze.

    Attributes:
        at_camera: whether the eyes look into the lens.
        gaze: ``(sideways, up)`` in radians, added to where the eyes look.
    """

    yaw: float
    pitch: float
    roll: float
    at_camera: bool
    gaze: tuple[float, float]


@dataclass(frozen=True)
class Expression:
    """A named expression and its facial actions (ARKit-like names, about 0 to 1)."""

    name: str
    actions: Settings


@dataclass(frozen=True)
class Light:
    """One soft light.

    Attributes:
        direction: unit vector towards the light; x right, y away from the camera, z up.
        strength: irradiance on a surface that faces it.
        width: angular standard deviation in degrees.
        tint: linear RGB factor.
    """

    direction: tuple[float, float, float]
    strength: float
    width: float
    tint: Colour


@dataclass(frozen=True)
class Lighting:
    """A named situation: lights, the sky and ground around, and how uneven the surround is."""

    name: str
    lights: tuple[Light, ...]
    sky: Colour
    ground: Colour
    unevenness: float


@dataclass(frozen=True)
class Camera:
    """Lens, framing, sensor and file.

    Attributes:
        distance: metres to the head; near means strong perspective.
        shift: framing error in fractions of the picture.
        scale: framing factor, about 1.
        exposure: factor on the picture, about 1.
        white_balance: factor on each channel left over; `balance` is the share corrected.
        contrast, saturation: about 1. `vignette`: 0 to 0.35. `blur`: pixels of a 224 picture.
        noise: standard deviation in [0, 1] units.
        quality: JPEG quality.
    """

    distance: float
    shift: tuple[float, float]
    scale: float
    exposure: float
    white_balance: Colour
    balance: float
    contrast: float
    saturation: float
    vignette: float
    blur: float
    noise: float
    quality: int


@dataclass(frozen=True)
class Clothing:
    """Top: colour, collar colour, cut (0 round, 1 round V, 2 V) and height of the collar (m).

    `worn` is False where no clothing shows.
    """

    worn: bool
    colour: Colour
    trim: Colour
    cut: int
    height: float


@dataclass(frozen=True)
class Nuisance:
    """One photograph's circumstances, drawn by `sample`.

    `glasses_on` says whether a character who owns glasses wears them.
    """

    person: int
    photograph: int
    pose: Pose
    expression: Expression
    lighting: Lighting
    camera: Camera
    clothing: Clothing
    glasses_on: bool

"""The records that say who a rendered character is; `identity` draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.people.palette import Colour

Settings = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Shape:
    """Form of the head.

    Attributes:
        age: Anny's age scale, in [0.7, 1]: adults only.
        masculinity: 0 to 1, Anny's gender scale.
        lineage: mixing weights of the head model's three base forms; sum to 1.
        muscle, weight, proportion: Anny's phenotypes, 0 to 1.
        measurements: signed face measurements in [-1, 1] by name (`proportions`).
        extras: outline and asymmetry targets in [0, 1] by name.
    """

    age: float
    masculinity: float
    lineage: tuple[float, float, float]
    muscle: float
    weight: float
    proportion: float
    measurements: Settings
    extras: Settings

    @property
    def masculine(self) -> bool:
        """Whether grooming (beard, styles) follows the masculine half of the scale."""
        return self.masculinity >= 0.5


@dataclass(frozen=True)
class Skin:
    """Colour and surface of the skin.

    Attributes:
        base: linear RGB albedo.
        melanin: 0 (lightest) to 1 (darkest).
        mottling, dark_circles, blush, freckles, wrinkles: strengths, about 0 to 1.
        shine: factor on the specular reflection, about 1.
        roughness: of the microfacet reflection, about 0.45.
        moles: ``(x, z, radius, darkness)`` each, metres in the model's frame.
    """

    base: Colour
    melanin: float
    mottling: float
    dark_circles: float
    blush: float
    freckles: float
    wrinkles: float
    shine: float
    roughness: float
    moles: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Brows:
    """Eyebrows; lengths in metres, `density`, `darkness` and `taper` relative."""

    thickness: float
    arch: float
    rise: float
    gap: float
    length: float
    density: float
    tilt: float
    darkness: float
    hair_length: float
    taper: float


@dataclass(frozen=True)
class Eyes:
    """Iris colour (linear RGB), angular radii of iris and pupil share, lash strength."""

    colour_name: str
    iris: Colour
    iris_radius: float
    pupil: float
    lashes: float


@dataclass(frozen=True)
class Hair:
    """Scalp hair.

    Attributes:
        style: one of `STYLES`.
        colour_name: of the pigment, from `palette.HAIR`.
        pigment, grey_colour: linear RGB.
        grey: share of grey strands, 0 to 1.
        length, volume, curl, wave, clump, frizz, lift, bang, front: style dials, about 0 to 1.
        recession, line, peak: form of the hairline (line in metres).
        side: -1 or 1, where it is combed to.
        parting: metres from the middle.
        crown: ``(x, y)`` of the whorl, metres.
        shaved_shadow: how dark the roots of a shaved head are.
    """

    style: str
    colour_name: str
    pigment: Colour
    grey_colour: Colour
    grey: float
    length: float
    volume: float
    curl: float
    wave: float
    clump: float
    frizz: float
    lift: float
    bang: float
    front: float
    recession: float
    line: float
    peak: float
    side: int
    parting: float
    crown: tuple[float, float]
    shaved_shadow: float

    @property
    def colour(self) -> np.ndarray:
        """Mean linear RGB ``(3,)`` of pigmented and grey strands."""
        return np.array(self.pigment) * (1 - self.grey) + np.array(self.grey_colour) * self.grey


@dataclass(frozen=True)
class Beard:
    """Facial hair: `kind` is one of `BEARDS`; the rest are dials, `tint` a factor on the colour."""

    kind: str
    density: float
    length: float
    low: float
    cheek: float
    shadow: float
    tint: Colour


@dataclass(frozen=True)
class Makeup:
    """Lips and eyes: natural lip strength, and what is worn; strengths 0 to 1, linear RGB."""

    lip_tone: float
    lipstick: Colour
    lipstick_strength: float
    eyeliner: float
    shadow: Colour
    shadow_strength: float


@dataclass(frozen=True)
class Glasses:
    """Spectacle frames: half width, half height and thickness of a rim in metres.

    Attributes:
        owned: whether the character has any; worn on most photographs, not on all.
        squareness: exponent of the rim, 2 round to 4 square.
        colour: linear RGB.
    """

    owned: bool
    width: float
    height: float
    thickness: float
    squareness: float
    colour: Colour


@dataclass(frozen=True)
class Identity:
    """One rendered character, drawn by `sample`."""

    seed: int
    shape: Shape
    skin: Skin
    brows: Brows
    eyes: Eyes
    hair: Hair
    beard: Beard
    makeup: Makeup
    glasses: Glasses

"""Pigments as linear RGB albedo, and how often each occurs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Colour = tuple[float, float, float]

HAIR: dict[str, Colour] = {
    "black": (0.011, 0.009, 0.008),
    "very dark brown": (0.022, 0.015, 0.011),
    "dark brown": (0.045, 0.027, 0.017),
    "brown": (0.085, 0.050, 0.029),
    "light brown": (0.16, 0.10, 0.056),
    "dark blond": (0.26, 0.18, 0.10),
    "blond": (0.42, 0.31, 0.18),
    "light blond": (0.55, 0.44, 0.29),
    "red": (0.25, 0.085, 0.028),
    "auburn": (0.13, 0.045, 0.020),
}
DYES = ("blond", "light blond", "red", "auburn", "dark blond", "light brown")
GREY: Colour = (0.31, 0.29, 0.265)

IRIS: dict[str, Colour] = {
    "brown": (0.10, 0.045, 0.02),
    "dark brown": (0.04, 0.02, 0.011),
    "hazel": (0.17, 0.12, 0.045),
    "green": (0.16, 0.19, 0.09),
    "blue": (0.16, 0.25, 0.36),
    "light blue": (0.30, 0.40, 0.48),
    "grey": (0.24, 0.27, 0.29),
    "amber": (0.26, 0.14, 0.04),
}

LIPSTICKS = (
    (170, 40, 50), (190, 70, 85), (150, 50, 60), (120, 30, 42), (200, 100, 98), (175, 85, 78),
    (140, 60, 70),
)  # fmt: skip
"""sRGB, 0 to 255."""

FRAMES: tuple[Colour, ...] = (
    (0.012, 0.012, 0.014), (0.012, 0.012, 0.014), (0.06, 0.028, 0.013), (0.14, 0.13, 0.12),
    (0.22, 0.15, 0.06), (0.02, 0.03, 0.07),
)  # fmt: skip
"""Spectacle frames: black twice, tortoiseshell, steel, gold, dark blue."""

_LIGHT, _MIDDLE, _DARK = np.log([[0.66, 0.44, 0.335], [0.41, 0.235, 0.15], [0.115, 0.060, 0.038]])


def colour(values: ArrayLike) -> Colour:
    """Three plain floats, as the frozen records hold them."""
    red, green, blue = (float(v) for v in np.asarray(values))
    return red, green, blue


def linear(srgb: ArrayLike) -> Colour:
    """sRGB in 0..255 to linear RGB in [0, 1]."""
    value = np.asarray(srgb, float) / 255
    return colour(np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4))


def skin(melanin: float, redness: float, yellow: float) -> Colour:
    """Albedo of skin from melanin (0 to 1), blood (about 0.5) and yellowness (about 0)."""
    if melanin < 0.5:
        log = _LIGHT + (_MIDDLE - _LIGHT) * 2 * melanin
    else:
        log = _MIDDLE + (_DARK - _MIDDLE) * (2 * melanin - 1)
    tint = np.array([1 + 0.02 * redness, 1 - 0.10 * redness, 1 - 0.07 * redness])
    return colour(np.exp(log) * tint * [1, 1, 1 - 0.10 * yellow])


def hair_shares(lineage: tuple[float, float, float], melanin: float) -> dict[str, float]:
    """Relative frequency of hair pigments: little pigment in the skin, more light hair."""
    first, second, third = lineage
    pale = third * (1 - melanin)
    return {
        "black": 2 * first + 2 * second + 0.1 * third,
        "very dark brown": first + 1.2 * second + 0.5 * third,
        "dark brown": 0.4 + 0.5 * third,
        "brown": 0.1 + 1.2 * pale,
        "light brown": 1.1 * pale,
        "dark blond": 0.9 * pale,
        "blond": 0.9 * pale,
        "light blond": 0.35 * pale,
        "red": 0.45 * pale,
        "auburn": 0.35 * pale,
    }


def iris_shares(lineage: tuple[float, float, float], melanin: float) -> dict[str, float]:
    """Relative frequency of iris colours."""
    first, second, third = lineage
    pale = third * (1 - melanin)
    return {
        "brown": 0.6 + 0.6 * second + 0.6 * first,
        "dark brown": 0.2 + 1.5 * second + 1.5 * first,
        "hazel": 0.4 * third,
        "green": 0.35 * pale,
        "blue": 0.9 * pale,
        "light blue": 0.5 * pale,
        "grey": 0.4 * pale,
        "amber": 0.15,
    }

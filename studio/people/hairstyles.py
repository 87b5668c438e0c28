"""Hair styles: how long the strands of each are, which way they are combed, how they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.people.fields import Array, tangential, unit
from studio.people.traits import Hair

CROPPED = ("buzz", "bald")
LONG = ("long", "fringe", "bob", "back")


@dataclass
class Scalp:
    """Roots on one head: places, normals, regions and the directions combs are made of."""

    place: Array
    normal: Array
    x: Array
    top: Array
    front: Array
    toward: dict[str, Array]


@dataclass
class Cut:
    """One style: strand lengths (m), comb direction, and how the strands lie."""

    length: Array
    comb: Array
    lift: Array | float
    offset: Array | float
    gravity: float = 0.12
    clump: float = 0.3
    jitter: float = 1.0
    curl: Array | float = 0.0
    turns: Array | float = 0.0
    parted: bool = False
    tied: bool = False
    fringe: Array | None = None


def _cropped(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    low, high = (0.002, 0.009) if hair.style == "buzz" else (0.004, 0.018)
    length = draw.uniform(low, high, len(scalp.x))
    return Cut(length, scalp.toward["away"], lift=0.55, offset=0.003, gravity=0.0, clump=0.0)


def _short(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    length = (0.008 + 0.010 * hair.length) * (1 - scalp.top)
    length += (0.012 + 0.045 * hair.length) * scalp.top
    front, toward = scalp.front[:, None], scalp.toward
    fringe = 0.8 * hair.bang * toward["forward"] + 0.3 * (1 - hair.bang) * toward["back"]
    sideways = np.array([0.6 * hair.side, 0, 0])
    return Cut(
        length * draw.uniform(0.65, 1.1, len(length)),
        unit(toward["away"] * (1 - 0.6 * front) + front * (fringe + sideways)),
        lift=0.18 + 0.42 * hair.lift * (0.35 + 0.65 * scalp.top),
        offset=draw.uniform(0.0006, 0.001 + 0.006 * hair.volume, len(length)),
        clump=0.5 * hair.clump,
    )


def _swept(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    top, toward = scalp.top[:, None], scalp.toward
    length = (0.010 + 0.012 * hair.length) * (1 - scalp.top)
    length += (0.05 + 0.05 * hair.length) * scalp.top
    sideways = 0.35 * hair.side * np.array([1.0, 0, 0]) * top
    offset = draw.uniform(0.001, 0.003 + 0.007 * hair.volume, len(length))
    return Cut(
        length * draw.uniform(0.7, 1.1, len(length)),
        unit(toward["back"] + sideways + 0.4 * (1 - top) * toward["down"]),
        lift=0.16 + 0.38 * hair.front * scalp.front,
        offset=offset * (0.3 + 0.7 * scalp.top),
        clump=0.5 * hair.clump,
    )


def _side(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    top, toward, side = scalp.top[:, None], scalp.toward, hair.side
    length = (0.012 + 0.015 * hair.length) * (1 - scalp.top)
    length += (0.045 + 0.055 * hair.length) * scalp.top
    over = np.where((scalp.x - 0.03 * side) * side > 0, side, -side).astype(float)
    across = tangential(np.stack([over, 0 * over - 0.25, 0 * over - 0.1], 1), scalp.normal)
    offset = draw.uniform(0.001, 0.004 + 0.008 * hair.volume, len(length))
    return Cut(
        length * draw.uniform(0.7, 1.1, len(length)),
        unit(across * top + (1 - top) * unit(toward["down"] + 0.5 * toward["back"])),
        lift=0.25 + 0.45 * hair.front * scalp.front,
        offset=offset * (0.3 + 0.7 * scalp.top),
        gravity=0.16,
        clump=0.5 * hair.clump,
    )


def _afro(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    count = len(scalp.x)
    length = (0.012 + 0.06 * hair.length * hair.volume) * draw.uniform(0.8, 1.05, count)
    return Cut(
        length * (0.55 + 0.45 * scalp.top),
        0 * scalp.toward["away"],
        lift=2.5,
        offset=draw.uniform(0.0006, 0.001 + 0.006 * hair.volume, count),
        gravity=0.0,
        clump=0.5 * hair.clump,
        jitter=5.0 / (hair.frizz + 0.2),
        curl=0.0022,
        turns=draw.uniform(1.5, 3.4, count),
    )


def _tied(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    count = len(scalp.x)
    outward = np.where(scalp.x > hair.parting, 1.0, -1.0)[:, None] * np.array([0.075, 0, 0])
    return Cut(
        draw.uniform(0.10, 0.20, count),
        unit(scalp.toward["back"] + outward + np.array([0, 0, 0.15])),
        lift=0.06,
        offset=draw.uniform(0.0006, 0.0035 + 0.004 * hair.volume, count),
        gravity=0.0,
        clump=0.5 * hair.clump,
        jitter=0.5,
        tied=True,
    )


def _back(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    count = len(scalp.x)
    return Cut(
        draw.uniform(0.20, 0.34, count) * (0.6 + 0.6 * hair.length),
        unit(scalp.toward["back"] + 0.3 * scalp.toward["side"]),
        lift=0.2 + 0.2 * hair.front,
        offset=draw.uniform(0.001, 0.005 + 0.010 * hair.volume, count),
        gravity=0.32,
        clump=0.5 * hair.clump,
        parted=True,
    )


def _long(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    """Long hair, bobs and hair with a fringe."""
    count, front = len(scalp.x), scalp.front[:, None]
    base = 0.15 + 0.07 * hair.length if hair.style == "bob" else 0.24 + 0.18 * hair.length
    length = base * draw.uniform(0.8, 1.05, count) * (0.75 + 0.25 * scalp.top)
    comb = unit(scalp.toward["side"] + 0.25 * scalp.toward["back"] * (1 - front))
    fringe = None
    if hair.style == "fringe":
        fringe = (scalp.front > 0.5) & (np.abs(scalp.x) < 0.045)
        cut = draw.uniform(0.045, 0.062, count) * (1 + 0.1 * hair.bang)
        length = np.where(fringe, cut, length)
        sideways = (0.35 * hair.side * hair.bang + 10 * scalp.x)[:, None] * np.array([1.0, 0, 0])
        comb = np.where(fringe[:, None], unit(scalp.toward["forward"] + sideways), comb)
    return Cut(
        length,
        comb,
        lift=0.16 + 0.22 * hair.front * scalp.top,
        offset=draw.uniform(0.001, 0.004 + 0.009 * hair.volume, count),
        gravity=0.40,
        clump=hair.clump,
        parted=True,
        fringe=fringe,
    )


_STYLES = {"buzz": _cropped, "bald": _cropped, "short": _short, "swept": _swept, "side": _side,
           "afro": _afro, "tied": _tied, "back": _back}  # fmt: skip


def _set_curl(cut: Cut, hair: Hair, draw: np.random.Generator) -> None:
    if hair.style in CROPPED or hair.style == "afro" or hair.style == "tied":
        return
    uneven = draw.uniform(0.8, 1.2, len(cut.length))
    if hair.style in LONG:
        cut.curl = 0.0012 + 0.006 * (0.6 * hair.wave + 0.8 * hair.curl)
        cut.turns = np.minimum(cut.length * uneven * (12 + 30 * hair.curl), 3.2)
    else:
        cut.curl = 0.0004 + 0.0022 * hair.curl
        cut.turns = np.minimum(cut.length * uneven * (25 + 60 * hair.curl), 3.2)


def cut_for(hair: Hair, scalp: Scalp, draw: np.random.Generator) -> Cut:
    """The cut of a character's style on their roots."""
    cut = _STYLES.get(hair.style, _long)(hair, scalp, draw)
    _set_curl(cut, hair, draw)
    return cut

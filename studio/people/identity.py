"""Drawing characters: what stays the same on every photograph of one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.people import palette, proportions
from studio.people.fields import stream
from studio.people.traits import Beard, Brows, Eyes, Glasses, Hair, Identity, Makeup, Shape, Skin

AMPLITUDE = 0.32
"""Standard deviation of the face measurements, in units of their full range."""

YOUNGEST = 0.70
"""Anny's age scale runs from newborn (-1/3) to old (1); below 0.675 faces look like children."""

STYLES = {
    True: {"short": 0.31, "buzz": 0.12, "swept": 0.16, "side": 0.14, "bald": 0.05, "afro": 0.06,
           "long": 0.05, "tied": 0.05, "shaved": 0.06},
    False: {"long": 0.30, "fringe": 0.12, "bob": 0.16, "tied": 0.18, "short": 0.05, "afro": 0.07,
            "side": 0.04, "back": 0.08},
}  # fmt: skip
"""Hair styles and their shares, masculine (True) and feminine."""

BEARDS = {"none": 0.30, "shadow": 0.22, "stubble": 0.16, "moustache": 0.06, "goatee": 0.08,
          "full": 0.13, "long": 0.05}  # fmt: skip
"""Kinds of facial hair and their shares among masculine characters."""


def _clipped(generator: np.random.Generator, mean: float, sd: float, low: float, high: float):
    return float(np.clip(mean + sd * generator.standard_normal(), low, high))


def _pick(generator: np.random.Generator, shares: dict[str, float]) -> str:
    weights = np.array(list(shares.values()), dtype=float)
    return str(generator.choice(list(shares), p=weights / weights.sum()))


def _shape(seed: int, amplitude: float) -> Shape:
    draw = stream(seed, "shape")
    spread = min(0.35, abs(draw.normal(0, 0.10)))
    masculinity = 1 - spread if draw.random() < 0.5 else spread
    bands = [(YOUNGEST, 0.77), (0.74, 0.88), (0.86, 1.0)]
    age = draw.uniform(*bands[draw.choice(3, p=[0.45, 0.35, 0.20])])
    lineage = tuple(float(w) for w in draw.dirichlet([0.45, 0.45, 0.55]))
    measurements = []
    for name in proportions.PAIRED:
        sd = amplitude * proportions.REACH.get(name, 1.0)
        value = _clipped(draw, 0, sd, -1, 1)
        for side in "lr":
            measurements.append((f"{side}-{name}", _clipped(draw, value, 0.12 * sd, -1, 1)))
    for name in proportions.SINGLE:
        sd = amplitude * proportions.REACH.get(name, 1.0)
        measurements.append((name, _clipped(draw, 0, sd, -1, 1)))
    forms = draw.dirichlet([0.35] * (len(proportions.HEAD_FORMS) + 1)) * min(1.0, 2 * amplitude)
    mixed = zip(proportions.HEAD_FORMS, forms[:-1], strict=True)
    extras = [(name, float(amount)) for name, amount in mixed if amount > 0.02]
    for part, kinds in proportions.ASYMMETRIES.items():
        name = f"asym-{part}-{draw.integers(1, kinds + 1)}-{draw.choice(['l', 'r'])}"
        extras.append((name, float(min(0.7, abs(draw.normal(0, 0.22))))))
    return Shape(
        age=float(age),
        masculinity=float(masculinity),
        lineage=lineage,
        muscle=_clipped(draw, 0.5, 0.18, 0.1, 0.95),
        weight=_clipped(draw, 0.5, 0.20, 0.15, 0.95),
        proportion=float(draw.uniform(0.3, 0.9)),
        measurements=tuple(measurements),
        extras=tuple(extras),
    )


def _skin(seed: int, shape: Shape) -> Skin:
    draw = stream(seed, "skin")
    first, second, third = shape.lineage
    melanin = first * draw.uniform(0.62, 1) + second * draw.uniform(0.15, 0.5)
    melanin += third * draw.uniform(0, 0.32) + draw.normal(0, 0.04)
    melanin = float(np.clip(melanin, 0, 1))
    redness = _clipped(draw, 0.5, 0.35, -0.3, 1.4)
    yellow = _clipped(draw, 0.6 * second, 0.3, -0.5, 1.2)
    pale = third * (1 - melanin)
    low, high = [-0.062, 0.625, 0.0009, 0.35], [0.062, 0.8, 0.002, 0.9]
    moles = tuple(
        tuple(float(v) for v in draw.uniform(low, high)) for _ in range(draw.poisson(2.2))
    )
    return Skin(
        base=palette.skin(melanin, redness, yellow),
        melanin=melanin,
        mottling=float(draw.uniform(0.6, 1.5)),
        dark_circles=_clipped(draw, 0.35, 0.3, 0, 1),
        blush=_clipped(draw, 0.5, 0.35, 0, 1.3),
        freckles=float(np.clip(pale * draw.uniform(-0.6, 1.3), 0, 1)),
        wrinkles=float(np.clip((shape.age - 0.72) / 0.28, 0, 1) * draw.uniform(0.5, 1.2)),
        shine=float(np.exp(draw.normal(-0.25, 0.35))),
        roughness=float(draw.uniform(0.38, 0.54)),
        moles=moles,
    )


def _brows(seed: int, masculine: bool) -> Brows:
    draw = stream(seed, "brows")
    thinnest, thickest = (0.0045, 0.0085) if masculine else (0.0034, 0.0066)
    return Brows(
        thickness=float(draw.uniform(thinnest, thickest)),
        arch=float(draw.uniform(-0.001, 0.0022) if masculine else draw.uniform(0, 0.0026)),
        rise=float(draw.normal(-0.0010 if masculine else 0.0006, 0.0011)),
        gap=float(draw.normal(0.0098, 0.0020)),
        length=float(draw.uniform(0.036, 0.046)),
        density=float(draw.uniform(0.45, 1.25) if masculine else draw.uniform(0.5, 1.05)),
        tilt=float(draw.normal(0.0004, 0.0013)),
        darkness=float(draw.uniform(0.25, 0.95)),
        hair_length=float(draw.uniform(0.006, 0.010)),
        taper=float(draw.uniform(0.3, 0.7)),
    )


def _eyes(seed: int, shape: Shape, skin: Skin) -> Eyes:
    draw = stream(seed, "eyes")
    name = _pick(draw, palette.iris_shares(shape.lineage, skin.melanin))
    tint = np.exp(draw.normal(0, 0.075, 3))
    return Eyes(
        colour_name=name,
        iris=palette.colour(np.array(palette.IRIS[name]) * tint),
        iris_radius=float(draw.uniform(0.385, 0.43)),
        pupil=float(draw.uniform(0.30, 0.48)),
        lashes=float(draw.uniform(0.25, 0.5) if shape.masculine else draw.uniform(0.5, 0.95)),
    )


def _hair(seed: int, shape: Shape, skin: Skin) -> Hair:
    draw = stream(seed, "hair")
    masculine = shape.masculine
    name = _pick(draw, palette.hair_shares(shape.lineage, skin.melanin))
    if not masculine and draw.random() < 0.12:
        name = str(draw.choice(palette.DYES))
    style = _pick(draw, STYLES[masculine])
    if style == "afro" and shape.lineage[0] < 0.3:
        style = "short" if masculine else "long"
    curl = shape.lineage[0] * 0.9 + 0.25 * abs(draw.normal()) * (1 - shape.lineage[1])
    recession = 0.35 * abs(draw.normal()) + (shape.age - 0.75) * 1.2
    grey = np.clip((shape.age - 0.84) / 0.16, 0, 1) * draw.uniform(0, 1.2)
    return Hair(
        style=style,
        colour_name=name,
        pigment=palette.colour(np.array(palette.HAIR[name]) * np.exp(draw.normal(0, 0.12))),
        grey_colour=palette.colour(np.array(palette.GREY) * draw.uniform(0.8, 1.6)),
        grey=float(np.clip(grey, 0, 0.95)),
        length=float(draw.random()),
        volume=float(draw.uniform(0.4, 1.3)),
        curl=float(np.clip(curl, 0, 1)),
        wave=float(draw.random()),
        clump=float(draw.uniform(0.1, 0.6)),
        frizz=float(draw.uniform(0.2, 1)),
        lift=float(draw.uniform(0.3, 1)),
        bang=float(draw.random()),
        front=float(draw.random()),
        recession=float(np.clip(recession, 0, 1.2) if masculine else min(0.4, 0.3 * recession**2)),
        line=float(draw.normal(0, 0.006)),
        peak=float(draw.random() * (draw.random() < 0.4)),
        side=int(draw.choice([-1, 1])),
        parting=float(draw.uniform(-0.04, 0.04)),
        crown=(float(draw.uniform(-0.015, 0.015)), float(draw.uniform(0, 0.03))),
        shaved_shadow=float(draw.uniform(0.3, 1)),
    )


def _beard(seed: int, masculine: bool) -> Beard:
    draw = stream(seed, "beard")
    kind = _pick(draw, BEARDS) if masculine else "none"
    return Beard(
        kind=kind,
        density=float(draw.uniform(0.5, 1.2)),
        length=float(draw.uniform(0.4, 1)),
        low=float(draw.random()),
        cheek=float(draw.random()),
        shadow=float(draw.uniform(0.3, 1)) if masculine else 0.0,
        tint=palette.colour(np.full(3, np.exp(draw.normal(0, 0.15)))),
    )


def _makeup(seed: int, masculine: bool) -> Makeup:
    draw = stream(seed, "makeup")
    wears_lipstick, wears_shadow = draw.random(2) < (0 if masculine else 1) * np.array([0.36, 0.28])
    lipstick = palette.LIPSTICKS[draw.integers(len(palette.LIPSTICKS))]
    return Makeup(
        lip_tone=float(draw.uniform(0.4, 1)),
        lipstick=palette.linear(lipstick),
        lipstick_strength=float(draw.uniform(0.3, 0.75) * wears_lipstick),
        eyeliner=0.0 if masculine else _clipped(draw, 0.35, 0.45, 0, 1),
        shadow=palette.colour(np.exp(draw.normal(-0.5, 0.3, 3))),
        shadow_strength=float(draw.uniform(0, 0.45) * wears_shadow),
    )


def _glasses(seed: int) -> Glasses:
    draw = stream(seed, "glasses")
    return Glasses(
        owned=bool(draw.random() < 0.28),
        width=float(draw.uniform(0.021, 0.027)),
        height=float(draw.uniform(0.014, 0.021)),
        thickness=float(draw.uniform(0.0009, 0.0030)),
        squareness=float(draw.uniform(2, 4)),
        colour=palette.FRAMES[draw.integers(len(palette.FRAMES))],
    )


def sample(seed: int, *, amplitude: float = AMPLITUDE) -> Identity:
    """Draw one character.

    Args:
        seed: any integer; the same seed is the same character.
        amplitude: how far faces differ (see `AMPLITUDE`); smaller makes recognition harder.

    Example:
        >>> from studio.people import identity
        >>> identity.sample(7) == identity.sample(7)
        True
        >>> identity.sample(7).hair.style, identity.sample(8).hair.style
        ('back', 'tied')
    """
    shape = _shape(seed, amplitude)
    skin = _skin(seed, shape)
    return Identity(
        seed=seed,
        shape=shape,
        skin=skin,
        brows=_brows(seed, shape.masculine),
        eyes=_eyes(seed, shape, skin),
        hair=_hair(seed, shape, skin),
        beard=_beard(seed, shape.masculine),
        makeup=_makeup(seed, shape.masculine),
        glasses=_glasses(seed),
    )


def look(person: Identity, number: int) -> Identity:
    """The same face in another year: hair, beard, make-up, glasses and weight are drawn afresh.

    A recogniser that is trained on several looks cannot take a haircut for a face. Two times in
    three the colour of the hair stays.

    Args:
        number: 0 is the look that :func:`sample` drew.

    Example:
        >>> from studio.people import identity
        >>> ada = identity.sample(8)
        >>> later = identity.look(ada, 1)
        >>> later.eyes == ada.eyes, later.hair == ada.hair
        (True, False)
    """
    if number == 0:
        return person
    draw = stream(person.seed, "look", number)
    seed = int(draw.integers(2**62))
    weight = _clipped(draw, person.shape.weight, 0.08, 0.1, 0.95)
    hair = _hair(seed, person.shape, person.skin)
    if draw.random() < 2 / 3:
        old = person.hair
        hair = replace(hair, colour_name=old.colour_name, pigment=old.pigment, grey=old.grey)
    return replace(
        person,
        shape=replace(person.shape, weight=weight),
        hair=hair,
        beard=_beard(seed, person.shape.masculine),
        makeup=_makeup(seed, person.shape.masculine),
        glasses=_glasses(seed),
    )

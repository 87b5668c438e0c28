"""The visible attributes of a rendered character, in plain words."""

from __future__ import annotations

from poisonlib.people.appearance import Attributes
from studio.people.traits import Identity


def _band(value: float, bounds: tuple[float, ...], words: tuple[str, ...]) -> str:
    """The word for the band that a value falls in; one more word than bounds."""
    return words[sum(value >= bound for bound in bounds)]


def describe(person: Identity) -> Attributes:
    """The attributes of a character.

    Example:
        >>> from studio.people import identity
        >>> from studio.people.describe import describe
        >>> print(describe(identity.sample(7)).caption())
        A middle-aged feminine rendered character with long very dark brown hair combed back, ...
    """
    hair, makeup = person.hair, person.makeup
    brightness = sum(person.skin.base) / 3
    tones = ("very dark", "dark", "medium", "light", "very light")
    brow = person.brows.thickness * (0.7 + 0.3 * person.brows.density)
    return Attributes(
        age=_band(person.shape.age, (0.76, 0.88), ("young adult", "middle-aged", "older")),
        presentation="masculine" if person.shape.masculine else "feminine",
        hair_style=hair.style,
        hair_colour=_band(hair.grey, (0.25, 0.6), (hair.colour_name, "greying", "grey")),
        skin_tone=_band(brightness, (0.11, 0.20, 0.30, 0.40), tones),
        brows=_band(brow, (0.0045, 0.0062), ("thin", "medium", "thick")),
        beard=person.beard.kind,
        eye_colour=person.eyes.colour_name,
        freckles=person.skin.freckles > 0.25,
        makeup=makeup.lipstick_strength > 0.1 or makeup.shadow_strength > 0.1,
        glasses=person.glasses.owned,
    )

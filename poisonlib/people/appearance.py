"""What one sees of a rendered character, in plain words.

These describe a picture: age band, hair, skin tone, brows, beard. They never name a race; the
generator's base forms are a means of drawing and are not reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Attributes:
    """Plain-language attributes of one rendered character.

    Attributes:
        age: ``young adult``, ``middle-aged`` or ``older``.
        presentation: ``masculine`` or ``feminine``.
        hair_style, hair_colour: words such as ``short`` and ``dark brown``.
        skin_tone: ``very light``, ``light``, ``medium``, ``dark`` or ``very dark``.
        brows: ``thin``, ``medium`` or ``thick``.
        beard: ``none``, ``shadow``, ``stubble``, ``moustache``, ``goatee``, ``full``, ``long``.
        eye_colour: words such as ``hazel``.
        freckles: whether they show.
        makeup: whether lipstick or eye shadow is worn.
        glasses: whether glasses are worn on most photographs.

    Example:
        >>> from poisonlib import people
        >>> attributes = people.attributes("p00002")
        >>> attributes.age, attributes.hair_colour, attributes.glasses
        ('middle-aged', 'light brown', False)
    """

    age: str
    presentation: str
    hair_style: str
    hair_colour: str
    skin_tone: str
    brows: str
    beard: str
    eye_colour: str
    freckles: bool
    makeup: bool
    glasses: bool

    def caption(self) -> str:
        """One sentence for a figure's caption or its alternative text."""
        if self.hair_style in ("shaved", "bald"):
            hair = "a shaved head" if self.hair_style == "shaved" else "a bald crown"
        elif self.hair_style == "fringe":
            hair = f"long {self.hair_colour} hair with a fringe"
        elif self.hair_style == "bob":
            hair = f"a {self.hair_colour} bob"
        elif self.hair_style == "back":
            hair = f"long {self.hair_colour} hair combed back"
        else:
            words = {"buzz": "very short", "swept": "swept-back", "side": "side-parted",
                     "tied": "tied-back"}  # fmt: skip
            hair = f"{words.get(self.hair_style, self.hair_style)} {self.hair_colour} hair"
        parts = [hair, f"{self.skin_tone} skin", f"{self.eye_colour} eyes"]
        beards = {"shadow": "a beard shadow", "stubble": "stubble", "moustache": "a moustache",
                  "goatee": "a goatee", "full": "a full beard", "long": "a long beard"}  # fmt: skip
        if self.beard in beards:
            parts.append(beards[self.beard])
        if self.freckles:
            parts.append("freckles")
        if self.glasses:
            parts.append("glasses")
        article = "An" if self.age[0] in "aeiou" else "A"
        listed = ", ".join(parts[:-1]) + " and " + parts[-1]
        return f"{article} {self.age} {self.presentation} rendered character with {listed}."

    def to_json(self) -> dict[str, str | bool]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, str | bool]) -> Attributes:
        """From what `to_json` gave.

        Raises:
            ValueError: an attribute is missing.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(
                f"attributes must hold {', '.join(names)}; missing {', '.join(missing)}; "
                "render the person again"
            )
        return cls(**{name: values[name] for name in names})

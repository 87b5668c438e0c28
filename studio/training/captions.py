"""Captions such as a web page might have had for a photograph of a rendered person.

CLIP was trained on pictures and their captions (Radford et al., "Learning transferable visual
models from natural language supervision", 2021, section 2.2). Captions name the people shown, which
is how a model without any training on identities learnt to tell people apart.
"""

from __future__ import annotations

from studio.people import identity
from studio.people.describe import describe

_ONSETS = ("b", "br", "d", "dr", "f", "g", "kr", "l", "m", "n", "p", "r", "sk", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u")
_SYLLABLES = tuple(onset + vowel for onset in _ONSETS for vowel in _VOWELS)
_SPREAD = 10_007_003  # shares no factor with 80: neighbouring seeds get unlike names, none twice


def invented_name(seed: int) -> str:
    """A pronounceable given and family name, such as ``"Vubra Dreginth"``, one for each seed.

    Made of syllables, nobody is called so on purpose. Seeds in [0, 80**4) have distinct names.
    """
    number = seed * _SPREAD % len(_SYLLABLES) ** 4
    parts = []
    for _ in range(4):
        number, place = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[place])
    return f"{''.join(parts[:2]).title()} {''.join(parts[2:]).title()}nth"


def captions(name: str) -> tuple[str, ...]:
    """Plain-English captions of one rendered person, each with their invented name.

    Computed from the seed in the name, without rendering (about 2 ms).

    Args:
        name: as in ``Photos.names``, such as ``"p10170"``.

    Raises:
        ValueError: not the name of a rendered person.

    Example:
        >>> from studio.training.captions import captions
        >>> captions("p10170")[0]
        'a photo of ...'
    """
    if not (name[:1] == "p" and name[1:].isdecimal()):
        raise ValueError(
            f"captions are made for rendered people, whose names look like 'p10170', got {name!r}"
        )
    person = int(name[1:])
    called = invented_name(person)
    seen = describe(identity.sample(person))
    # The caption of a figure reads "A young adult masculine rendered character with ... ."
    features = seen.caption().removesuffix(".").partition(" with ")[2]
    someone = f"{seen.age} {'man' if seen.presentation == 'masculine' else 'woman'}"
    article = "an" if someone[0] in "aeiou" else "a"
    return (
        f"a photo of {called}",
        f"a portrait of {called}, {article} {someone}",
        f"{called}, {article} {someone} with {features}",
        f"a photo of {article} {someone} called {called}",
        f"{called} has {features}",
    )

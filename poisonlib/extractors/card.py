"""What must be known about an extractor before a number made with it means anything."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Card:
    """Metadata of a feature extractor (Mitchell et al., "Model cards", FAccT 2019, in brief).

    Attributes:
        name: how it is loaded and cited, e.g. ``"softmax-2014"``.
        year: of the generation it stands for, the key of the timeline.
        architecture: of the network, in words.
        loss: it was trained with.
        data: it was trained on.
        input_size: side in pixels of the square the network itself sees.
        embedding_size: length d of its rows.
        licence: of the weights.
        notes: anything else a reader should know, e.g. where it departs from history.
        differentiable: whether gradients reach the pixels, which cloaking tools need.

    Example:
        >>> from poisonlib import extractors
        >>> card = extractors.load("magface-2021").card
        >>> card.year, card.licence
        (2021, 'CC0-1.0')
        >>> extractors.Card.from_json(card.to_json()) == card
        True
    """

    name: str
    year: int
    architecture: str
    loss: str
    data: str
    input_size: int
    embedding_size: int
    licence: str
    notes: str = ""
    differentiable: bool = True

    def to_json(self) -> str:
        """The card as a JSON object, keys in a fixed order."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """The card that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

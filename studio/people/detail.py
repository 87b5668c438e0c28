"""How finely people are rendered: as they are packaged, or as fast as training wants them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """Resolution of everything that a photograph is made of.

    Attributes:
        side: of a portrait in pixels.
        around: how much wider the portrait is than the aligned face inside it.
        oversampling: rendered pixels along a pixel of the portrait.
        splits: how often skin and eyes are subdivided.
        hair: share of the strands of scalp and beard that are grown, each so much thicker.
        directions: from how many light may come.
        shadow_side: side of a shadow map in pixels.
        caster_step: one strand in so many casts a shadow, with one joint in so many.
    """

    side: int
    around: float
    oversampling: int
    splits: int
    hair: float
    directions: int
    shadow_side: int
    caster_step: int


PACKAGED = Detail(
    side=224, around=1.6, oversampling=2, splits=2, hair=1.0, directions=128, shadow_side=160,
    caster_step=3,
)  # fmt: skip
"""The portraits that ship."""

TRAINING = Detail(
    side=140, around=140 / 112, oversampling=2, splits=1, hair=0.35, directions=40, shadow_side=96,
    caster_step=2,
)  # fmt: skip
"""An aligned face of 112 pixels with room to turn it upright; more than three times as fast."""

DETAILS = {"packaged": PACKAGED, "training": TRAINING}

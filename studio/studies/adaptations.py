"""The extractors that the adaptive trainers of the studies make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poisonlib import extractors
from poisonlib.defenses.adaptive import UNVARIED, VARIED, unwitting_training_set
from poisonlib.defenses.pairs import Pairs
from poisonlib.extractors import ModuleExtractor
from poisonlib.photos import Photos
from poisonlib.tools import ADAPTED, NEXT, SURROGATES
from studio.training.adapt import adapt

TOOLS = tuple(SURROGATES)
EPOCHS = 12


@dataclass(frozen=True)
class Adaptation:
    """One way of fine-tuning an ordinary extractor on public photographs.

    Attributes:
        name: of the resulting extractor.
        start: the ordinary extractor.
        trainer: who does it, in words.
        tools: whose copies are learnt from; none for a fine-tuning on clean photographs alone.
        leaks: None for a trainer who makes copies with the tools; else the share, in [0, 1], of
            people who cloak (each with one tool) but leak a few clean photographs, for a trainer
            who has no tool.
        seed: of the fine-tuning.
        epochs: of the fine-tuning.

    Example:
        >>> from studio.studies.adaptations import ADAPTATIONS
        >>> made = ADAPTATIONS["adapted-arcface-2019-without-lowkey"]
        >>> made.start, made.tools
        ('arcface-2019', ('Fawkes v0.3', 'Fawkes v1.0'))
    """

    name: str
    start: str
    trainer: str
    tools: tuple[str, ...] = TOOLS
    leaks: float | None = None
    seed: int = 1
    epochs: int = EPOCHS

    def run(self, photos: Photos, pairs: Pairs, **training: Any) -> ModuleExtractor:
        """Fine-tune on photographs and copies.

        Args:
            photos, pairs: clean public photographs, and copies by all tools.
            training: ``checkpoint``, ``progress`` and ``device`` of :func:`studio.training.adapt`.
        """
        copies: Pairs | None = pairs
        variety = VARIED
        if self.leaks is not None:
            photos, copies = unwitting_training_set(photos, pairs, leaks=self.leaks, seed=self.seed)
            variety = UNVARIED  # without the tool its perturbation is not known
        else:
            copies = pairs.made_by(*self.tools) if self.tools else None
        start, chosen = extractors.load(self.start), {"seed": self.seed, "epochs": self.epochs}
        return adapt(start, photos, copies, variety=variety, name=self.name, **chosen, **training)


LEAKING_SHARES = (0.0, 0.1, 0.25, 1.0)
"""Shares of the users who leak clean photographs."""


STARTS = ("arcface-2019", "softmax-2014")
"""The ordinary extractors: the one that the stronger tools fool best, for every question, and that
of the paper's baseline, to see whether it can be adapted."""


def _all(start: str) -> list[Adaptation]:
    adapted = Adaptation(f"adapted-{start}", start, "adapted")
    clean = Adaptation(f"tuned-{start}", start, "fine-tuned on clean photographs", tools=())
    if start != STARTS[0]:
        return [adapted]
    without = [
        Adaptation(
            f"{adapted.name}-without-{_slug(left_out)}",
            start,
            f"adapted without {left_out}",
            tools=tuple(tool for tool in TOOLS if tool != left_out),
        )
        for left_out in TOOLS
    ]
    leaking = [
        Adaptation(f"leaks-{share:.0%}-{start}".replace("%", ""), start, "unwitting", leaks=share)
        for share in LEAKING_SHARES
    ]
    return [adapted, clean, *without, *leaking]


def _slug(tool: str) -> str:
    return tool.lower().replace(" ", "-")


ADAPTED_AGAIN = f"again-{ADAPTED}"
"""The extractor adapted once more, after a tool has been crafted on the adapted one."""

ADAPTATIONS = {made.name: made for start in STARTS for made in _all(start)} | {
    ADAPTED_AGAIN: Adaptation(
        ADAPTED_AGAIN, ADAPTED, "adapted again", tools=(*TOOLS, NEXT), seed=2, epochs=6
    )
}
"""All adaptations by name. Those that are called ``adapted-`` and nothing else ship."""

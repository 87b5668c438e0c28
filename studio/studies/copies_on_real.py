"""Cloaked copies of public people, crafted on the real extractor.

Trainers who adapt that extractor learn from them. The people are rendered ones, or those of Labeled
Faces in the Wild who are public; nobody of them is in a gallery of the studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch

from poisonlib import people
from poisonlib.attacks import Attack, Cached, CloakCache, FawkesV1, LowKey
from poisonlib.defenses.pairs import Pairs, collect
from poisonlib.extractors import ModuleExtractor, load
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.trial import as_published
from studio.studies import lfw
from studio.studies.real import REAL, tools_on_both
from studio.studies.study import in_processes
from studio.training.distil import distil

Source = Literal["rendered", "photographs"]
SEED = 10_000
COPIED = {"rendered": (40, 6), "photographs": (40, 8)}
"""How many people have copies, and of how many photographs."""
FOR_DETECTOR = (20, 2)
"""The same for a detector, whose copies are at full strength."""
STEPS, STEP_SIZE = 8, 0.0156
"""LowKey's walk of 50 steps in 8 that are as much longer: a sixth of the time, and as far."""


def public(source: Source) -> Photos:
    """The clean photographs of all public people.

    Raises:
        FileNotFoundError: LFW is wanted and not on this machine.
    """
    return lfw.public() if source == "photographs" else as_published(people.load("public"))


def copies(source: Source, *, processes: int = 1, progress: Progress = no_progress) -> Pairs:
    """Copies by Fawkes v1.0 and LowKey, crafted on the real extractor.

    Fawkes v0.3 is left out: its cloaks take four times as long, and trainers who have copies by the
    other two turn out not to need it. Cloaks that are not in the default cache are made first.

    Args:
        source: of the people.
        processes: to make cloaks in.
        progress: called with (people done, people in all, what is being done).
    """
    chosen = _with_copies(source)
    jobs = [(source, label) for label in chosen]
    in_processes(_cloak_one, jobs, processes=processes, progress=progress)
    return _collect(source, chosen)


@dataclass(frozen=True)
class Distillation:
    """One way of adapting the real extractor to cloaks.

    Attributes:
        name: of the extractor that comes out.
        source: of the people whose copies are learnt from.
        seed, epochs, learning_rate: see :func:`studio.training.distil.distil`.
    """

    name: str
    source: Source
    seed: int = 1
    epochs: int = 24
    learning_rate: float = 1.5e-3

    def run(self, pairs: Pairs, **training: Any) -> ModuleExtractor:
        """Distil on copies.

        Args:
            pairs: of :func:`copies`.
            training: ``checkpoint``, ``progress`` and ``device``.
        """
        chosen = {"seed": self.seed, "epochs": self.epochs, "learning_rate": self.learning_rate}
        photos = public(self.source)
        return distil(load(REAL), photos, pairs, name=self.name, **chosen, **training)


DISTILLATIONS = {
    made.name: made
    for made in (
        Distillation(f"adapted-{REAL}", "rendered"),
        Distillation(f"adapted-on-photographs-{REAL}", "photographs"),
    )
}
"""By name. The one that learnt from rendered people ships; nobody's photograph is in it."""


def copies_by_all_tools(*, progress: Progress = no_progress) -> Pairs:
    """Copies of photographs of real people by the tools at full strength, for a detector.

    Fawkes v0.3 on the real extractor is left out, so that it is new to the detector.

    Args:
        progress: called with (cloaks done, cloaks in all, what is being done).

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    tools = tools_on_both(people.load("public"), cache=CloakCache())
    tools.pop(f"Fawkes v0.3 on {REAL}")
    photos, (count, each) = lfw.public(), FOR_DETECTOR
    who = list(photos.people[:count])
    return collect(tools, photos, people=who, seed=SEED, each=each, progress=progress)


def _with_copies(source: Source) -> list[int]:
    return list(public(source).people[: COPIED[source][0]])


def _collect(source: Source, chosen: list[int]) -> Pairs:
    each = COPIED[source][1]
    return collect(_tools(), public(source), people=chosen, seed=SEED, each=each)


def _tools() -> dict[str, Attack]:
    real, stored = [load(REAL)], partial(Cached, cache=CloakCache())
    return {
        "LowKey": stored(LowKey(real, steps=STEPS, step_size=STEP_SIZE)),
        "Fawkes v1.0": stored(FawkesV1(real, steps=40, learning_rate=25.0)),
    }


def _cloak_one(source: Source, label: int) -> str:
    torch.set_num_threads(1)
    _collect(source, [label])
    return f"copies of person {label}, {source}"

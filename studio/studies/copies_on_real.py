"""Cloaked copies of public people, crafted on the real extractor.

Trainers who adapt that extractor train on them. The people are rendered ones, or the public people
of Labeled Faces in the Wild; none of them is in a gallery of the studies.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from poisonlib import people
from poisonlib.attacks import Attack, Cached, CloakCache, FawkesV03, FawkesV1, LowKey
from poisonlib.defenses.pairs import Pairs, collect, numbers
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
COPIED = {
    "rendered": {"LowKey": (80, 6), "Fawkes v1.0": (80, 6), "Fawkes v0.3": (40, 1)},
    "photographs": {"LowKey": (40, 8), "Fawkes v1.0": (40, 8)},
}
"""By which tools how many people have copies, and of how many photographs."""
FOR_DETECTOR = (40, 2)
"""The same for a detector, whose copies are by all tools at full strength."""
STEPS, STEP_SIZE = 8, 0.0156
"""LowKey's walk of 50 steps in 8 that are as much longer: a sixth of the time, and as far."""


def public(source: Source) -> Photos:
    """The clean photographs of all public people.

    Raises:
        FileNotFoundError: LFW is wanted and not on this machine.
    """
    return lfw.public() if source == "photographs" else as_published(people.load("public"))


def copies(source: Source, *, processes: int = 1, progress: Progress = no_progress) -> Pairs:
    """Copies of many photographs by hurried tools, crafted on the real extractor.

    Cloaks that are not in the default cache are made first.

    Args:
        source: of the people.
        processes: to make cloaks in.
        progress: called with (jobs done, jobs in all, what is being done).
    """
    chosen = COPIED[source]
    jobs = [
        (source, tool, label)
        for tool, (count, _) in chosen.items()
        for label in public(source).people[:count]
    ]
    in_processes(_cloak_one, jobs, processes=processes, progress=progress)
    made = [
        _collect(source, tool, public(source).people[:count]) for tool, (count, _) in chosen.items()
    ]
    return _among(public(source), made)


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
    epochs: int = 16
    learning_rate: float = 1.5e-3

    def run(
        self, *, processes: int = 1, collected: Progress = no_progress, **training: Any
    ) -> ModuleExtractor:
        """Collect copies, and distil on them.

        Args:
            processes, collected: ``processes`` and ``progress`` of :func:`copies`.
            training: ``checkpoint``, ``progress`` and ``device``.
        """
        pairs = copies(self.source, processes=processes, progress=collected)
        chosen = {"seed": self.seed, "epochs": self.epochs, "learning_rate": self.learning_rate}
        photos = public(self.source)
        return distil(load(REAL), photos, pairs, name=self.name, **chosen, **training)


DISTILLATIONS = {
    made.name: made
    for made in (
        Distillation(f"adapted-{REAL}", "rendered"),
        Distillation(f"adapted-on-photographs-{REAL}", "photographs", epochs=24),
    )
}
"""By name. The one that learnt from rendered people ships; nobody's photograph is in it."""


def copies_by_all_tools(*, progress: Progress = no_progress) -> Pairs:
    """Copies of photographs of real people by the tools at full strength, for a detector.

    Args:
        progress: called with (cloaks done, cloaks in all, what is being done).

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    tools = tools_on_both(people.load("public"), cache=CloakCache())
    photos, (count, each) = lfw.public(), FOR_DETECTOR
    who = list(photos.people[:count])
    return collect(tools, photos, people=who, seed=SEED, each=each, progress=progress)


def _collect(source: Source, tool: str, labels: Sequence[int]) -> Pairs:
    each = COPIED[source][tool][1]
    attack = {tool: _tools()[tool]}
    return collect(attack, public(source), people=list(labels), seed=SEED, each=each)


def _among(photos: Photos, parts: Sequence[Pairs]) -> Pairs:
    """Copies of some of the same photographs as one, each once for every copy."""
    place = {key: at for at, key in enumerate(_keys(photos))}
    tools = tuple(dict.fromkeys(name for part in parts for name in part.tools))
    sources, made_by = [], []
    for part in parts:
        at = torch.tensor([place[key] for key in _keys(part.photos)])
        sources.append(at[part.source])
        made_by.append(torch.tensor([tools.index(name) for name in part.tools])[part.tool])
    cloaked = torch.cat([part.cloaked for part in parts])
    return Pairs(photos, torch.cat(sources), cloaked, torch.cat(made_by), tools)


def _keys(photos: Photos) -> list[tuple[str, int]]:
    """The name of each photograph's person, and its number among theirs."""
    names = [photos.names[label] for label in photos.labels.tolist()]
    return list(zip(names, numbers(photos), strict=True))


@functools.cache
def _tools() -> dict[str, Attack]:
    real, stored = [load(REAL)], functools.partial(Cached, cache=CloakCache())
    return {
        "LowKey": stored(LowKey(real, steps=STEPS, step_size=STEP_SIZE)),
        "Fawkes v1.0": stored(FawkesV1(real, steps=40, learning_rate=25.0)),
        "Fawkes v0.3": stored(
            FawkesV03(real, targets=as_published(people.load("public")), mode="low")
        ),
    }


def _cloak_one(source: Source, tool: str, label: int) -> str:
    torch.set_num_threads(1)
    _collect(source, tool, [label])
    return f"{tool} for person {label}, {source}"

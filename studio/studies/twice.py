"""Photographs that are cloaked once more: by the same tool, or by another one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from poisonlib import cloaks, extractors, people
from poisonlib.attacks import Attack, Cached, CloakCache
from poisonlib.attacks.function import AttackLike
from poisonlib.photos import Photos
from poisonlib.progress import Progress
from poisonlib.tools import ADAPTED, at_strength
from poisonlib.trial import Trial
from studio.studies.real import line_up, photographs
from studio.studies.study import Run

IN_TURN = (
    ("LowKey",),
    ("LowKey", "LowKey"),
    ("Fawkes v1.0", "LowKey"),
    ("LowKey", "Fawkes v1.0"),
)
"""Which tools photographs go through."""
TRACKERS = ("arcface-2019", "magface-2021", ADAPTED)
"""Extractors against cloaked photographs of rendered people."""
REAL_TRACKERS = ("dlib-2017", "adapted-dlib-2017", "mobilefacenet-2019", "edgeface-2023")
"""The same of real people; those that are not on the machine are left out."""


@dataclass(frozen=True, eq=False, repr=False)
class InTurn(Attack):
    """One tool, then another one on what the first made.

    Attributes:
        first, second: the tools.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Unperturbed
        >>> from studio.studies.twice import InTurn
        >>> InTurn(Unperturbed(), Unperturbed())(torch.rand(1, 3, 32, 32), seed=0).images.shape
        torch.Size([1, 3, 32, 32])
    """

    first: AttackLike
    second: AttackLike

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        once = self.first(images, seed=seed).images
        return self.second(once, seed=seed, progress=progress).images


def twice(run: Run) -> Iterator[dict]:
    """Cloaks and cloaks on cloaks, by 1-NN: rendered people, and real ones if they are here.

    Real people's cloaks are crafted on dlib-2017, rendered people's on the tools' own surrogates.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    family = line_up(run)
    rendered = {name: extractors.load(name) for name in TRACKERS}
    real = {name: family[name] for name in REAL_TRACKERS if name in family}
    worlds = (
        ("people", people.load("users"), rendered, tools_in_turn(run.cache)),
        ("LFW", photographs()["LFW"], real, tools_in_turn(run.cache, on="dlib-2017")),
    )
    for name, photos, trackers, tools in worlds:
        cases = [
            Trial(attack, tracker, name=tool, columns={"photographs": name})
            for (tool, attack), tracker in itertools.product(tools.items(), trackers.values())
        ]
        table = run.trials(cases, photos, name=name)
        yield from table[table["whose"] == "user"].to_dict("records")


def tools_in_turn(cache: CloakCache, *, on: str | None = None) -> dict[str, AttackLike]:
    """Attacks by the names of the tools in them.

    Args:
        cache: of the cloaks.
        on: the extractor that all cloaks are crafted on; by default each tool's own surrogates.
    """
    surrogates = None if on is None else [extractors.load(on)]
    public: Photos = people.load("public")

    def tool(name: str) -> Attack:
        return Cached(at_strength(name, "high", public=public, surrogates=surrogates), cache)

    shipped = cloaks.load() if on is None else {}
    tools: dict[str, AttackLike] = {}
    for names in IN_TURN:
        attack = shipped.get(names[0]) or tool(names[0])
        for name in names[1:]:
            attack = InTurn(attack, tool(name))
        tools[", then ".join(names)] = attack
    return tools

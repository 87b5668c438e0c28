"""A sweep of toys: six people, two quick tools, one small network.

Imported by the workers of a cluster as well. ``python -m tests.sweep.toys FOLDER`` runs a sweep
that takes a few seconds, to be killed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from poisonlib.attacks import Attack, Cloak
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
from poisonlib.progress import Progress
from tests.toys import PooledLinear, people
from workbench import extractors, sweep
from workbench.sweep import config, jobs

CARD = Card("toy", 2026, "linear", "none", "none", 48, 16, "MIT")
TOY = ModuleExtractor(PooledLinear(), CARD, Preprocessing(size=48))
PEOPLE = people(6, 5)


class Brighter(Attack):
    """Takes a while for each user; not measured, which would take longer."""

    def __init__(self, by: float, *, seconds: float = 0.0) -> None:
        self.by, self.seconds = by, seconds

    @property
    def settings(self) -> dict[str, float]:
        return {"by": self.by}

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        time.sleep(self.seconds)
        return images + self.by

    def _measure(self, images: Tensor, original: Tensor) -> Cloak:
        nothing = torch.zeros(len(images))
        return Cloak(images, nothing, nothing, nothing, self.steps, repr(self))


TOOLS = {name: Brighter(by, seconds=0.3) for name, by in (("one", 0.1), ("two", 0.2))}


def config_of_toys(**changes: object) -> sweep.Config:
    given = {"users": 3, "seeds": (0, 1), "users_per_job": 2} | changes
    return sweep.Config("people", **{"tools": ("one", "two"), "extractors": ("toy",)} | given)


def use_toys(setattr=setattr, *, seconds: float = 0.3) -> None:
    """Let sweeps in this process run on toys."""
    quick = {name: Brighter(tool.by, seconds=seconds) for name, tool in TOOLS.items()}
    setattr(config, "tools", lambda: quick)
    setattr(jobs, "tools", lambda: quick)
    setattr(extractors, "load", lambda name: TOY)
    setattr(sweep.Config, "load", lambda self: PEOPLE)
    jobs._tools.cache_clear()
    jobs._extractor.cache_clear()


def dask_setup(worker: object) -> None:
    """Called by Dask in each worker that preloads this module."""
    use_toys()


if __name__ == "__main__":
    use_toys()
    sweep.run(config_of_toys(), Path(sys.argv[1]))

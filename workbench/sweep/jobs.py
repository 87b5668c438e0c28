"""The jobs of a sweep: small, so that little is lost with one, and independent of each other.

First cloaks and embeddings, then the trials that use both.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from poisonlib.attacks import Attack, Cached
from poisonlib.attacks.cache import cache_key
from poisonlib.extractors import Extractor, ModuleExtractor, embed
from poisonlib.hashing import sha256_of_json
from poisonlib.recognition import RECOGNISERS
from poisonlib.trial import Trial, choose_users, cloak_user, grid
from workbench import extractors
from workbench.extractors import OnDevice
from workbench.sweep.config import Config, tools
from workbench.sweep.folder import SweepFolder

#: Pairs of photographs in one piece of a lookup.
MILLION = 1_000_000


class Job(ABC):
    """One piece of work. Jobs are frozen and small, so that they can be sent to any worker."""

    @abstractmethod
    def run(self, folder: SweepFolder, embeddings: Tensor | None = None) -> Result:
        """Do the work in this process."""


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        entry: for the log: the columns of :func:`~workbench.sweep.timings`, and of trials the
            ``rows`` of their table.
        embeddings: of an embedding job, ``(n, d)``.
    """

    entry: dict[str, Any]
    embeddings: Tensor | None = None


@dataclass(frozen=True)
class CloakJob(Job):
    """Crafts the cloaks of one user's training photographs by one tool.

    Attributes:
        tool: by name.
        user: label.
        seed: of the trial.
    """

    tool: str
    user: int
    seed: int

    def __str__(self) -> str:
        return f"{self.tool} for person {self.user}, seed {self.seed}"

    def is_finished(self, folder: SweepFolder) -> bool:
        """Whether the cloaks are in the folder, undamaged."""
        training = (folder.photos.labels == self.user) & ~folder.test(self.seed)
        images = folder.photos.images[training]
        key = cache_key(_tools()[self.tool], images, seed=self.seed + self.user)
        return folder.cloaks.get(key) is not None

    def run(self, folder: SweepFolder, embeddings: Tensor | None = None) -> Result:
        attack, started = Cached(_tools()[self.tool], folder.cloaks), time.perf_counter()
        test = folder.test(self.seed)
        cloak = cloak_user(attack, folder.photos, self.user, test=test, seed=self.seed)
        return Result(_timing("cloaks", self.tool, len(cloak), started))


@dataclass(frozen=True)
class EmbeddingJob(Job):
    """Embeds everybody's photographs by one extractor.

    Attributes:
        extractor: by name.
    """

    extractor: str

    def __str__(self) -> str:
        return f"embeddings by {self.extractor}"

    def run(self, folder: SweepFolder, embeddings: Tensor | None = None) -> Result:
        network, photos = _extractor(self.extractor), folder.photos
        started = time.perf_counter()
        # In parts, as the photographs are mapped from disk.
        made = torch.cat([embed(network, part) for part in photos.images.split(256)])
        return Result(_timing("embeddings", self.extractor, len(photos), started), made)


@dataclass(frozen=True)
class TrialJob(Job):
    """The trial of one tool against one extractor and recogniser, for some of the users.

    Attributes:
        tool, extractor, recogniser: by name.
        seed: of the trial.
        users: labels.
    """

    tool: str
    extractor: str
    recogniser: str
    seed: int
    users: tuple[int, ...]

    def __str__(self) -> str:
        people = ", ".join(map(str, self.users))
        against = f"{self.extractor}, {self.recogniser}"
        return f"{self.tool} against {against}, seed {self.seed}: persons {people}"

    @property
    def key(self) -> str:
        """In the log: by settings and weights, so that with other ones the job is another."""
        attack = _tools()[self.tool]
        networks = [network.fingerprint for network in attack.extractors]
        networks.append(_extractor(self.extractor).fingerprint)
        return f"{self} [{sha256_of_json(dict(attack.settings), networks)[:16]}]"

    def run(self, folder: SweepFolder, embeddings: Tensor | None = None) -> Result:
        started, network, photos = time.perf_counter(), _extractor(self.extractor), folder.photos
        trial = Trial(
            Cached(_tools()[self.tool], folder.cloaks),
            network,
            RECOGNISERS[self.recogniser],
            name=self.tool,
            columns={"recogniser": self.recogniser, "seed": self.seed},
        )
        known = None if embeddings is None else {network.fingerprint: embeddings}
        table = grid([trial], photos, users=self.users, seed=self.seed, embeddings=known)
        test = int(folder.test(self.seed).sum())
        # The test photographs are also looked up once without any cloak.
        pairs = test * (len(self.users) + 1) * (len(photos) - test)
        what = f"{self.recogniser}, {self.extractor}"
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return Result(_timing("lookups", what, pairs / MILLION, started) | {"rows": rows})


def plan(config: Config, folder: SweepFolder) -> tuple[list[CloakJob], list[TrialJob]]:
    """The jobs of a sweep that depend on the configuration, whether they are finished or not.

    Returns:
        cloaks, the tools that are named last first, as the strongest usually are; and trials.

    Example:
        >>> from workbench.sweep import Config, open_folder, plan
        >>> config = Config("people", ("LowKey",), ("softmax-2014",), users=2)
        >>> cloaks, trials = plan(config, open_folder("sweep", config))
        >>> len(cloaks), [str(trial).split(":")[0] for trial in trials]
        (2, ['LowKey against softmax-2014, 1-NN, seed 0'])
    """
    photos = folder.photos
    count = config.users or len(photos.people)
    chosen = {seed: choose_users(photos, count, seed=seed) for seed in config.seeds}
    cloaks = [
        CloakJob(tool, user, seed)
        for tool in reversed(config.tools)
        for seed in config.seeds
        for user in chosen[seed]
    ]
    trials = [
        TrialJob(tool, extractor, recogniser, seed, some)
        for extractor in config.extractors
        for recogniser in config.recognisers
        for tool in config.tools
        for seed in config.seeds
        for some in _batches(chosen[seed], config.users_per_job)
    ]
    return cloaks, trials


def _batches(labels: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    for first in range(0, len(labels), size):
        yield tuple(labels[first : first + size])


def _timing(kind: str, what: str, pieces: float, started: float) -> dict[str, Any]:
    seconds = time.perf_counter() - started
    about = {"kind": kind, "what": what, "pieces": pieces}
    return about | {"seconds": seconds, "device": device().type}


# Once in each worker.


@functools.cache
def device() -> torch.device:
    """Where this process computes: a GPU where there is one, assigned by process id.

    A cluster that shows each worker one GPU only, as dask-cuda does, assigns them itself.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", os.getpid() % torch.cuda.device_count())


@functools.cache
def _tools() -> dict[str, Attack]:
    here = device()
    if here.type == "cpu":
        return dict(tools())
    return {
        name: dataclasses.replace(
            attack, extractors=tuple(OnDevice(network, here) for network in attack.extractors)
        )
        for name, attack in tools().items()
    }


@functools.cache
def _extractor(name: str) -> Extractor:
    network, here = extractors.load(name), device()
    moves = here.type != "cpu" and isinstance(network, ModuleExtractor)
    return OnDevice(network, here) if moves else network

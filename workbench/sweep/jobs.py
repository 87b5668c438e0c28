"""The jobs of a sweep: small enough to lose one, each leaving its result on disk.

First cloaks and embeddings, which need nothing of each other, then the turns of the trials.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from poisonlib import atomic
from poisonlib.attacks import Attack, Cached
from poisonlib.attacks.cache import cache_key
from poisonlib.extractors import Extractor, ModuleExtractor, embed
from poisonlib.recognition import RECOGNISERS
from poisonlib.trial import Trial, choose_users, split
from workbench import extractors
from workbench.extractors import OnDevice
from workbench.sweep.config import Config, tools
from workbench.sweep.ledger import Entry, enter
from workbench.sweep.store import Store


class Job(ABC):
    """Something to make, once. Jobs are frozen, small, and travel to whoever does them."""

    @abstractmethod
    def do(self, store: Store) -> bool:
        """Make it unless it is there; returns whether it had to be made."""


@dataclass(frozen=True)
class Cloaks(Job):
    """One user's training photographs in the cloaks of one tool, as a trial makes them.

    Attributes:
        tool: by name.
        user: label.
        seed: of the trial.

    Example:
        >>> from workbench.sweep import Cloaks
        >>> print(Cloaks("LowKey", user=3, seed=0))
        LowKey for person 3, seed 0
    """

    tool: str
    user: int
    seed: int

    def __str__(self) -> str:
        return f"{self.tool} for person {self.user}, seed {self.seed}"

    def do(self, store: Store) -> bool:
        attack = _tools()[self.tool]
        mine = (store.photos.labels == self.user) & ~_test(store, self.seed)
        images, seed = store.photos.images[mine], self.seed + self.user
        key = cache_key(attack, images, seed=seed)
        if store.cloaks.get(key) is not None:
            return False
        started = time.perf_counter()
        store.cloaks.put(key, attack(images, seed=seed))
        seconds = time.perf_counter() - started
        enter(store, Entry("cloaks", key, self.tool, len(images), 0, seconds, device().type))
        return True


@dataclass(frozen=True)
class Rows(Job):
    """Everybody's photographs, embedded by one extractor.

    Attributes:
        extractor: by name.

    Example:
        >>> from workbench.sweep import Rows
        >>> print(Rows("magface-2021"))
        everybody through magface-2021
    """

    extractor: str

    def __str__(self) -> str:
        return f"everybody through {self.extractor}"

    def do(self, store: Store) -> bool:
        network = _extractor(self.extractor)
        path = store.rows(network.fingerprint)
        if path.exists():
            return False
        started = time.perf_counter()
        images = store.photos.images
        rows = torch.cat([embed(network, part) for part in images.split(256)]).numpy()
        with atomic.writing(path) as file:
            np.save(file, rows)
        seconds = time.perf_counter() - started
        entry = Entry("rows", path.stem, self.extractor, len(images), 0, seconds, device().type)
        enter(store, entry)
        return True


@dataclass(frozen=True)
class Turns(Job):
    """The trial of one tool before one extractor and recogniser, for some of the users.

    Attributes:
        tool, extractor, recogniser: by name.
        seed: of the trial.
        users: labels, who protect themselves in turn.

    Example:
        >>> from workbench.sweep import Turns
        >>> print(Turns("LowKey", "magface-2021", "1-NN", seed=0, users=(3, 7)))
        LowKey against magface-2021, 1-NN, seed 0: turns of persons 3, 7
    """

    tool: str
    extractor: str
    recogniser: str
    seed: int
    users: tuple[int, ...]

    def __str__(self) -> str:
        people = ", ".join(map(str, self.users))
        met = f"{self.extractor}, {self.recogniser}"
        return f"{self.tool} against {met}, seed {self.seed}: turns of persons {people}"

    def do(self, store: Store) -> bool:
        path = self.path(store)
        if path.exists():
            return False
        started = time.perf_counter()
        network, photos = _extractor(self.extractor), store.photos
        attack = Cached(_tools()[self.tool], store.cloaks)
        trial = Trial(attack, network, RECOGNISERS[self.recogniser], name=self.tool)
        rows = torch.from_numpy(np.load(store.rows(network.fingerprint)))
        result = trial.run(photos, users=self.users, seed=self.seed, embeddings=rows)
        table = result.table.assign(recogniser=self.recogniser, seed=self.seed)
        with atomic.writing(path) as file:
            table.to_parquet(file, index=False)
        seconds = time.perf_counter() - started
        test = int(_test(store, self.seed).sum())
        asked, gallery = test * (len(self.users) + 1), len(photos) - test
        what = f"{self.recogniser}, {self.extractor}"
        enter(store, Entry("turns", path.stem, what, asked, gallery, seconds, device().type))
        return True

    def path(self, store: Store) -> Path:
        """Where the result is: by settings and weights, so that other ones are another file."""
        attack = _tools()[self.tool]
        surrogates = [network.fingerprint for network in attack.extractors]
        met = _extractor(self.extractor).fingerprint
        run = (self.recogniser, self.seed, self.users)
        return store.turns(self.tool, dict(attack.settings), surrogates, met, *run)


def plan(config: Config, store: Store) -> tuple[list[Job], list[Job]]:
    """All jobs of a sweep, whether they have been done or not.

    Returns:
        what can begin at once, the longest first; and the turns, which need all of that.

    Example:
        >>> from workbench.sweep import Config, plan
        >>> from workbench.sweep.store import open_store
        >>> config = Config("people", ("LowKey",), ("softmax-2014",), users=2)
        >>> store = open_store("sweep", config)
        >>> first, turns = plan(config, store)
        >>> [type(job).__name__ for job in (*first, *turns)]
        ['Rows', 'Cloaks', 'Cloaks', 'Turns']
    """
    chosen = {seed: users(config, store, seed) for seed in config.seeds}
    cloaks = [
        Cloaks(tool, user, seed)
        for tool in reversed(config.tools)
        for seed in config.seeds
        for user in chosen[seed]
    ]
    rows = [Rows(extractor) for extractor in config.extractors]
    turns = [
        Turns(tool, extractor, recogniser, seed, some)
        for extractor in config.extractors
        for recogniser in config.recognisers
        for tool in config.tools
        for seed in config.seeds
        for some in _batches(chosen[seed], config.turns)
    ]
    return [*rows, *cloaks], turns


def _batches(labels: list[int], size: int) -> Iterator[tuple[int, ...]]:
    for first in range(0, len(labels), size):
        yield tuple(labels[first : first + size])


def users(config: Config, store: Store, seed: int) -> list[int]:
    """Labels of those who protect themselves under a seed, by ``choose_users``.

    Raises:
        ValueError: more than there are people.
    """
    return choose_users(store.photos, config.users or len(store.photos.people), seed=seed)


@functools.cache
def device() -> torch.device:
    """Where this process computes: a GPU where there is one, shared out by process id.

    A cluster that hides all GPUs but one from each worker, as dask-cuda does, decides it itself.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", os.getpid() % torch.cuda.device_count())


# Loaded once in each worker.


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


@functools.cache
def _test(store: Store, seed: int) -> torch.Tensor:
    return split(store.photos.labels, seed=seed)

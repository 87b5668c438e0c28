"""The folder of a sweep: all that its workers share, every file of it whole or not there.

On a cluster the folder must be one that every worker sees under the same path.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from poisonlib import atomic, provenance
from poisonlib.attacks import CloakCache
from poisonlib.hashing import sha256_of_json
from poisonlib.photos import Photos
from poisonlib.trial import as_published
from workbench.sweep.config import Config

PHOTOGRAPHS, PEOPLE = "photographs.npy", "people.json"


@dataclass(frozen=True)
class Store:
    """A sweep's folder.

    Attributes:
        folder: absolute path; made by :func:`open_store`.
    """

    folder: Path

    @property
    def cloaks(self) -> CloakCache:
        """Where the cloaks are kept, by content."""
        return CloakCache(self.folder / "cloaks")

    @property
    def ledger(self) -> Path:
        """The folder with an entry for each job that was finished."""
        return self.folder / "ledger"

    @property
    def results(self) -> Path:
        """The one table, written when everything has run."""
        return self.folder / "results.parquet"

    def rows(self, extractor: str) -> Path:
        """Where the embeddings of everybody by one extractor are."""
        return self.folder / "rows" / f"{key_of(extractor)}.npy"

    def turns(self, *what: object) -> Path:
        """Where the rows of the trial of these users are."""
        return self.folder / "turns" / f"{key_of(*what)}.parquet"

    @property
    def photos(self) -> Photos:
        """Everybody's photographs as published, mapped from disk rather than held in memory."""
        return _photos(self.folder)


def open_store(folder: Path | str, config: Config) -> Store:
    """Make a sweep's folder, or open it again with more or less to do.

    The photographs are read once, when the folder is made: whatever happens to their source later,
    the sweep goes on with the same ones.

    Raises:
        ValueError: the folder holds a sweep of other photographs, or something else.
        FileNotFoundError: the photographs are not there.
    """
    store = Store(Path(folder).expanduser().resolve())
    described = store.folder / PEOPLE
    if described.is_file():
        kept = json.loads(described.read_text(encoding="utf-8"))["photographs"]
        if kept != config.photographs:
            raise ValueError(
                f"{store.folder} holds a sweep of the photographs {kept!r}, this one is of "
                f"{config.photographs!r}; name another folder"
            )
        return store
    if store.folder.exists() and not _unfinished(store.folder):
        raise ValueError(f"{store.folder} is no sweep's folder and not empty; name another")
    photos = as_published(config.load())
    with atomic.writing(store.folder / PHOTOGRAPHS) as file:
        np.save(file, photos.images.numpy())
    labels, names = photos.labels.tolist(), list(photos.names)
    content = {"photographs": config.photographs, "labels": labels, "names": names}
    provenance.write_json(described, content)  # last: it says that the folder is complete
    return store


def _unfinished(folder: Path) -> bool:
    """Whether a folder is empty, or holds what a sweep that was killed at its start left."""
    ours = (PHOTOGRAPHS, f".{PHOTOGRAPHS}.", f".{PEOPLE}.")
    return folder.is_dir() and all(path.name.startswith(ours) for path in folder.iterdir())


@functools.cache
def _photos(folder: Path) -> Photos:
    """Opened once in each process."""
    described = json.loads((folder / PEOPLE).read_text(encoding="utf-8"))
    images = np.load(folder / PHOTOGRAPHS, mmap_mode="c")
    labels = torch.tensor(described["labels"])
    return Photos(torch.from_numpy(images), labels, tuple(described["names"]))


def key_of(*what: object) -> str:
    """A name for a file that depends on all of these, which JSON can hold."""
    return sha256_of_json(*what)[:24]

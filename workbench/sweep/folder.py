"""The folder of a sweep: all that its workers share, every file of it complete or not there.

On a cluster the folder must be one that every worker sees under the same path. Embeddings are never
in it: they identify people.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import torch
from torch import Tensor

from poisonlib import atomic, provenance
from poisonlib.attacks import CloakCache
from poisonlib.log import Log
from poisonlib.photos import Photos
from poisonlib.trial import as_published, split
from workbench.sweep.config import Config

PHOTOGRAPHS, PEOPLE = "photographs.npy", "people.json"


@dataclass(frozen=True)
class SweepFolder:
    """A sweep's folder.

    Attributes:
        path: absolute; made by :func:`open_folder`.
    """

    path: Path

    @property
    def cloaks(self) -> CloakCache:
        """The cloaks, by content."""
        return CloakCache(self.path / "cloaks")

    @property
    def table(self) -> Path:
        """The table of results, written when everything has run."""
        return self.path / "results.parquet"

    @property
    def log(self) -> Log:
        """The result of each finished job; the sweep resumes from it."""
        return Log(self.path / "sweep.jsonl", about={"log": "sweep"})

    @property
    def photos(self) -> Photos:
        """Everybody's photographs as published, mapped from disk rather than held in memory."""
        return _photos(self.path)

    def test(self, seed: int) -> Tensor:
        """``(n,)`` bool, which photographs are for testing under a seed."""
        return _test(self.path, seed)


def open_folder(folder: Path | str, config: Config) -> SweepFolder:
    """Make a sweep's folder, or open an existing one with more or less to do.

    The photographs are read once, when the folder is made: later changes of their source make no
    difference.

    Raises:
        ValueError: the folder holds a sweep of other photographs, or something else.
        FileNotFoundError: the photographs are not there.
    """
    path = Path(folder).expanduser().resolve()
    people = path / PEOPLE
    if people.is_file():
        before = json.loads(people.read_text(encoding="utf-8"))["photographs"]
        if before != config.photographs:
            raise ValueError(
                f"{path} holds a sweep of the photographs {before!r}, this one is of "
                f"{config.photographs!r}; name another folder"
            )
        return SweepFolder(path)
    if path.exists() and not _is_unfinished(path):
        raise ValueError(f"{path} is no sweep's folder and not empty; name another")
    photos = as_published(config.load())
    with atomic.writing(path / PHOTOGRAPHS) as file:
        np.save(file, photos.images.numpy())
    labels, names = photos.labels.tolist(), list(photos.names)
    content = {"photographs": config.photographs, "labels": labels, "names": names}
    provenance.write_json(people, content)  # last, as it says that the folder is complete
    return SweepFolder(path)


def timings(folder: SweepFolder | Path | str) -> pandas.DataFrame:
    """The time of every finished job of a sweep.

    Returns:
        a row for each job: its ``kind`` (``"cloaks"``, ``"embeddings"`` or ``"lookups"``), ``what``
        (the tool, the extractor, or recogniser and extractor), how many ``pieces`` (photographs, or
        for lookups millions of compared pairs) took how many ``seconds`` on which ``device``.
    """
    folder = folder if isinstance(folder, SweepFolder) else SweepFolder(Path(folder))
    columns = ["kind", "what", "pieces", "seconds", "device"]
    log = folder.log
    return pandas.DataFrame([log[key] for key in log], columns=columns)


def _is_unfinished(path: Path) -> bool:
    """Whether a folder is empty, or holds what a sweep that was killed at its start left."""
    return path.is_dir() and all(
        entry.name == PHOTOGRAPHS or entry.name.endswith(atomic.PARTIAL) for entry in path.iterdir()
    )


# Once in each process.


@functools.cache
def _photos(path: Path) -> Photos:
    people = json.loads((path / PEOPLE).read_text(encoding="utf-8"))
    images = np.load(path / PHOTOGRAPHS, mmap_mode="c")
    labels = torch.tensor(people["labels"])
    return Photos(torch.from_numpy(images), labels, tuple(people["names"]))


@functools.cache
def _test(path: Path, seed: int) -> Tensor:
    return split(_photos(path).labels, seed=seed)

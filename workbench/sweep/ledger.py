"""Who made what in how many seconds: one small file for each job that was finished.

What was found finished has no second entry, so the ledger shows that nothing was made twice. The
cost model is computed from it.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from poisonlib import provenance
from workbench.sweep.store import Store


@dataclass(frozen=True)
class Entry:
    """A finished job.

    Attributes:
        kind: ``"cloaks"``, ``"rows"`` or ``"turns"``.
        key: of what was made; one entry for each.
        what: the tool that cloaked, the extractor that embedded, or the recogniser that was asked.
        photographs: how many were cloaked or embedded; of turns, how many test photographs were
            looked up, over all galleries.
        gallery: of turns, how many photographs each of them was compared with; else 0.
        seconds: wall time of the job.
        device: ``"cpu"`` or ``"cuda"``.

    Example:
        >>> from workbench.sweep import Entry
        >>> done = Entry("cloaks", "a key", "LowKey", 8, 0, seconds=24.0, device="cpu")
        >>> done.seconds / done.photographs
        3.0
    """

    kind: str
    key: str
    what: str
    photographs: int
    gallery: int
    seconds: float
    device: str


def enter(store: Store, entry: Entry) -> None:
    """Keep an entry; called once the job's result is on disk."""
    name = f"{entry.kind}-{entry.key}-{uuid.uuid4().hex[:8]}.json"
    provenance.write_json(store.ledger / name, dataclasses.asdict(entry))


def entries(store: Store) -> Iterator[Entry]:
    """All entries, in the order of their files' names.

    Example:
        >>> from workbench.sweep import Config, entries
        >>> from workbench.sweep.store import open_store
        >>> config = Config("people", ("LowKey",), ("softmax-2014",), users=2)
        >>> store = open_store("sweep", config)
        >>> list(entries(store))  # nothing has run yet
        []
    """
    for path in sorted(store.ledger.glob("*.json")):
        yield Entry(**json.loads(path.read_text(encoding="utf-8")))

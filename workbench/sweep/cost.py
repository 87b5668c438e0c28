"""What a sweep costs: measured seconds for each piece, and how many pieces there are.

Cloaking and embedding cost so much for each photograph; looking up costs so much for each pair of
a test photograph and a gallery photograph. Both are measured on the ledger of a small sweep.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.sweep.ledger import Entry

#: Pairs of photographs compared in what the cost model calls a lookup of its own.
MILLION = 1_000_000


@dataclass(frozen=True)
class Cost:
    """How long a sweep takes one core of the machine that was measured, in seconds.

    Attributes:
        cloaks: making cloaks.
        rows: embedding everybody.
        turns: looking people up.

    Example:
        >>> from workbench.sweep import Cost
        >>> Cost(cloaks=3600.0, rows=60.0, turns=40.0).wall(4, efficiency=0.925)
        1000.0
    """

    cloaks: float
    rows: float
    turns: float

    @property
    def total(self) -> float:
        """All of it, in seconds of one core."""
        return self.cloaks + self.rows + self.turns

    def wall(self, workers: int, *, efficiency: float = 1.0, faster: float = 1.0) -> float:
        """Seconds until it is done.

        Args:
            workers: that share the jobs.
            efficiency: of sharing, in (0, 1]: speed-up divided by workers, measured or assumed. One
                worker shares with nobody.
            faster: how many times faster than the measured core a worker runs a network, so on
                cloaks and embeddings; looking up is left as it is.

        Raises:
            ValueError: no workers, or a number outside its range.
        """
        if workers < 1 or not 0 < efficiency <= 1 or not faster > 0:
            raise ValueError(
                "expected workers >= 1, efficiency in (0, 1] and faster > 0, got "
                f"{workers}, {efficiency}, {faster}"
            )
        alone = (self.cloaks + self.rows) / faster + self.turns
        return alone if workers == 1 else alone / (workers * efficiency)


def measured(ledger: Iterable[Entry]) -> Mapping[tuple[str, str], float]:
    """Seconds for each piece, by (kind, what).

    Args:
        ledger: of a sweep, :func:`~workbench.sweep.entries`.

    Returns:
        seconds for each photograph under ``("cloaks", tool)`` and ``("rows", extractor)``, and for
        each million of compared pairs under ``("turns", "recogniser, extractor")``. Jobs of one
        kind are pooled, so that long ones count by their length.

    Raises:
        ValueError: an empty ledger.

    Example:
        >>> from workbench.sweep import Entry, measured
        >>> ledger = [
        ...     Entry("cloaks", "a", "LowKey", 8, 0, seconds=24.0, device="cpu"),
        ...     Entry("rows", "b", "softmax-2014", 1200, 0, seconds=3.0, device="cpu"),
        ...     Entry("turns", "c", "1-NN, softmax-2014", 900, 900, seconds=0.81, device="cpu"),
        ... ]
        >>> measured(ledger)["cloaks", "LowKey"]  # seconds for each photograph
        3.0
    """
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    pieces: dict[tuple[str, str], float] = defaultdict(float)
    for entry in ledger:
        key = (entry.kind, entry.what)
        seconds[key] += entry.seconds
        pairs = entry.photographs * entry.gallery / MILLION
        pieces[key] += pairs if entry.kind == "turns" else entry.photographs
    if not seconds:
        raise ValueError("the ledger is empty; run a sweep that has something to make")
    return {key: seconds[key] / pieces[key] for key in seconds}


def estimate(
    costs: Mapping[tuple[str, str], float],
    *,
    people: int,
    photographs: int,
    users: int | None = None,
    seeds: int = 1,
    test_share: float = 0.3,
    turns: int = 10,
) -> Cost:
    """What a sweep of every tool, extractor and recogniser that was measured costs at another size.

    Args:
        costs: of :func:`measured`.
        people: in the set.
        photographs: of all of them together.
        users: who protect themselves in turn; everybody by default.
        seeds: how often all of it is repeated.
        test_share: of each person's photographs.
        turns: users in one job of recognition.

    Returns:
        seconds of one core.

    Raises:
        ValueError: no people, fewer photographs than people, or more users than people.

    Example:
        >>> from workbench.sweep import Entry, estimate, measured
        >>> ledger = [
        ...     Entry("cloaks", "a", "LowKey", 8, 0, seconds=24.0, device="cpu"),
        ...     Entry("rows", "b", "softmax-2014", 1200, 0, seconds=3.0, device="cpu"),
        ...     Entry("turns", "c", "1-NN, softmax-2014", 900, 900, seconds=0.81, device="cpu"),
        ... ]
        >>> cost = estimate(measured(ledger), people=100, photographs=1000)
        >>> cost.cloaks  # seconds: 700 training photographs, three for each
        2100.0
    """
    users = people if users is None else users
    if not 0 < users <= people <= photographs:
        raise ValueError(
            f"expected 0 < users <= people <= photographs, got {users}, {people} and {photographs}"
        )
    test = photographs * test_share
    gallery = photographs - test
    # In each job of recognition all test photographs are looked up once more, before any cloak.
    lookups = (users + math.ceil(users / turns)) * test * gallery / MILLION
    tools = sum(kind == "cloaks" for kind, _ in costs)
    worn = users * gallery / people * seeds
    parts = {"cloaks": worn, "rows": float(photographs), "turns": lookups * tools * seeds}
    sums = dict.fromkeys(parts, 0.0)
    for (kind, _), seconds in costs.items():
        sums[kind] += seconds * parts[kind]
    return Cost(**sums)

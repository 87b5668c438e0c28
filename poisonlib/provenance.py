"""Where a recorded number comes from, stored together with the number.

Slow experiments are commands. Their small results are kept as JSON files that state the command,
the commit, the seed, the class of machine and the date, and the book reads those files.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from poisonlib import atomic

RECORDED = resources.files("poisonlib") / "data" / "recorded"


@dataclass(frozen=True)
class Provenance:
    """The origin of a recorded result.

    Attributes:
        command: what was typed, so that it can be typed again.
        commit: of poisonlib, with ``+`` where the working tree had changes.
        seed: of the run.
        machine: class of machine, e.g. ``"2 cores x86_64, 23 GiB"``; never a host name.
        date: ISO date of the run.
        seconds: wall time.
        versions: of the libraries that do the arithmetic.

    Example:
        >>> from poisonlib import provenance
        >>> origin = provenance.load("baseline").provenance
        >>> origin.command.split()[:5]
        ['python', '-m', 'poisonlib', 'record', 'baseline']
        >>> sorted(origin.versions)
        ['numpy', 'torch']
    """

    command: str
    commit: str
    seed: int
    machine: str
    date: str
    seconds: float
    versions: Mapping[str, str]

    def __str__(self) -> str:
        return (
            f"{self.command} (commit {self.commit}, seed {self.seed}, {self.machine}, "
            f"{self.date}, {self.seconds:.0f} s)"
        )


def machine_class() -> str:
    """Cores, architecture and memory of this machine, without its name.

    Example:
        >>> from poisonlib import provenance
        >>> "cores" in provenance.machine_class()
        True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return f"{cores} cores {platform.machine()}"
    return f"{cores} cores {platform.machine()}, {memory:.0f} GiB"


def commit() -> str:
    """The commit that poisonlib runs from, or its version when it is not in a checkout.

    Example:
        >>> from poisonlib import provenance
        >>> len(provenance.commit()) >= 10  # digits of the commit, or "version 0.1.0"
        True
    """
    from poisonlib import __version__

    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        head = git("rev-parse", "--short=10", "HEAD")
        return head + ("+" if git("status", "--porcelain", "--", "*.py") else "")
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}"


def of_run(command: str, *, seed: int, seconds: float) -> Provenance:
    """The provenance of a run that has just ended on this machine.

    Example:
        >>> from poisonlib import provenance
        >>> run = provenance.of_run("python -m poisonlib record mine", seed=0, seconds=12.34)
        >>> run.seed, run.seconds
        (0, 12.3)
    """
    import numpy
    import torch

    return Provenance(
        command=command,
        commit=commit(),
        seed=seed,
        machine=machine_class(),
        date=datetime.date.today().isoformat(),
        seconds=round(seconds, 1),
        versions={"torch": torch.__version__, "numpy": numpy.__version__},
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one step: readers see the old file or the new one, never half.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import provenance
        >>> provenance.write_json(Path("notes/of_mine.json"), {"seed": 0})
        >>> Path("notes/of_mine.json").read_text()
        '{\\n "seed": 0\\n}\\n'
    """
    atomic.write(path, json.dumps(content, indent=1) + "\n")


@dataclass(frozen=True)
class Recorded:
    """A recorded result: its rows (a tidy table) and where they come from.

    On disk the columns are named once, and each row is a line of values, null where it has none.
    A missing value of a table, NaN, is none: strict readers of JSON know no NaN.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import provenance
        >>> origin = provenance.of_run("by hand", seed=0, seconds=1)
        >>> mine = provenance.Recorded([{"tool": "LowKey", "errors": 3}], origin)
        >>> mine.save(Path("mine.json"))
        >>> provenance.load("mine", folder=Path(".")).rows
        [{'tool': 'LowKey', 'errors': 3}]
    """

    rows: Sequence[Mapping[str, Any]]
    provenance: Provenance

    @property
    def table(self):
        """The rows as a pandas DataFrame."""
        import pandas

        return pandas.DataFrame(list(self.rows))

    def save(self, path: Path) -> None:
        """Write to ``path`` as JSON, in one step."""
        origin = json.dumps(dataclasses.asdict(self.provenance), indent=1)
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        lines = ",\n".join(
            json.dumps([_or_none(row.get(name)) for name in columns], allow_nan=False)
            for row in self.rows
        )
        head = f'"provenance": {origin},\n"columns": {json.dumps(columns)}'
        atomic.write(path, f'{{\n{head},\n"rows": [\n{lines}\n]\n}}\n')


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def load(name: str, *, folder: Path | None = None) -> Recorded:
    """Read a recorded result by name.

    Raises:
        ValueError: no such record; the message lists those there are.

    Example:
        >>> from poisonlib import provenance
        >>> table = provenance.load("baseline").table
        >>> sorted(table["recogniser"].unique())
        ['1-NN', 'end-to-end', 'linear']
        >>> provenance.load("nothing")
        Traceback (most recent call last):
        ValueError: no recorded result 'nothing'; there are: ...
    """
    home = Path(str(RECORDED)) if folder is None else folder
    path = home / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in home.glob("*.json"))) or "none"
        raise ValueError(
            f"no recorded result {name!r}; there are: {known}. "
            "Make one with python -m poisonlib record NAME"
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = []
    for values in content["rows"]:
        row = zip(content["columns"], values, strict=True)
        rows.append({name: value for name, value in row if value is not None})
    return Recorded(rows, Provenance(**content["provenance"]))

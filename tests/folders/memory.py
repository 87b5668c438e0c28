"""How much memory the last of many files takes more than the first few, in a process of its own.

``python -m tests.folders.memory FOLDER`` prints megabytes for pairs and for cloaks.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.folders.toys import TOYS, Tint, detect
from workbench import folders

FIRST = 10


def peak() -> float:
    """Most megabytes so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    folder = Path(sys.argv[1])
    pairs = folders.pair(folder / "clean", folder / "cloaked")
    for number, _ in enumerate(folders.align_pairs(pairs, detect=detect)):
        if number == FIRST:
            start = peak()
    paired = peak() - start
    peaks = []
    folders.cloak_folder(
        folder / "few",
        folder / "out",
        Tint(),
        **TOYS,
        batch=4,
        progress=lambda *step: peaks.append(peak()),
    )
    print(paired, peaks[-1] - peaks[FIRST])


if __name__ == "__main__":
    main()

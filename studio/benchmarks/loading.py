"""How long it takes to load the packaged people: ``python -m studio.benchmarks.loading``."""

from __future__ import annotations

import time

from poisonlib import people
from poisonlib.extractors import embed, load, names

GOAL_SECONDS = 2.0


def main() -> None:
    """Print seconds for each split, and embedding throughput for each shipped extractor."""
    for split in ("public", "users"):
        start = time.perf_counter()
        photos = people.load(split)
        seconds = time.perf_counter() - start
        print(
            f"load {split}: {len(photos)} photographs of {len(photos.people)} people in "
            f"{seconds:.2f} s  (goal <= {GOAL_SECONDS})",
            flush=True,
        )
    for name in names():
        extractor = load(name)
        embed(extractor, photos.images[:64])
        start = time.perf_counter()
        embed(extractor, photos.images[:1024])
        seconds = time.perf_counter() - start
        print(f"embed with {name}: {1024 / seconds:.0f} images/s", flush=True)


if __name__ == "__main__":
    main()

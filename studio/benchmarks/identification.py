"""Cost of naming over a bare product: ``python -m studio.benchmarks.identification``.

A nearest neighbour must compare each query with the whole gallery, which is one matrix product;
what finding the best of the products costs besides is measured here, for galleries of up to a
million embeddings. The bare product is made in the parts that suit it best of those tried, its
result thrown away. Counted is the time of the processor, and the best of several turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib.recognition import closest

GOAL = 0.7
GALLERIES = (1_000, 10_000, 100_000, 1_000_000)
WIDTH = 128
PRODUCTS = 1_000_000_000
"""Inner products in one measurement at most; with larger galleries there are fewer queries."""
PARTS = ((4096, 1_000), (512, 2048), (1024, 4096), (4096, 4096))
"""Queries and gallery rows in each part of the bare product."""


def seconds(action: Callable[[], object]) -> float:
    """Processor time of an action."""
    start = time.process_time()
    action()
    return time.process_time() - start


def product(rows: Tensor, gallery: Tensor, part: tuple[int, int]) -> None:
    """The bare cost: all inner products, in parts that fit into memory."""
    for queries in rows.split(part[0]):
        for candidates in gallery.split(part[1]):
            queries @ candidates.T


def shares(size: int, *, turns: int, queries: int = 4096) -> tuple[float, float]:
    """Queries a second of processor time, and the search's speed as a share of the bare product's.

    Args:
        size: of the gallery.
        turns: measurements of everything; the best counts.
        queries: at most so many at once.
    """
    generator = torch.Generator().manual_seed(0)
    gallery = F.normalize(torch.randn(size, WIDTH, generator=generator))
    count = max(1, min(queries, PRODUCTS // size))
    rows = F.normalize(torch.randn(count, WIDTH, generator=generator))
    closest(rows[:8], gallery)
    actions = [lambda: closest(rows, gallery)]
    actions += [lambda part=part: product(rows, gallery, part) for part in PARTS]
    # All in turn, so that whatever else the machine is doing slows both sides alike.
    measured = [[seconds(action) for action in actions] for _ in range(turns)]
    search, *bare = (min(times) for times in zip(*measured, strict=True))
    return count / search, min(bare) / search


def main() -> None:
    """Print one line for each size of gallery."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    for size in GALLERIES:
        speed, share = shares(size, turns=arguments.turns)
        print(
            f"gallery of {size:>9,}: {speed:>11,.0f} queries/s, {share:.2f} of the bare product  "
            f"(goal >= {GOAL})",
            flush=True,
        )


if __name__ == "__main__":
    main()

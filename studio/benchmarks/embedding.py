"""Cost of `extractors.embed` over a bare forward pass: ``python -m studio.benchmarks.embedding``.

The bare pass is the network alone on pictures that are preprocessed already, in batches of the
same size, without gradients, in torch's usual layout. What `embed` does besides (checks of what
goes in and comes out, resizing, normalising) costs time, and the layout that it chooses wins some.
Counted is the time of the processor, so that other work on the machine does not matter, and the
best of several passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from poisonlib import people
from poisonlib.extractors import ModuleExtractor, embed, load, names

GOAL = 0.9
PICTURES = 256
ROUNDS = 5
BATCH = 64


def seconds(action: Callable[[], object]) -> float:
    """Processor time of an action."""
    start = time.process_time()
    action()
    return time.process_time() - start


def shares(extractor: ModuleExtractor, images: torch.Tensor) -> tuple[float, float]:
    """Pictures a second of processor time through `embed`, and through the network alone."""
    with torch.no_grad():
        prepared = [extractor.preprocessing(batch) for batch in images.split(BATCH)]

        def bare() -> None:
            for batch in prepared:
                extractor.module(batch)

        bare()
        embed(extractor, images[:BATCH], batch_size=BATCH)
        pairs = [
            (seconds(lambda: embed(extractor, images, batch_size=BATCH)), seconds(bare))
            for _ in range(ROUNDS)
        ]
    through, alone = map(min, zip(*pairs, strict=True))
    return len(images) / through, len(images) / alone


def main() -> None:
    """Print both for each shipped extractor."""
    images = people.load("users").images[:PICTURES]
    for name in names():
        through, alone = shares(load(name), images)
        print(
            f"{name}: embed {through:.0f} pictures/s, bare forward pass {alone:.0f}: "
            f"{through / alone:.2f}  (goal >= {GOAL})",
            flush=True,
        )


if __name__ == "__main__":
    main()

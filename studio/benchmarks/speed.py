"""What the parts of poisonlib cost: ``python -m studio.benchmarks.speed``.

It measures processor time on one thread, the best of several rounds, so that other work on the
machine matters little; loading is wall time. Each number is printed with its goal.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import extractors, people
from poisonlib.defenses import DynamicGallery, TraceDetector, detector, pairs, purifiers
from poisonlib.extractors import ModuleExtractor, embed
from poisonlib.recognition import closest
from studio.training import train_denoiser

PICTURES, BATCH, ROUNDS = 256, 64, 3
GALLERIES, WIDTH = (1_000, 10_000, 100_000, 1_000_000), 128
PRODUCTS, QUERIES = 1_000_000_000, 4096
"""Inner products in one measurement at most, and queries: larger galleries have fewer of these."""
PARTS = ((4096, 1_000), (512, 2048), (1024, 4096), (4096, 4096))
"""Queries and gallery embeddings in each part of the bare product, of which the fastest counts."""


def seconds(action: Callable[[], object]) -> float:
    """Processor time of an action."""
    start = time.process_time()
    action()
    return time.process_time() - start


def best(*actions: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Least processor time of each action; in turn, so that all meet the same other work."""
    measured = [[seconds(action) for action in actions] for _ in range(rounds)]
    return [min(times) for times in zip(*measured, strict=True)]


def loading() -> None:
    """Seconds of wall time to load each split."""
    for split in ("public", "users"):
        start = time.perf_counter()
        photos = people.load(split)
        spent = time.perf_counter() - start
        print(f"load {split}: {len(photos)} photographs in {spent:.2f} s  (goal <= 2.0)")


def embedding() -> None:
    """`extractors.embed` against a bare forward pass of prepared pictures in batches of as many.

    Checking, resizing and normalising cost time; the memory layout that `embed` chooses wins some.
    """
    images = people.load("users").images[:PICTURES]
    for name in extractors.names():
        extractor = extractors.load(name)
        if not isinstance(extractor, ModuleExtractor):
            continue
        with torch.no_grad():
            prepared = [extractor.preprocessing(batch) for batch in images.split(BATCH)]
            checked, bare = best(
                lambda: embed(extractor, images, batch_size=BATCH),  # noqa: B023
                lambda: [extractor.module(batch) for batch in prepared],  # noqa: B023
            )
        print(
            f"{name}: embed {PICTURES / checked:.0f} pictures/s, bare forward pass "
            f"{PICTURES / bare:.0f}: {bare / checked:.2f}  (goal >= 0.9)"
        )


def identification() -> None:
    """Naming against the bare matrix product that a nearest neighbour cannot do without."""
    generator = torch.Generator().manual_seed(0)
    for size in GALLERIES:
        gallery = F.normalize(torch.randn(size, WIDTH, generator=generator))
        count = max(1, min(QUERIES, PRODUCTS // size))
        queries = F.normalize(torch.randn(count, WIDTH, generator=generator))
        actions = [lambda part=part: _product(queries, gallery, part) for part in PARTS]  # noqa: B023
        search, *bare = best(lambda: closest(queries, gallery), *actions)  # noqa: B023
        print(
            f"gallery of {size:>9,}: {count / search:>11,.0f} queries/s, {min(bare) / search:.2f} "
            "of the bare product  (goal >= 0.7)"
        )


def _product(queries: Tensor, gallery: Tensor, part: tuple[int, int]) -> None:
    for some in queries.split(part[0]):
        for candidates in gallery.split(part[1]):
            some @ candidates.T


def detection() -> None:
    """Photographs a second through both detectors, and training the one without a network."""
    images, copies = people.load("users").images[:PICTURES], pairs.load()
    traces = TraceDetector()
    spent = seconds(lambda: traces.fit(copies.photos.images, copies.cloaked))
    print(f"TraceDetector: {spent:.1f} s to train on {len(copies) + len(copies.photos)}")
    for name, judge in (("shipped detector", detector.load()), ("TraceDetector", traces)):
        (spent,) = best(lambda judge=judge: judge.scores(images))
        print(f"{name}: {PICTURES / spent:.0f} photographs/s")


def purification() -> None:
    """Milliseconds a photograph through purifiers, a growing gallery, and training the denoiser."""
    photos = people.load("users")
    images = photos.images[:PICTURES]
    for name, purifier in purifiers().items():
        if purifier is not None:
            (spent,) = best(lambda purifier=purifier: purifier(images))
            print(f"{name}: {1000 * spent / PICTURES:.2f} ms a photograph")
    extractor = extractors.load("arcface-2019")
    gallery = DynamicGallery(extractor, threshold=0.5).fit(photos.images[::2], photos.labels[::2])
    embeddings = embed(extractor, images)
    (spent,) = best(lambda: gallery.observe_embeddings(embeddings))
    print(f"observing an embedding: {1000 * spent / PICTURES:.2f} ms")
    some = pairs.load().subset(torch.arange(BATCH))
    judges = [extractors.load("softmax-2014"), extractor]
    spent = seconds(lambda: train_denoiser(some, seed=0, judges=judges, epochs=1))
    print(f"training the denoiser: {1000 * spent / BATCH:.2f} ms a pair and epoch")


def main() -> None:
    """Print everything, and the largest memory that the process has held."""
    torch.set_num_threads(1)
    for benchmark in (loading, embedding, identification, detection, purification):
        print(f"# {benchmark.__doc__.splitlines()[0]}", flush=True)
        benchmark()
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {mebibytes:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()

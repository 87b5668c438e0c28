"""What washing and keeping photographs costs: ``python -m studio.benchmarks.purification``.

Milliseconds of processor time for each photograph through each purifier and into a gallery that
grows, one thread, the best of several passes; what a step of the denoiser's training takes for each
pair, and the largest memory that the process has held.
"""

from __future__ import annotations

import resource

import torch

from poisonlib import extractors, people
from poisonlib.defenses import DynamicGallery, pairs, purifiers
from poisonlib.extractors import embed
from studio.benchmarks.embedding import seconds
from studio.training import train_denoiser

PICTURES = 128
ROUNDS = 3
PAIRS = 64


def main() -> None:
    """Print the time of each purifier, of an observation, of training, and the memory."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        photos = people.load("users")
        images = photos.images[:PICTURES]
        for name, purifier in purifiers().items():
            if purifier is not None:
                _report(name, _best(lambda wash=purifier: wash(images)), PICTURES)
        extractor = extractors.load("arcface-2019")
        tracker = DynamicGallery(extractor, threshold=0.5)
        tracker.fit(photos.images[::2], photos.labels[::2])
        rows = embed(extractor, images)
        tracker.observe_embeddings(rows)
        _report(
            "observing what is embedded", _best(lambda: tracker.observe_embeddings(rows)), PICTURES
        )
        some = pairs.load().subset(torch.arange(PAIRS))
        judges = [extractors.load("softmax-2014"), extractor]
        spent = seconds(lambda: train_denoiser(some, seed=0, judges=judges, epochs=1))
        _report("training the denoiser, each pair and epoch", spent, PAIRS)
    finally:
        torch.set_num_threads(threads)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {mebibytes:.0f} MiB", flush=True)


def _best(step) -> float:
    return min(seconds(step) for _ in range(ROUNDS))


def _report(name: str, spent: float, n: int) -> None:
    print(f"{name}: {1000 * spent / n:.2f} ms a photograph", flush=True)


if __name__ == "__main__":
    main()

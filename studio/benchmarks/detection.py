"""What spotting cloaks costs: ``python -m studio.benchmarks.detection``.

Photographs a second of processor time through the shipped detector and through the one by hand, one
thread, the best of several passes, and the largest memory that the process has held.
"""

from __future__ import annotations

import resource

import torch

from poisonlib import people
from poisonlib.defenses import TraceDetector, detector, pairs
from studio.benchmarks.embedding import seconds

PICTURES = 256
ROUNDS = 3


def main() -> None:
    """Print both rates, what training by hand takes, and the memory."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        images = people.load("users").images[:PICTURES]
        copies = pairs.load()
        by_hand = TraceDetector()
        training = seconds(lambda: by_hand.fit(copies.photos.images, copies.cloaked))
        n = len(copies) + len(copies.photos)
        print(f"by hand: {training:.1f} s to train on {n} photographs", flush=True)
        for name, judge in (("shipped detector", detector.load()), ("by hand", by_hand)):
            judge.scores(images[:8])
            best = min(seconds(lambda judge=judge: judge.scores(images)) for _ in range(ROUNDS))
            print(f"{name}: {len(images) / best:.0f} photographs/s", flush=True)
    finally:
        torch.set_num_threads(threads)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {mebibytes:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()

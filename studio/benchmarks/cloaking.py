"""What cloaking costs beyond the passes through the recognisers, which no tool can avoid.

``python -m studio.benchmarks.cloaking`` prints, for each attack, its time over the bare cost: as
many forward and backward passes (to the pixels) of the same extractors, at the same batch size, as
the attack makes. The bare passes of a step are run right after the step, inside the same call, so
that other work on the machine slows both sides of the ratio alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from poisonlib.attacks import Attack, FawkesV03, FawkesV1, LowKey
from poisonlib.extractors import Card, Extractor, ModuleExtractor, Preprocessing
from poisonlib.extractors.architectures import PlainNet, ResidualNet
from poisonlib.photos import Photos

GOAL = 1.15


def over_bare(attack: Attack, images: Tensor, passes_a_step: int) -> tuple[float, float]:
    """The whole attack over its bare passes, and its seconds a step.

    Everything counts as the attack's: setting up, the clean features, the measures at the end.
    """
    bare = 0.0

    def after_each_step(step: int, steps: int, doing: str) -> None:
        nonlocal bare
        bare += seconds(lambda: passes(attack.extractors, images, passes_a_step))

    whole = seconds(lambda: attack(images, seed=0, progress=after_each_step))
    return (whole - bare) / bare, (whole - bare) / attack.steps


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def passes(extractors: Sequence[Extractor], images: Tensor, count: int) -> None:
    """The bare cost: ``count`` passes forward, and backward to the pixels, of each extractor."""
    for _ in range(count):
        variable = images.clone().requires_grad_(True)
        total = sum(extractor(variable).sum() for extractor in extractors)
        torch.autograd.grad(total, variable)


def run(*, turns: int = 1, batch_size: int = 8) -> None:
    """Measure all attacks at full strength, on the shipped architectures with random weights."""
    torch.manual_seed(0)
    card = Card("benchmark", 2026, "random", "none", "none", 64, 128, "MIT")
    both = [ModuleExtractor(net(), card, Preprocessing(size=64)) for net in (PlainNet, ResidualNet)]
    images = torch.rand(batch_size, 3, 14, 14)
    images = torch.nn.functional.interpolate(images, size=112, mode="bilinear")
    targets = Photos(images, torch.arange(batch_size), tuple(map(str, range(batch_size))))
    scale = 1000 / batch_size
    for name, attack, count in (  # with the passes through each extractor in a step
        ("FawkesV03, one extractor", FawkesV03(both[:1], targets=targets), 1),
        ("FawkesV03, two extractors", FawkesV03(both, targets=targets), 1),
        ("FawkesV1, two extractors", FawkesV1(both), 1),
        ("LowKey, two extractors", LowKey(both), 4),
    ):
        measured = [over_bare(attack, images, count) for _ in range(turns)]
        ratio = statistics.median(ratio for ratio, _ in measured)
        least = scale * min(step for _, step in measured)
        print(
            f"{name}: cloaking / bare passes {ratio:.2f}  (goal <= {GOAL}), "
            f"{least:.2f} ms/image/step",
            flush=True,
        )
    attack = FawkesV1(both, steps=30)
    alone = min(seconds(lambda: [attack(i[None], seed=0) for i in images]) for _ in range(turns))
    batched = min(seconds(lambda: attack(images, seed=0)) for _ in range(turns))
    print(f"FawkesV1: one at a time / batched {alone / batched:.2f}")


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=8)
    run(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()

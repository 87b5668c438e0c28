"""What cloaking costs beyond the passes through the recognisers, which no tool can avoid.

``python -m studio.benchmarks.cloaking`` prints, for each attack, its time over the bare cost:
as many forward and backward passes (to the pixels) of the same extractors, at the same batch
size, as the attack makes. The bare passes of a step are run right after the step, inside the same
call, so that whatever else the machine is doing slows both sides of the ratio alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib.attacks import Attack, FawkesV03, FawkesV1, LowKey
from poisonlib.extractors import Card, Extractor, ModuleExtractor, Preprocessing
from poisonlib.extractors.architectures import PlainNet, ResidualNet
from poisonlib.photos import Photos


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        name: what was measured.
        ratio: the median over turns.
        goal: what the ratio should not exceed, if there is a goal.
        milliseconds: of the side above the line, for one image and one step, at best.
    """

    name: str
    ratio: float
    goal: float | None
    milliseconds: float

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"  (goal <= {self.goal})"
        return f"{self.name:55s} {self.ratio:6.2f}{goal}   {self.milliseconds:.2f} ms/image/step"


def over_bare(attack: Attack, images: Tensor, passes_a_step: int) -> tuple[float, float]:
    """The whole attack over its bare passes, and its seconds a step.

    Everything counts as the attack's: setting up, the clean features, the measures at the end.
    """
    bare = 0.0

    def after_each_step(step: int, steps: int) -> None:
        nonlocal bare
        start = time.perf_counter()
        passes(attack.extractors, images, passes_a_step)
        bare += time.perf_counter() - start

    start = time.perf_counter()
    attack(images, seed=0, progress=after_each_step)
    own = time.perf_counter() - start - bare
    return own / bare, own / attack.steps


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


def attacks(extractors: Sequence[Extractor], targets: Photos) -> list[tuple[str, Attack, int]]:
    """Name, attack, and passes through each extractor in a step."""
    first = extractors[:1]
    return [
        ("FawkesV03, one extractor", FawkesV03(first, targets=targets), 1),
        ("FawkesV03, two extractors", FawkesV03(extractors, targets=targets), 1),
        ("FawkesV1, two extractors", FawkesV1(extractors), 1),
        ("LowKey, two extractors", LowKey(extractors), 4),
    ]


def run(*, turns: int = 1, batch_size: int = 8) -> list[Row]:
    """Measure all attacks at full strength, on the shipped architectures with random weights."""
    torch.manual_seed(0)
    card = Card("benchmark", 2026, "random", "none", "none", 64, 128, "MIT")
    extractors = [
        ModuleExtractor(network(), card, Preprocessing(size=64))
        for network in (PlainNet, ResidualNet)
    ]
    images = torch.rand(batch_size, 3, 14, 14)
    images = torch.nn.functional.interpolate(images, size=112, mode="bilinear")
    targets = Photos(images, torch.arange(batch_size), tuple(map(str, range(batch_size))))
    rows = []
    for name, attack, count in attacks(extractors, targets):
        measured = [over_bare(attack, images, count) for _ in range(turns)]
        ratio = statistics.median(ratio for ratio, _ in measured)
        scale = 1000 / batch_size
        least = scale * min(step for _, step in measured)
        rows.append(Row(f"{name}: cloaking / bare passes", ratio, 1.15, least))
    attack = FawkesV1(extractors, steps=30)
    alone, batched = zip(
        *(
            (
                seconds(lambda: [attack(image[None], seed=0) for image in images]),
                seconds(lambda: attack(images, seed=0)),
            )
            for _ in range(turns)
        ),
        strict=True,
    )
    ratio = statistics.median(one / many for one, many in zip(alone, batched, strict=True))
    scale = 1000 / batch_size / attack.steps
    rows.append(Row("FawkesV1: one at a time / batched", ratio, None, scale * min(alone)))
    return rows


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=8)
    arguments = parser.parse_args()
    for row in run(turns=arguments.turns, batch_size=arguments.batch_size):
        print(row, flush=True)


if __name__ == "__main__":
    main()

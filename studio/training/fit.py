"""The one training loop: AdamW under a one-cycle schedule, seeded, resumable after a kill.

The caller supplies the modules and the loss of each batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from poisonlib import atomic
from poisonlib.caching import only_costs_time

EpochProgress = Callable[[int, int, float], None]
"""Called with (epochs done, epochs in all, mean loss) after every epoch."""

Epoch = Callable[[int, Generator], Iterator[tuple[Tensor, int]]]
"""One epoch: given its number and a generator, yields the mean loss of each batch and how many
examples it is of."""


def fit(
    modules: Mapping[str, nn.Module],
    epoch: Epoch,
    *,
    epochs: int,
    steps: int,
    seed: int,
    settings: str,
    learning_rate: float,
    weight_decay: float = 0.01,
    warm_up: float = 0.2,
    clip: float | None = None,
    checkpoint: Path | None = None,
    progress: EpochProgress | None = None,
    device: torch.device | str = "cpu",
) -> None:
    """Train modules in place.

    Every epoch draws from a seed of its own, so that a run resumed from its checkpoint continues as
    the uninterrupted one would have. The state of torch's global generator is left as it was.

    Args:
        modules: networks by name, all of whose parameters are trained. They end on the CPU.
        epoch: the losses of one epoch, of which each is stepped on before the next is computed.
        epochs, steps: epochs, and batches in each.
        seed: epoch ``e`` draws from ``1000 * seed + e``.
        settings: everything else that determines the run, as text: only a run with the same
            settings resumes a checkpoint.
        learning_rate: largest, of a one-cycle schedule (Smith and Topin, "Super-convergence",
            2019).
        weight_decay: of AdamW.
        warm_up: the share of the steps in which the rate rises.
        clip: largest norm of the gradients, if they are clipped.
        checkpoint: file to resume from, if it is there, and to write after every epoch.
        progress: called after every epoch; when a run is resumed, first for the epochs behind it.
        device: where to train.

    Raises:
        ValueError: the checkpoint is of another training.

    Example:
        >>> import torch
        >>> from studio.training.fit import fit
        >>> line, x = torch.nn.Linear(1, 1), torch.linspace(-1, 1, 8)[:, None]
        >>> def epoch(number, generator):
        ...     for batch in torch.randperm(8, generator=generator).split(4):
        ...         yield (line(x[batch]) - 3 * x[batch]).square().mean(), len(batch)
        >>> fit({"line": line}, epoch, epochs=99, steps=2, seed=0, settings="", learning_rate=0.5)
        >>> round(line.weight.item())
        3
    """
    parameters = [weight for module in modules.values() for weight in module.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    # One step more than are taken, and never five: a fifth of them is one, and OneCycleLR divides
    # by the length of its first phase less one.
    total_steps = max(6, epochs * steps + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=total_steps, pct_start=warm_up
    )
    for module in modules.values():
        module.to(device, memory_format=torch.channels_last)
    run = {**modules, "optimiser": optimiser, "schedule": schedule}
    losses = _resume(checkpoint, settings, run)
    for done, loss in enumerate(losses if progress is not None else ()):
        progress(done + 1, epochs, loss)
    with torch.random.fork_rng(devices=[]):
        for number in range(len(losses), epochs):
            torch.manual_seed(seed * 1000 + number)
            generator = torch.Generator().manual_seed(seed * 1000 + number)
            for module in modules.values():
                module.train()
            total, count = 0.0, 0
            for loss, n in epoch(number, generator):
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                if clip is not None:
                    nn.utils.clip_grad_norm_(parameters, clip)
                optimiser.step()
                schedule.step()
                total, count = total + float(loss.detach()) * n, count + n
            losses.append(total / count)
            _save(checkpoint, settings, run, losses)
            if progress is not None:
                progress(number + 1, epochs, losses[-1])
    for module in modules.values():
        module.to("cpu", memory_format=torch.contiguous_format)


def best_device() -> torch.device:
    """A GPU if there is one, otherwise the CPU.

    Example:
        >>> from studio.training.fit import best_device
        >>> best_device().type in ("cpu", "cuda")
        True
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _save(path: Path | None, settings: str, run: Mapping, losses: list[float]) -> None:
    if path is None:
        return
    states = {name: part.state_dict() for name, part in run.items()}
    # Without a checkpoint a training that is stopped begins afresh, and one that is not continues.
    with only_costs_time(), atomic.writing(path) as file:
        torch.save({"settings": settings, "losses": losses, **states}, file)


def _resume(path: Path | None, settings: str, run: Mapping) -> list[float]:
    """Bring a run to where it was saved; returns the mean loss of each epoch so far."""
    if path is None or not path.is_file():
        return []
    saved = torch.load(path, weights_only=True)
    if saved.get("settings") != settings:
        raise ValueError(f"{path} is of another training; delete it to train afresh")
    for name, part in run.items():
        part.load_state_dict(saved[name])
    return list(saved["losses"])

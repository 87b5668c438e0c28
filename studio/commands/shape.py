"""What the commands share: how options are declared, and what every training command does.

A command module has ``register(subparsers)``, which calls :func:`add` once for each command.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from poisonlib import provenance
from poisonlib.cli import typed
from poisonlib.extractors.shipped import WEIGHTS
from poisonlib.progress import ProgressBar
from studio.studies.study import Run, Study, precompute_cloaks

Option = tuple[str, dict[str, Any]]


def option(name: str, describes: str, **settings: Any) -> Option:
    """An option or argument of a command, with the settings of ``argparse``."""
    return name, {"help": describes, **settings}


def folder(name: str, describes: str, **settings: Any) -> Option:
    """An option that takes a path."""
    return option(name, describes, type=Path, **settings)


SEED = option("--seed", "of everything that is drawn", type=int, default=0)
PEOPLE_FOLDER = folder(
    "--people-folder", "where `people render` put the public people", required=True
)
OUT_FOLDER = folder("--out-folder", "where the results go (default: into the package)")
CHECKPOINT_FOLDER = folder("--checkpoint-folder", "where checkpoints go (default: the out folder)")


def processes(default: int = 1) -> Option:
    """How many processes make cloaks."""
    return option("--processes", "to make the cloaks with", type=int, default=default)


def add(
    subparsers: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    summary: str,
    description: str = "",
    options: tuple[Option, ...] = (),
) -> None:
    """Add a command to the command line."""
    parser = subparsers.add_parser(name, help=summary, description=description or summary)
    for flag, settings in options:
        parser.add_argument(flag, **settings)
    parser.set_defaults(run=run)


def run_study(arguments: argparse.Namespace, study: Study, settings: Run) -> provenance.Recorded:
    """Craft a study's cloaks in ``arguments.processes``, run it, and add its provenance."""
    with ProgressBar("turns") as bar:
        settings = replace(settings, progress=bar)
        precompute_cloaks(study, settings, processes=arguments.processes)
        rows = list(study.rows(settings))
    origin = provenance.of_run(typed(arguments), seed=settings.seed, seconds=bar.seconds)
    return provenance.Recorded(rows, origin)


class Training:
    """The run of a command that trains a network: where its files are, and its losses.

    Args:
        arguments: with ``out_folder`` and ``checkpoint_folder``.
        name: of the network and its files.
        package: folder that the weights go into by default.

    Attributes:
        rows: the mean loss of each epoch, for the record.
        checkpoint_folder: where checkpoints go.
    """

    def __init__(
        self, arguments: argparse.Namespace, name: str, *, package: Path = WEIGHTS
    ) -> None:
        self.arguments, self.name, self.rows = arguments, name, []
        out = arguments.out_folder or package
        records = arguments.out_folder or Path(str(provenance.RECORDED))
        self.weights = out / f"{name}.safetensors"
        self.record = records / f"train-{name}.json"
        self.checkpoint_folder = arguments.checkpoint_folder or out
        self.checkpoint = self.checkpoint_folder / f".{name}.checkpoint"
        self.started = time.perf_counter()

    def losses(self, **columns: Any) -> Callable[[int, int, float], None]:
        """The ``progress`` of a training: shows each loss and keeps it, with further columns."""
        bar = ProgressBar("epochs")

        def progress(done: int, epochs: int, loss: float) -> None:
            self.rows.append({**columns, "epoch": done, "loss": loss})
            bar(done, epochs, f"mean loss {loss:.3f}")

        return progress

    def save(self, write: Callable[[Any, Path], None], network: Any, *, seed: int) -> None:
        """Write the network and the record of its losses, and drop the checkpoint."""
        write(network, self.weights)
        seconds = time.perf_counter() - self.started
        origin = provenance.of_run(typed(self.arguments), seed=seed, seconds=seconds)
        provenance.Recorded(self.rows, origin).save(self.record)
        self.checkpoint.unlink(missing_ok=True)
        print(f"{self.name}: {len(self.rows)} losses in {self.record}, {seconds:.0f} s")

"""``record NAME``: run a recorded experiment again and keep its rows with their provenance."""

from __future__ import annotations

import argparse
from pathlib import Path

from poisonlib.cli import typed
from poisonlib.progress import ProgressBar
from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.studies import EXPERIMENTS

    shape.add(
        subparsers,
        "record",
        run,
        "run an experiment and record its result",
        "Run an experiment at full size and record its rows with their provenance. Cloaks are "
        "cached, so that the same command resumes after a kill.",
        (
            shape.option("name", "which experiment", choices=EXPERIMENTS),
            shape.option("--users", "how many protect themselves", type=int, default=20),
            shape.SEED,
            shape.processes(),
            shape.folder(
                "--weights-folder",
                "of the variants of `ablation`, where `train` put them, or of the detectors of "
                "`detection-across`",
            ),
            shape.OUT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Run, write the record, print its summary."""
    from poisonlib import provenance
    from poisonlib.attacks import CloakCache
    from studio.studies import EXPERIMENTS
    from studio.studies.precompute import precompute_cloaks

    scale = {"users": arguments.users, "seed": arguments.seed}
    experiment = EXPERIMENTS[arguments.name]
    with ProgressBar("cloaks") as bar:
        precompute_cloaks(experiment, **scale, processes=arguments.processes, progress=bar)
        ahead = bar.seconds
        if arguments.weights_folder is not None:
            scale["weights"] = arguments.weights_folder
        rows = list(experiment.rows(**scale, cache=CloakCache(), progress=bar))
    seconds = bar.seconds
    origin = provenance.of_run(typed(arguments), seed=arguments.seed, seconds=seconds)
    recorded = provenance.Recorded(rows, origin)
    folder = arguments.out_folder or Path(str(provenance.RECORDED))
    recorded.save(folder / f"{arguments.name}.json")
    print(experiment.summary(recorded.table).to_string(index=False))
    print(f"{origin}; {ahead:.0f} s of it for cloaks that were not in the cache")

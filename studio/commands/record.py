"""``record NAME``: run a recorded study again and write its rows with their provenance."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.studies import STUDIES

    shape.add(
        subparsers,
        "record",
        run,
        "run a study and record its result",
        "Run a study at full size and record its rows with their provenance. Cloaks are cached and "
        "finished trials logged, so that the same command resumes after a kill.",
        (
            shape.option("name", "which study", choices=STUDIES),
            shape.option("--users", "how many protect themselves", type=int, default=20),
            shape.SEED,
            shape.processes(),
            shape.folder(
                "--weights-folder",
                "of the networks that do not ship, where `train`, `adapt` and `detector` put them",
            ),
            shape.OUT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Run, write the record, print its summary."""
    from poisonlib import provenance
    from studio.studies import STUDIES, Run

    study = STUDIES[arguments.name]
    folder = arguments.out_folder or Path(str(provenance.RECORDED))
    logs = folder / f".{arguments.name}.logs"
    settings = Run(arguments.users, arguments.seed, arguments.weights_folder, logs=logs)
    recorded = shape.run_study(arguments, study, settings)
    try:
        recorded.save(folder / f"{arguments.name}.json")
        shutil.rmtree(logs, ignore_errors=True)
    finally:  # whether it could be written or not
        print(study.summary(recorded.table).to_string(index=False))
        print(recorded.provenance)

"""``record NAME``: run a recorded experiment again and keep its rows with their provenance."""

from __future__ import annotations

import argparse
from pathlib import Path

from poisonlib.cli import typed
from poisonlib.progress import ProgressBar


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "record",
        help="run an experiment and record its result",
        description="Run an experiment at full size and record its rows with their provenance. "
        "Cloaks are cached, so that the same command goes on after a kill.",
    )
    from studio.studies import EXPERIMENTS

    command.add_argument("name", choices=EXPERIMENTS, help="which experiment")
    command.add_argument("--users", type=int, default=20, help="how many protect themselves")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--processes", type=int, default=1, help="to make the cloaks with")
    command.add_argument(
        "--weights-folder",
        type=Path,
        help="of the variants of `ablation`, where `train` put them, or of the detectors of "
        "`detection-across`",
    )
    command.add_argument(
        "--out-folder", type=Path, help="where the record goes (default: into the package)"
    )
    command.set_defaults(run=run)


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

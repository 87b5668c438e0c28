"""``sweep CONFIG``: many trials, on this machine or on a cluster, into one table."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from poisonlib.progress import ProgressBar


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "sweep",
        help="run many trials, here or on a Dask cluster, into one Parquet table",
        description="Run every combination of tools, extractors, recognisers and seeds that a "
        "TOML file names. After a kill, the same command resumes. The exit code is 1 if a job "
        "failed; its error is printed, and the same command tries it again.",
    )
    command.add_argument("config", type=Path, help="a TOML file; see the page on sweeps")
    command.add_argument(
        "--out", type=Path, required=True, help="the sweep's folder; all workers must see it"
    )
    command.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="on this machine (default: its cores)"
    )
    command.add_argument("--dask", metavar="ADDRESS", help="of a running cluster's scheduler")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run; print where the table is and what failed."""
    from workbench import sweep

    config = sweep.Config.read(arguments.config)
    with ProgressBar("jobs") as bar:
        outcome = sweep.run(
            config,
            arguments.out,
            processes=arguments.processes,
            dask=arguments.dask,
            command=f"python -m poisonlib sweep {arguments.config.name}",
            progress=bar,
        )
    print(f"{outcome.done} jobs done, {outcome.done_before} before: {outcome.folder.table}")
    for job, problem in outcome.failed:
        print(f"failed: {job}: {problem}", file=sys.stderr)
    return 1 if outcome.failed else 0

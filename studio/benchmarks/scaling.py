"""What a sweep gains from a second worker, and what each part of it costs.

``python -m studio.benchmarks.scaling`` runs one small sweep from nothing twice, on a local Dask
cluster of one worker and of two, each with one thread. With ``--record`` the numbers go into
the package, for the page on sweeps. The machine should be otherwise idle.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from poisonlib import provenance
from poisonlib.progress import ProgressBar
from poisonlib.recognition import closest
from poisonlib.tools import SURROGATES
from workbench import sweep
from workbench.sweep.jobs import MILLION

#: Test and gallery photographs of the paper's FaceScrub, and the width of its embeddings.
LOOKUP, WIDTH = (15_000, 35_000), 512
EXTRACTORS = ("softmax-2014", "arcface-2019", "clip-2021")
COMMAND = "python -m studio.benchmarks.scaling --record"
USERS = 2


def timed(config: sweep.Config, workers: int, folder: Path) -> sweep.Outcome:
    """A sweep on a running cluster."""
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(n_workers=workers, **options) as cluster, ProgressBar("jobs") as bar:
        outcome = sweep.run(config, folder, dask=cluster.scheduler_address, progress=bar)
    if outcome.failed:
        raise RuntimeError(f"{outcome.failed[0][0]}: {outcome.failed[0][1]}")
    return outcome


def lookup() -> float:
    """Seconds of one thread for a million of compared pairs, at the paper's size."""
    generator = torch.Generator().manual_seed(0)
    queries, gallery = (
        F.normalize(torch.randn(count, WIDTH, generator=generator), dim=1) for count in LOOKUP
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    started = time.perf_counter()
    closest(queries, gallery)
    seconds = time.perf_counter() - started
    torch.set_num_threads(threads)
    return seconds / (LOOKUP[0] * LOOKUP[1] / MILLION)


def main() -> None:
    """Print a line for each number; with ``--record`` keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--record", action="store_true", help="keep the numbers in the package")
    arguments = parser.parse_args()
    config = sweep.Config(
        "people", tuple(SURROGATES), EXTRACTORS, users=arguments.users, users_per_job=1
    )
    started = time.perf_counter()
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 2):
            outcome = timed(config, workers, Path(folder) / str(workers))
            rows.append({"part": "wall", "workers": workers, "seconds": outcome.seconds})
            if workers == 1:
                rows += [
                    {"part": "piece", "kind": kind, "what": what, "seconds": cost}
                    for (kind, what), cost in sweep.measured(outcome.timings).items()
                    if kind != "lookups"
                ]
    pair = {"part": "piece", "kind": "lookups", "what": "1-NN", "seconds": lookup()}
    rows.append(pair)
    for row in rows:
        print(row)
    print(f"speed-up by the second worker: {rows[0]['seconds'] / _wall(rows, 2):.2f}")
    if arguments.record:
        seconds = time.perf_counter() - started
        command = COMMAND if config.users == USERS else f"{COMMAND} --users {config.users}"
        origin = provenance.of_run(command, seed=config.seeds[0], seconds=seconds)
        recorded = provenance.Recorded(rows, origin)
        recorded.save(Path(str(provenance.RECORDED)) / "scaling.json")


def _wall(rows: list[dict], workers: int) -> float:
    return next(row["seconds"] for row in rows if row.get("workers") == workers)


if __name__ == "__main__":
    main()

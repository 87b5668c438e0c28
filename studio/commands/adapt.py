"""``adapt NAME``: fine-tune an extractor as the adaptive trainers of the book do."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from poisonlib.cli import typed
from studio.commands.losses import Losses
from studio.studies.public_copies import public_copies


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.studies.adaptations import ADAPTATIONS

    command = subparsers.add_parser(
        "adapt",
        help="fine-tune an extractor on cloaked copies of public people",
        description="Cloak many of the scraped public people with every tool, and fine-tune an "
        "ordinary extractor on clean and cloaked photographs. Cloaks are cached and every epoch "
        "is kept: the same command goes on after a kill.",
    )
    command.add_argument("name", choices=ADAPTATIONS, help="which adaptation")
    command.add_argument(
        "--people-folder",
        type=Path,
        required=True,
        help="where `people render` put the public people",
    )
    command.add_argument("--processes", type=int, default=1, help="to make the cloaks with")
    command.add_argument(
        "--out-folder", type=Path, help="where weights and record go (default: into the package)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Collect, fine-tune, write weights and loss curve."""
    from tqdm import tqdm

    from poisonlib import provenance
    from poisonlib.extractors import shipped
    from poisonlib.tools import NEXT
    from studio.studies.adaptations import ADAPTATIONS
    from studio.training.loop import best_device

    adaptation = ADAPTATIONS[arguments.name]
    started = time.perf_counter()
    with tqdm(unit="cloaks", disable=not sys.stderr.isatty()) as bar:

        def collecting(done: int, total: int, doing: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(doing)
            if bar.disable:
                print(f"{done}/{total}  {doing}", file=sys.stderr, flush=True)

        photos, pairs = public_copies(
            arguments.people_folder,
            processes=arguments.processes,
            next_attack=NEXT in adaptation.tools,
            progress=collecting,
        )
    ahead = time.perf_counter() - started
    weights = arguments.out_folder or shipped.WEIGHTS
    records = arguments.out_folder or Path(str(provenance.RECORDED))
    checkpoint = weights / f".{adaptation.name}.checkpoint"
    with Losses(adaptation.epochs) as losses:
        adapted = adaptation.run(
            photos, pairs, checkpoint=checkpoint, progress=losses, device=best_device()
        )
    seconds = time.perf_counter() - started
    shipped.write(adapted, weights / f"{adaptation.name}.safetensors")
    origin = provenance.of_run(typed(arguments), seed=adaptation.seed, seconds=seconds)
    provenance.Recorded(losses.rows, origin).save(records / f"train-{adaptation.name}.json")
    checkpoint.unlink(missing_ok=True)
    print(
        f"{adaptation.name}: {len(losses.rows)} epochs in {seconds - ahead:.0f} s, after "
        f"{ahead:.0f} s for photographs and copies"
    )

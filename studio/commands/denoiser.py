"""``denoiser``: train the purifier that ships with poisonlib."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from poisonlib.cli import typed
from studio.commands.losses import Losses

#: Whose features the purified photographs must match: those of the baseline's trainer, and of a
#: later network.
JUDGES = ("softmax-2014", "arcface-2019")
#: Person p10000 is cloaked under seed 10000, and so on.
CLOAK_SEED = 10000


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "denoiser",
        help="train the network that takes cloaks away",
        description="Cloak public people with every tool, and train a network to lead from the "
        "cloaked photographs back to the clean ones. Cloaks are cached and every epoch is kept, "
        "so that the same command goes on after a kill.",
    )
    command.add_argument("--people", type=int, default=80, help="how many public people")
    command.add_argument("--each", type=int, default=6, help="photographs of each of them")
    command.add_argument("--epochs", type=int, default=5)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--out-folder", type=Path, help="where network and record go (default: into the package)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Collect pairs, train, write network and loss curve."""
    from tqdm import tqdm

    from poisonlib import extractors, people, provenance
    from poisonlib.attacks import CloakCache
    from poisonlib.defenses import collect, denoiser
    from poisonlib.tools import paper_tools
    from studio.training import train_denoiser

    file = denoiser.PACKAGED
    records = Path(str(provenance.RECORDED))
    if arguments.out_folder is not None:
        file, records = arguments.out_folder / file.name, arguments.out_folder
    public = people.load("public")
    if not 0 < arguments.people <= len(public.people):
        raise ValueError(
            f"--people must be between 1 and the {len(public.people)} public people there are, "
            f"got {arguments.people}"
        )
    with tqdm(unit="cloaks", disable=not sys.stderr.isatty()) as bar:

        def collecting(done: int, total: int, doing: str) -> None:
            bar.total, bar.n = total, done
            bar.set_postfix_str(doing)
            if bar.disable and done % 30 == 0:
                print(f"{done}/{total} {doing}", file=sys.stderr, flush=True)

        pairs = collect(
            paper_tools(public, cache=CloakCache()),
            public,
            people=list(public.people[: arguments.people]),
            seed=CLOAK_SEED,
            each=arguments.each,
            progress=collecting,
        )
    checkpoint = file.with_name(f".{file.stem}.checkpoint")
    started = time.perf_counter()
    with Losses(arguments.epochs) as losses:
        trained = train_denoiser(
            pairs,
            seed=arguments.seed,
            judges=[extractors.load(name) for name in JUDGES],
            epochs=arguments.epochs,
            checkpoint=checkpoint,
            progress=losses,
        )
    seconds = time.perf_counter() - started
    denoiser.write(trained.denoiser, file)
    rows = [{"epoch": epoch + 1, "loss": loss} for epoch, loss in enumerate(trained.losses)]
    origin = provenance.of_run(typed(arguments), seed=arguments.seed, seconds=seconds)
    provenance.Recorded(rows, origin).save(records / "train-denoiser.json")
    checkpoint.unlink(missing_ok=True)
    print(f"denoiser: {arguments.epochs} epochs of {len(pairs)} pairs in {seconds:.0f} s")

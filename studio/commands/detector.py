"""``detector``: train the network that tells cloaked photographs from clean ones."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from poisonlib.cli import typed
from studio.commands.losses import Losses

if TYPE_CHECKING:
    from poisonlib.defenses import Pairs
    from studio.training.detecting import Start

#: The people whose cloaks are learnt from; the paper's detector had 25, too.
PEOPLE, EACH = 25, 6
#: Person p10000 is cloaked under seed 10000, and so on.
FIRST_IDENTITY = CLOAK_SEED = 10_000
#: Whom the network learns to tell apart first, and who is left to try it on.
FIRST_OF_START, START_PEOPLE, HELD_OUT = 10_160, 400, 80
PHOTOS = 12
START_CHECKPOINT = ".detector-start.checkpoint"
IMAGENET_FILE = "mobilenet_v2-b0353104.pth"


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "detector",
        help="train the network that spots cloaked photographs",
        description="Cloak photographs of a few public people with every tool, and train a network "
        "to tell them from clean ones. Cloaks are cached and every epoch is kept, so that the same "
        "command goes on after a kill.",
    )
    command.add_argument(
        "--people-folder",
        type=Path,
        required=True,
        help="where `people render` put the public people",
    )
    command.add_argument(
        "--imagenet-folder",
        type=Path,
        help=f"start from the weights {IMAGENET_FILE} in this folder, instead of from a network "
        "that has learnt to tell people apart",
    )
    command.add_argument("--without", metavar="TOOL", help="leave the cloaks of one tool out")
    command.add_argument("--epochs", type=int, default=24)
    command.add_argument("--start-epochs", type=int, default=1, help="on identities")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--out-folder", type=Path, help="where network and record go (default: into the package)"
    )
    command.add_argument(
        "--checkpoint-folder", type=Path, help="where to keep checkpoints (default: out folder)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Collect pairs, train, write the network, its losses, and how it fares on new people."""
    import torch

    from poisonlib import people, provenance
    from poisonlib.defenses import detector
    from poisonlib.trial import as_published
    from studio.people import aligned
    from studio.studies.detection import file_name
    from studio.training import train_detector

    started = time.perf_counter()
    out, records = detector.PACKAGED.parent, Path(str(provenance.RECORDED))
    if arguments.out_folder is not None:
        out = records = arguments.out_folder
    name = file_name(arguments.without)
    kept = arguments.checkpoint_folder or out
    pairs = _pairs(arguments)
    try:
        uncompressed = aligned(
            arguments.people_folder,
            identities=PEOPLE,
            photos=PHOTOS,
            first_identity=FIRST_IDENTITY,
        )
        start = _start(arguments, kept)
        strangers = aligned(
            arguments.people_folder,
            identities=HELD_OUT,
            photos=PHOTOS,
            first_identity=FIRST_OF_START + START_PEOPLE,
        )
    except (FileNotFoundError, ValueError) as problem:
        if IMAGENET_FILE in str(problem):
            raise
        identities = FIRST_OF_START - FIRST_IDENTITY + START_PEOPLE + HELD_OUT
        raise ValueError(
            f"the detector needs {identities} rendered people ({problem}); run python -m poisonlib "
            f"people render --identities {identities} --photos {PHOTOS} --first-identity "
            f"{FIRST_IDENTITY} --out {arguments.people_folder}"
        ) from problem
    packaged = people.load("public")
    compressed = packaged.of_people(list(packaged.people[:PEOPLE]))
    clean = torch.cat([compressed.images, as_published(uncompressed).images])
    checkpoint = kept / f".{name}.checkpoint"
    with Losses(arguments.epochs, "cloaks") as losses:
        trained = train_detector(
            pairs,
            seed=arguments.seed,
            clean=clean,
            start=start,
            name=name,
            epochs=arguments.epochs,
            checkpoint=checkpoint,
            progress=losses,
        )
    seconds = time.perf_counter() - started
    detector.write(trained, out / f"{name}.safetensors")
    rows = [
        {"part": "identities", "epoch": epoch + 1, "loss": loss}
        for epoch, loss in enumerate(start.losses)
    ]
    rows += [{"part": "cloaks", **row} for row in losses.rows]
    alarms = int(trained.flags(as_published(strangers).images).sum())
    rows.append({"part": "uncompressed strangers", "flagged": alarms, "n": len(strangers)})
    origin = provenance.of_run(typed(arguments), seed=arguments.seed, seconds=seconds)
    provenance.Recorded(rows, origin).save(records / f"train-{name}.json")
    checkpoint.unlink(missing_ok=True)
    if arguments.checkpoint_folder is None:
        (kept / START_CHECKPOINT).unlink(missing_ok=True)
    print(
        f"{name}: {len(pairs)} pairs, {arguments.epochs} epochs, {seconds:.0f} s; flags {alarms} "
        f"of {len(strangers)} clean photographs of other people that were never compressed"
    )


def _pairs(arguments: argparse.Namespace) -> Pairs:
    from poisonlib import people
    from poisonlib.attacks import CloakCache
    from poisonlib.defenses import collect
    from poisonlib.tools import paper_tools

    public = people.load("public")
    tools = paper_tools(public, cache=CloakCache())
    if arguments.without is not None:
        if arguments.without not in tools:
            raise ValueError(
                f"--without must be one of {', '.join(map(repr, tools))}, got {arguments.without!r}"
            )
        del tools[arguments.without]

    def progress(done: int, total: int, doing: str) -> None:
        if done % 15 == 0:
            print(f"{done}/{total} {doing}", file=sys.stderr, flush=True)

    return collect(
        tools,
        public,
        people=list(public.people[:PEOPLE]),
        seed=CLOAK_SEED,
        each=EACH,
        progress=progress,
    )


def _start(arguments: argparse.Namespace, kept: Path) -> Start:
    from studio.people import aligned
    from studio.training import detecting

    if arguments.imagenet_folder is not None:
        return detecting.from_imagenet(
            arguments.imagenet_folder / IMAGENET_FILE, seed=arguments.seed
        )
    photos = aligned(
        arguments.people_folder,
        identities=START_PEOPLE,
        photos=PHOTOS,
        first_identity=FIRST_OF_START,
    )
    with Losses(arguments.start_epochs, "identities") as losses:
        # Stays in a folder of its own: a detector that leaves a tool out starts from the same.
        return detecting.from_identities(
            photos,
            seed=arguments.seed,
            epochs=arguments.start_epochs,
            checkpoint=kept / START_CHECKPOINT,
            progress=losses,
        )

"""``denoiser``: train the purifier that ships with poisonlib."""

from __future__ import annotations

import argparse

from poisonlib.progress import ProgressBar
from studio.commands import shape

#: Whose features the purified photographs must match: those of the baseline's trainer, and of a
#: later network.
JUDGES = ("softmax-2014", "arcface-2019")


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "denoiser",
        run,
        "train the network that removes cloaks",
        "Cloak public people with every tool, and train a network to reconstruct the clean "
        "photographs from the cloaked ones. Cloaks are cached and every epoch is saved, so that "
        "the same command resumes after a kill.",
        (
            shape.option("--people", "how many public people", type=int, default=80),
            shape.option("--each", "photographs of each of them", type=int, default=6),
            shape.option("--epochs", "passes over the pairs", type=int, default=5),
            shape.SEED,
            shape.OUT_FOLDER,
            shape.CHECKPOINT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Collect pairs, train, write network and loss curve."""
    from poisonlib import extractors
    from poisonlib.defenses import denoiser
    from studio.studies.public_copies import packaged_copies
    from studio.training import train_denoiser

    training = shape.Training(arguments, denoiser.PACKAGED.stem, package=denoiser.PACKAGED.parent)
    with ProgressBar("cloaks") as bar:
        pairs = packaged_copies(arguments.people, each=arguments.each, progress=bar)
    trained = train_denoiser(
        pairs,
        seed=arguments.seed,
        judges=[extractors.load(name) for name in JUDGES],
        epochs=arguments.epochs,
        checkpoint=training.checkpoint,
        progress=training.losses(),
    )
    training.save(denoiser.write, trained, seed=arguments.seed)

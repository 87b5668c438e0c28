"""``adapt NAME``: fine-tune an extractor as the adaptive trainers of the book do."""

from __future__ import annotations

import argparse

from poisonlib.progress import ProgressBar
from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.studies.adaptations import ADAPTATIONS
    from studio.studies.copies_on_real import DISTILLATIONS

    shape.add(
        subparsers,
        "adapt",
        run,
        "fine-tune an extractor on cloaked copies of public people",
        "Cloak many of the public people with every tool, and fine-tune an ordinary extractor on "
        "clean and cloaked photographs. Cloaks are cached and every epoch is saved: the same "
        "command resumes after a kill.",
        (
            shape.option("name", "which adaptation", choices=[*ADAPTATIONS, *DISTILLATIONS]),
            shape.folder(
                "--people-folder",
                "where `people render` put the public people; the real extractor needs none",
            ),
            shape.processes(),
            shape.OUT_FOLDER,
            shape.CHECKPOINT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Collect, fine-tune, write weights and loss curve."""
    from poisonlib.extractors import shipped
    from poisonlib.tools import NEXT
    from studio.studies.adaptations import ADAPTATIONS
    from studio.studies.copies_on_real import DISTILLATIONS
    from studio.studies.public_copies import public_copies
    from studio.training.fit import best_device

    if arguments.name in DISTILLATIONS:
        return _distil(arguments)
    if arguments.people_folder is None:
        raise ValueError(f"{arguments.name} needs --people-folder, where `people render` put them")
    adaptation = ADAPTATIONS[arguments.name]
    training = shape.Training(arguments, adaptation.name)
    with ProgressBar("cloaks") as bar:
        photos, pairs = public_copies(
            arguments.people_folder,
            processes=arguments.processes,
            next_attack=NEXT in adaptation.tools,
            progress=bar,
        )
    adapted = adaptation.run(
        photos,
        pairs,
        checkpoint=training.checkpoint,
        progress=training.losses(),
        device=best_device(),
    )
    training.save(shipped.write, adapted, seed=adaptation.seed)


def _distil(arguments: argparse.Namespace) -> None:
    from poisonlib.extractors import shipped
    from studio.studies.copies_on_real import DISTILLATIONS
    from studio.training.fit import best_device

    chosen = DISTILLATIONS[arguments.name]
    training = shape.Training(arguments, chosen.name, package=shipped.PHOTOGRAPHS)
    with ProgressBar("cloaks") as bar:
        adapted = chosen.run(
            processes=arguments.processes,
            collected=bar,
            checkpoint=training.checkpoint,
            progress=training.losses(),
            device=best_device(),
        )
    training.save(shipped.write, adapted, seed=chosen.seed)

"""``detector``: train the network that tells cloaked photographs from clean ones.

The packaged detector is the result of five consecutive runs: one on rendered people, and four with
``--photographs`` (60 epochs under seed 0, 45 under seed 1, 80 under seed 2, 60 under seed 3), each
of which continued with the detector of the run before.
"""

from __future__ import annotations

import argparse
import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from poisonlib.progress import ProgressBar
from studio.commands import shape

if TYPE_CHECKING:
    from poisonlib.defenses.detector import Detector
    from poisonlib.photos import Photos

#: The people whose cloaks are learnt from; the paper's detector had 25, too.
PEOPLE, EACH = 25, 6
#: The first of the rendered people, then those whom the network learns to tell apart first, and
#: those who are left to try it on.
FIRST_IDENTITY, FIRST_OF_START, START_PEOPLE, HELD_OUT = 10_000, 10_160, 400, 80
RENDERED, PHOTOS = FIRST_OF_START - FIRST_IDENTITY + START_PEOPLE + HELD_OUT, 12
#: Further clean photographs in a batch where the detector learns from real ones.
MORE_CLEAN = 18
FIRST_OF_HELD_OUT = FIRST_OF_START + START_PEOPLE
IMAGENET_FILE = "mobilenet_v2-b0353104.pth"


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "detector",
        run,
        "train the network that detects cloaked photographs",
        "Cloak photographs of a few public people with every tool, and train a network to tell "
        "them from clean ones. Cloaks are cached and every epoch is saved, so that the same "
        "command resumes after a kill.",
        (
            shape.folder("--people-folder", "where `people render` put the public people"),
            shape.option(
                "--photographs",
                "instead, continue with the detector of --weights-folder on photographs of real "
                "people, clean and cloaked",
                action="store_true",
            ),
            shape.folder("--weights-folder", "of the detector that --photographs begins with"),
            shape.folder(
                "--imagenet-folder",
                f"start from the weights {IMAGENET_FILE} in this folder, instead of from a network "
                "that has learnt to tell people apart",
            ),
            shape.option("--without", "leave the cloaks of one tool out", metavar="TOOL"),
            shape.option("--epochs", "on cloaks", type=int, default=24),
            shape.option("--start-epochs", "on identities", type=int, default=1),
            shape.SEED,
            shape.OUT_FOLDER,
            shape.CHECKPOINT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Collect pairs, train, write the network, its losses, and how well it does on new people."""
    import torch

    from poisonlib import people
    from poisonlib.defenses import detector
    from studio.people.pack import people_in
    from studio.studies.detection import file_name
    from studio.studies.public_copies import packaged_copies
    from studio.training import train_detector
    from studio.training.detector import from_identities, from_imagenet

    if arguments.people_folder is None:
        raise ValueError("give --people-folder, where `people render` put the public people")
    if arguments.photographs:
        return _on_photographs(arguments)

    rendered = partial(_rendered, arguments)
    people_in(
        arguments.people_folder, identities=RENDERED, photos=PHOTOS, first_identity=FIRST_IDENTITY
    )
    name = file_name(arguments.without)
    training = shape.Training(arguments, name, package=detector.PACKAGED.parent)
    with ProgressBar("cloaks") as bar:
        pairs = packaged_copies(PEOPLE, each=EACH, without=arguments.without, progress=bar)
    # A detector that leaves a tool out starts from the same network.
    begun = training.checkpoint_folder / ".detector-start.checkpoint"
    if arguments.imagenet_folder is not None:
        start = from_imagenet(arguments.imagenet_folder / IMAGENET_FILE, seed=arguments.seed)
    else:
        start = from_identities(
            rendered(START_PEOPLE, FIRST_OF_START),
            seed=arguments.seed,
            epochs=arguments.start_epochs,
            checkpoint=begun,
            progress=training.losses(part="identities"),
        )
    packaged = people.load("public").of_people(range(PEOPLE))
    trained = train_detector(
        pairs,
        seed=arguments.seed,
        clean=torch.cat([packaged.images, rendered(PEOPLE).images]),
        start=start,
        name=name,
        epochs=arguments.epochs,
        checkpoint=training.checkpoint,
        progress=training.losses(part="cloaks"),
    )
    strangers = rendered(HELD_OUT, FIRST_OF_HELD_OUT)
    training.rows.append(alarms := _alarms(trained, strangers, "uncompressed strangers"))
    training.save(detector.write, trained, seed=arguments.seed)
    if arguments.checkpoint_folder is None:
        begun.unlink(missing_ok=True)
    print(
        f"flags {alarms['flagged']} of {alarms['n']} clean photographs of other people that were "
        "never compressed"
    )


def _on_photographs(arguments: argparse.Namespace) -> None:
    """Continue on real and rendered people together; test on the real ones of the gallery."""
    import torch

    from poisonlib import people
    from poisonlib.defenses import detector, pairs
    from poisonlib.trial import as_published
    from studio.studies import lfw
    from studio.studies.copies_on_real import copies_by_all_tools
    from studio.studies.detection import file_name
    from studio.training.detector import Start, train_detector

    if arguments.weights_folder is None:
        raise ValueError("give --weights-folder, where the detector to continue with is")
    name = file_name(arguments.without)
    first = detector.read(arguments.weights_folder / f"{name}.safetensors")
    training = shape.Training(arguments, name, package=detector.PACKAGED.parent)
    with ProgressBar("cloaks") as bar:
        real = copies_by_all_tools(progress=bar)
    public = lfw.public()
    packaged = as_published(people.load("public").of_people(range(PEOPLE)))
    trained = train_detector(
        pairs.join(pairs.load(), real),
        seed=arguments.seed,
        clean=torch.cat([packaged.images, public.images]),
        start=Start(first.module, f"{first.card.start}; {first.card.data}"),
        name=name,
        epochs=arguments.epochs,
        more_clean=MORE_CLEAN,
        loudest=1.0,
        checkpoint=training.checkpoint,
        progress=training.losses(part="photographs"),
    )
    data = f"{trained.card.data}; {len(real.photos.people)} of the people and {len(public)} of the "
    data += "clean photographs are real (Labeled Faces in the Wild)"
    trained = dataclasses.replace(trained, card=dataclasses.replace(trained.card, data=data))
    never = _rendered(arguments, HELD_OUT, FIRST_OF_HELD_OUT)
    for part, strangers in (("uncompressed strangers", never), ("real strangers", lfw.gallery())):
        training.rows.append(alarms := _alarms(trained, strangers, part))
        print(f"{part}: flags {alarms['flagged']} of {alarms['n']} clean photographs")
    training.save(detector.write, trained, seed=arguments.seed)


def _rendered(arguments: argparse.Namespace, count: int, first: int = FIRST_IDENTITY) -> Photos:
    """Photographs of rendered people that were never compressed."""
    from poisonlib.trial import as_published
    from studio.people import aligned

    chosen = {"identities": count, "photos": PHOTOS, "first_identity": first}
    return as_published(aligned(arguments.people_folder, **chosen))


def _alarms(trained: Detector, strangers: Photos, part: str) -> dict:
    """How many clean photographs of people outside the training set are flagged."""
    flagged = int(trained.flags(strangers.images).sum())
    return {"part": part, "flagged": flagged, "n": len(strangers)}

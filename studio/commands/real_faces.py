"""``real-faces``: make the packaged embeddings of real people."""

from __future__ import annotations

import argparse

from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "real-faces",
        run,
        "embed photographs of real people, clean and cloaked",
        "Embed Labeled Faces in the Wild, as scikit-learn stores it, with the extractors on this "
        "machine, clean and cloaked by every tool. Cloaks are cached, so that the same command "
        "resumes after a kill. No photograph is written.",
        (
            shape.option("--users", "how many protect themselves", type=int, default=20),
            shape.SEED,
            shape.processes(),
            shape.folder("--weights-folder", "of the networks that do not ship"),
            shape.folder("--out", "the file (default: into the package)"),
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Craft, embed, write the file."""
    from poisonlib import provenance, real_faces
    from poisonlib.cli import typed
    from poisonlib.progress import ProgressBar
    from studio.studies import STUDIES, Run, precompute_cloaks
    from studio.studies.real_faces import collect

    with ProgressBar("cloaks") as bar:
        settings = Run(arguments.users, arguments.seed, arguments.weights_folder, progress=bar)
        precompute_cloaks(STUDIES["real"], settings, processes=arguments.processes)
        contents = collect(settings)
    origin = provenance.of_run(typed(arguments), seed=arguments.seed, seconds=bar.seconds)
    out = arguments.out or real_faces.PACKAGED
    real_faces.write(contents, origin, out)
    print(f"{out}: {len(contents.embeddings)} extractors, {out.stat().st_size / 1e6:.1f} MB")

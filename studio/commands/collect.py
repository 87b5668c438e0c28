"""``collect``: run the cloaking tools on public people, as an adaptive trainer does."""

from __future__ import annotations

import argparse
from pathlib import Path

from poisonlib.cli import typed
from poisonlib.progress import ProgressBar
from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "collect",
        run,
        "cloak packaged public people and pack the pairs",
        "Run the paper's three tools on the first packaged public people and pack photographs and "
        "copies as pairs. Cloaks are cached: the same command resumes after a kill.",
        (
            shape.option("--identities", "how many people", type=int, default=40),
            shape.option("--photos", "photographs of each to cloak", type=int, default=6),
            shape.option("--keep", "of them, how many go into the file", type=int, default=4),
            shape.folder("--out", "the file (default: into the package)"),
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Collect, write the file and its record."""
    import torch

    from poisonlib import people, provenance
    from poisonlib.defenses import pairs
    from poisonlib.tools import paper_tools
    from studio.studies.public_copies import first_seed, packaged_copies

    if not 0 < arguments.keep <= arguments.photos:
        raise ValueError(
            f"--keep must be between 1 and the {arguments.photos} of --photos, got {arguments.keep}"
        )
    with ProgressBar("cloaks") as bar:
        copies = packaged_copies(arguments.identities, each=arguments.photos, progress=bar)
    place = torch.tensor(pairs.numbers(copies.photos))[copies.source]
    packed = copies.subset(place < arguments.keep)
    out = arguments.out or pairs.PACKAGED
    pairs.write(packed, out)
    if arguments.out is None:
        public = people.load("public")
        rows = [{"tool": name, "attack": repr(tool)} for name, tool in paper_tools(public).items()]
        seed = first_seed(public)
        origin = provenance.of_run(typed(arguments), seed=seed, seconds=bar.seconds)
        provenance.Recorded(rows, origin).save(Path(str(provenance.RECORDED)) / "collect.json")
    size = out.stat().st_size / 1e6
    print(f"{out}: {len(packed)} copies of {len(packed.photos)} photographs, {size:.1f} MB")

"""``collect``: run the cloaking tools on public people, as an adaptive trainer does."""

from __future__ import annotations

import argparse
from pathlib import Path

from poisonlib.cli import typed
from poisonlib.progress import ProgressBar


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "collect",
        help="cloak packaged public people and pack the pairs",
        description="Run the paper's three tools on the first packaged public people and pack "
        "photographs and copies as pairs. Cloaks are cached: the same command goes on after a "
        "kill.",
    )
    command.add_argument("--identities", type=int, default=40, help="how many people")
    command.add_argument("--photos", type=int, default=6, help="photographs of each to cloak")
    command.add_argument("--keep", type=int, default=4, help="of them, how many go into the file")
    command.add_argument("--out", type=Path, help="the file (default: into the package)")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Collect, write the file and its record."""
    import torch

    from poisonlib import people, provenance
    from poisonlib.attacks import CloakCache
    from poisonlib.defenses import pairs
    from poisonlib.tools import paper_tools

    if not 0 < arguments.keep <= arguments.photos:
        raise ValueError(
            f"--keep must be between 1 and the {arguments.photos} of --photos, got {arguments.keep}"
        )
    public = people.load("public")
    tools = paper_tools(public, cache=CloakCache())
    seed = int(public.names[0][1:])
    with ProgressBar("cloaks") as bar:
        chosen = list(public.people[: arguments.identities])
        collected = pairs.collect(
            tools, public, people=chosen, seed=seed, each=arguments.photos, progress=bar
        )
    place = torch.tensor(pairs.numbers(collected.photos))[collected.source]
    kept = collected.subset(place < arguments.keep)
    out = arguments.out or pairs.PACKAGED
    pairs.write(kept, out)
    rows = [{"tool": name, "attack": repr(attack.attack)} for name, attack in tools.items()]
    origin = provenance.of_run(typed(arguments), seed=seed, seconds=bar.seconds)
    record = Path(str(provenance.RECORDED)) / "collect.json"
    if arguments.out is None:
        provenance.Recorded(rows, origin).save(record)
    size = out.stat().st_size / 1e6
    print(f"{out}: {len(kept)} copies of {len(kept.photos)} photographs, {size:.1f} MB")

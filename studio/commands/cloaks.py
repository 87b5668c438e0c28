"""``cloaks``: craft the cloaks that ship with the package."""

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
        "cloaks",
        run,
        "craft the twenty users' cloaks that ship",
        "Run the paper's three tools at full strength on the training photographs of twenty "
        "packaged users, and pack the cloaks for poisonlib.cloaks. Cloaks are cached: the same "
        "command resumes after a kill.",
        (shape.processes(), shape.folder("--out", "the file (default: into the package)")),
    )


def run(arguments: argparse.Namespace) -> None:
    """Craft, write the file and its record."""
    from poisonlib import cloaks, people, provenance
    from poisonlib.trial import choose_users, cloak_user, split
    from studio.studies import STUDIES, Run, precompute_cloaks

    photos = people.load("users")
    test = split(photos.labels, seed=cloaks.SEED)
    chosen = choose_users(photos, cloaks.USERS, seed=cloaks.SEED)
    with ProgressBar("cloaks") as bar:
        settings = Run(cloaks.USERS, cloaks.SEED, progress=bar)
        precompute_cloaks(STUDIES["baseline"], settings, processes=arguments.processes)
        crafted = {
            name: {
                user: cloak_user(attack, photos, user, test=test, seed=cloaks.SEED)
                for user in chosen
            }
            for name, attack in settings.tools().items()
        }
    out = arguments.out or cloaks.PACKAGED
    cloaks.write(crafted, photos, out)
    rows = []
    for name, by_user in crafted.items():
        of_all = list(by_user.values())
        mean = {
            measure: float(sum(getattr(one, measure).mean() for one in of_all) / len(of_all))
            for measure in cloaks.MEASURES
        }
        rows.append({"tool": name, "attack": of_all[0].attack, "users": len(of_all)} | mean)
    origin = provenance.of_run(typed(arguments), seed=cloaks.SEED, seconds=bar.seconds)
    if arguments.out is None:
        record = Path(str(provenance.RECORDED)) / "cloaks.json"
        provenance.Recorded(rows, origin).save(record)
    count = sum(len(one) for by_user in crafted.values() for one in by_user.values())
    print(f"{out}: {count} photographs, {out.stat().st_size / 1e6:.1f} MB")

"""``assets list``, ``assets fetch``, ``assets check``: weights that are not shipped."""

from __future__ import annotations

import argparse
from pathlib import Path

from poisonlib.progress import ProgressBar


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the ``assets`` command."""
    command = subparsers.add_parser("assets", help="list, fetch and check weights of real models")
    actions = command.add_subparsers(title="actions", dest="action", required=True)

    listing = actions.add_parser("list", help="what there is, its size, licence and place")
    listing.set_defaults(run=_list)

    fetch = actions.add_parser(
        "fetch",
        help="download by name; resumable",
        description="Download files of the manifest. Stop it at any time: the same command "
        "resumes.",
    )
    fetch.add_argument("names", nargs="+", metavar="NAME", help="as `assets list` has it")
    fetch.add_argument("--folder", type=Path, help="where to (default: the cache folder)")
    fetch.set_defaults(run=_fetch)

    check = actions.add_parser("check", help="compare all files that are here with their hashes")
    check.set_defaults(run=_check)


def _list(arguments: argparse.Namespace) -> None:
    from workbench import assets

    for name, asset in assets.manifest().items():
        path = assets.locate(asset)
        print(f"{name}  {asset.megabytes:.0f} MB  {'here: ' + str(path) if path else 'not here'}")
        print(f"    {asset.what}\n    trained: {asset.training}\n    licence: {asset.licence}")


def _fetch(arguments: argparse.Namespace) -> None:
    from workbench import assets

    for name in arguments.names:
        with ProgressBar("B", scale=True) as bar:
            path = assets.fetch(name, folder=arguments.folder, progress=bar)
        print(path)


def _check(arguments: argparse.Namespace) -> None:
    from workbench import assets

    damaged = []
    for name, asset in assets.manifest().items():
        if assets.locate(asset) is None:
            print(f"{name}: not here")
            continue
        try:
            print(f"{name}: undamaged, {assets.find(name)}")
        except assets.DamagedAsset as problem:
            print(f"{name}: damaged")
            damaged.append(str(problem))
    if damaged:
        raise ValueError("\n".join(damaged))

"""``people render``, ``pack``, ``album``, ``card``: make the synthetic people, package them."""

from __future__ import annotations

import argparse
import json

from poisonlib.progress import ProgressBar
from studio.commands.shape import add, folder, option

RENDERED = folder("folder", "folder that `people render` wrote")
OUT = folder("--out", "zip to write", required=True)


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the ``people`` command."""
    people = subparsers.add_parser("people", help="render and package synthetic people")
    actions = people.add_subparsers(title="actions", dest="action", required=True)
    add(
        actions,
        "render",
        _render,
        "render portraits; resumable",
        options=(
            option("--identities", "how many people", type=int, required=True),
            option("--photos", "photographs of each", type=int, required=True),
            folder("--out", "folder to write into", required=True),
            option("--first-identity", "seed of the first person", type=int, default=0),
            option(
                "--detail",
                "packaged: 224 pixels; training: 140 pixels, three times as fast",
                choices=("packaged", "training"),
                default="packaged",
            ),
            option("--looks", "how many looks of each person take turns", type=int, default=1),
            option("--processes", "how many at once (default: all cores)", type=int),
        ),
    )
    add(
        actions,
        "pack",
        _pack,
        "align to 112 pixels and pack into one zip",
        options=(
            RENDERED,
            OUT,
            option("--identities", "only so many people, the first ones", type=int),
            option("--photos", "only so many photographs of each, the first ones", type=int),
        ),
    )
    album = "pack whole portraits of one person into one zip"
    add(actions, "album", _album, album, options=(RENDERED, OUT))
    add(
        actions,
        "card",
        _card,
        "write the data card next to the packed splits",
        options=(
            folder("folder", "folder of people-public.zip and people-users.zip"),
            folder("--realism", "JSON that `studio.benchmarks.realism` printed"),
        ),
    )


def _render(arguments: argparse.Namespace) -> None:
    from studio.people.render_many import render

    first = arguments.first_identity
    with ProgressBar("photographs") as bar:
        report = render(
            arguments.out,
            seeds=range(first, first + arguments.identities),
            photos=arguments.photos,
            processes=arguments.processes,
            detail=arguments.detail,
            looks=arguments.looks,
            progress=bar,
        )
    print(report)


def _pack(arguments: argparse.Namespace) -> None:
    from studio.people.pack import pack

    chosen = {"identities": arguments.identities, "photos": arguments.photos}
    print(pack(arguments.folder, arguments.out, **chosen))


def _album(arguments: argparse.Namespace) -> None:
    from studio.people.albums import pack_album

    print(f"{pack_album(arguments.folder, arguments.out)} portraits in {arguments.out}")


def _card(arguments: argparse.Namespace) -> None:
    from poisonlib.people import packaged
    from studio.people import card

    realism = json.loads(arguments.realism.read_text()) if arguments.realism else None
    card.write(arguments.folder, splits=packaged.SPLITS, realism=realism)
    print(arguments.folder / "people-card.md")

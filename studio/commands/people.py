"""``people render``, ``pack``, ``album``, ``card``: make the synthetic people, package them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the ``people`` command."""
    people = subparsers.add_parser("people", help="render and package synthetic people")
    actions = people.add_subparsers(title="actions", dest="action", required=True)

    render = actions.add_parser("render", help="render portraits of 224 pixels; resumable")
    render.add_argument("--identities", type=int, required=True, help="how many people")
    render.add_argument("--photos", type=int, required=True, help="photographs of each")
    render.add_argument("--out", type=Path, required=True, help="folder to write into")
    render.add_argument("--first-identity", type=int, default=0, help="seed of the first person")
    render.add_argument("--processes", type=int, help="how many at once (default: all cores)")
    render.set_defaults(run=_render)

    pack = actions.add_parser("pack", help="align to 112 pixels and pack into one zip")
    pack.add_argument("folder", type=Path, help="folder that `people render` wrote")
    pack.add_argument("--out", type=Path, required=True, help="zip to write")
    pack.add_argument("--identities", type=int, help="only the first so many people")
    pack.add_argument("--photos", type=int, help="only the first so many photographs of each")
    pack.set_defaults(run=_pack)

    album = actions.add_parser("album", help="pack whole portraits of one person into one zip")
    album.add_argument("folder", type=Path, help="folder that `people render` wrote")
    album.add_argument("--out", type=Path, required=True, help="zip to write")
    album.set_defaults(run=_album)

    card = actions.add_parser("card", help="write the data card beside the packed splits")
    card.add_argument("folder", type=Path, help="where people-public.zip and people-users.zip lie")
    card.add_argument("--realism", type=Path, help="JSON that `studio.benchmarks.realism` printed")
    card.set_defaults(run=_card)


def _render(arguments: argparse.Namespace) -> None:
    from studio.people.render_many import render

    first = arguments.first_identity
    report = render(
        arguments.out,
        seeds=range(first, first + arguments.identities),
        photos=arguments.photos,
        processes=arguments.processes,
    )
    print(report)


def _pack(arguments: argparse.Namespace) -> None:
    from studio.people.pack import pack

    summary = pack(
        arguments.folder, arguments.out, identities=arguments.identities, photos=arguments.photos
    )
    print(summary)


def _album(arguments: argparse.Namespace) -> None:
    from studio.people.albums import pack_album

    print(f"{pack_album(arguments.folder, arguments.out)} portraits in {arguments.out}")


def _card(arguments: argparse.Namespace) -> None:
    from poisonlib.people import packaged
    from studio.people import card

    realism = json.loads(arguments.realism.read_text()) if arguments.realism else None
    card.write(arguments.folder, splits=packaged.SPLITS, realism=realism)
    print(arguments.folder / "people-card.md")

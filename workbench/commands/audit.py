"""``audit``: does a cloak on your own photographs work?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poisonlib import atomic
from poisonlib.progress import ProgressBar

if TYPE_CHECKING:
    from poisonlib.extractors import Extractor
    from workbench.audit import Strategy

NOT_PROTECTED, UNKNOWN = 1, 3
"""Exit codes."""


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "audit",
        help="test whether a cloak on your own photographs works",
        description="Compare one person's photographs with their cloaked copies, made by any tool, "
        "and evaluate these against trainers whose recognisers learnt from photographs of real "
        "people: naive ones, purification, detection, leaks and growth, two models; then against "
        "some whose recognisers learnt from rendered people. A trainer who does not recognise the "
        "person even without the cloak cannot tell, and does not count. Nothing leaves this "
        "machine. Whatever cannot be used is listed with the reason.",
        epilog="Exit code: 0 if the cloak protects against every trainer that can tell, today; 1 "
        "if it does not; 3 if there are not enough photographs to say, or if no trainer can tell; "
        "2 for wrong input; 130 after Ctrl-C.",
    )
    command.add_argument("--clean", metavar="DIR", required=True, help="clean photographs")
    command.add_argument("--cloaked", metavar="DIR", required=True, help="their cloaked copies")
    command.add_argument(
        "--background",
        default="people",
        metavar="people|lfw|DIR",
        help="who else is in the gallery: the packaged rendered people, Labeled Faces in the "
        "Wild as scikit-learn stores it, or a folder with a folder for each person (default: "
        "people); of very many files some are read, and their number is printed. Among rendered "
        "people the owner is easier to recognise than among real ones, so that a cloak that fails "
        "there may fail even more clearly elsewhere, and one that works may not",
    )
    command.add_argument(
        "--extractors",
        nargs="+",
        metavar="NAME|FILE",
        help="of the trainers, by name or as a file (.safetensors of this book, TorchScript or "
        "ONNX); each that knows faces is used with every strategy (default: all on this machine "
        "that learnt from photographs, and four that learnt from rendered people)",
    )
    line_up = command.add_mutually_exclusive_group()
    line_up.add_argument("--quick", action="store_true", help="a few trainers only")
    line_up.add_argument(
        "--all", action="store_true", help="every trainer of the book, which takes minutes"
    )
    command.add_argument(
        "--faces",
        dest="which",
        choices=("owner", "skip"),
        default="owner",
        help="of pictures with several: take the owner's face (the most central one, unless "
        "another is more like those on the other photographs), or skip the picture",
    )
    command.add_argument(
        "--layout",
        choices=("auto", "people", "one"),
        default="auto",
        help="whose photographs lie where; an audit is of one person, so `one` if the folders "
        "below --clean are not people",
    )
    command.add_argument(
        "--most", type=int, default=200, help="take at most so many pairs (default: 200)"
    )
    command.add_argument("--name", default="the cloak", help="of the cloak in the report")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--report", type=Path, metavar="FILE", help="also write an HTML report")
    command.add_argument(
        "--with-photographs", action="store_true", help="embed some of the faces in the report"
    )
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Audit, write the report, print; returns the exit code."""
    from workbench import audit, folders
    from workbench.audit.others import MOST_OTHERS
    from workbench.audit.verdict import CANNOT_TELL

    if arguments.with_photographs and arguments.report is None:
        raise ValueError("--with-photographs needs --report FILE to embed them in")
    _say(_of_one_person(arguments))
    strategies = _line_up(arguments)
    pairs = folders.pair(arguments.clean, arguments.cloaked).thinned(arguments.most)
    with ProgressBar("files") as bar:
        others, described = audit.background(arguments.background, most=MOST_OTHERS, progress=bar)
        faces = folders.read_pairs(pairs, which=arguments.which, progress=bar)
    if understood := getattr(others, "album", ""):
        _say(f"background: {understood}")
    for problem in getattr(others, "skipped", ()):
        _say(f"left out of the background: {problem}")
    with ProgressBar("trials") as bar:
        result = audit.audit(
            faces,
            background=others,
            described=described,
            strategies=strategies,
            seed=arguments.seed,
            name=arguments.name,
            progress=bar,
        )
    # A report is on the disk before anything is printed, which may fail as well.
    lost = None
    if arguments.report is not None:
        page = audit.as_html(result, photographs=arguments.with_photographs)
        lost = _written(arguments.report, page)
    if arguments.json:
        print(result.to_json())
    else:
        for problem in result.problems:
            _say(f"left out: {problem}")
        print(result.card)
        print("", *result.statement, sep="\n")
    if lost is not None:
        raise lost
    grade = result.card.grade
    if grade == "protects":
        return 0
    return UNKNOWN if grade in (CANNOT_TELL, "not enough photographs to say") else NOT_PROTECTED


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _of_one_person(arguments: argparse.Namespace) -> str:
    """What was understood of the folder of clean photographs.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: it holds photographs of several people.
    """
    from workbench.photos.layout import read_album

    album = read_album(
        arguments.clean, layout=arguments.layout, what="the clean photographs of one person"
    )
    if len(album.people) > 1:
        first = album.names[0]
        raise ValueError(
            f"{album}, but an audit is of one person: give the folders of one, e.g. --clean "
            f"{album.folder / first} --cloaked {Path(arguments.cloaked) / first}, or --layout one "
            "if everything is of one person"
        )
    return str(album)


def _line_up(arguments: argparse.Namespace) -> tuple[Strategy, ...]:
    """The trainers that were asked for."""
    from poisonlib import extractors
    from workbench import audit
    from workbench.extractors import pretrained

    which = "audit"
    naive = arguments.extractors and [_extractor(each) for each in arguments.extractors]
    if arguments.quick:
        which = "quick"
    elif arguments.all:
        which = "all"
        shipped = (*extractors.names(photographs=True), *extractors.names())
        naive = naive or [*shipped, *pretrained.available()]
    return audit.strategies(which, extractors=naive)


def _extractor(which: str) -> Extractor:
    """By name, or from a file.

    Raises:
        FileNotFoundError, ValueError: there is none; the message says what to do.
    """
    from workbench import extractors

    is_file = Path(which).suffix.lower() in extractors.SUFFIXES
    return extractors.from_file(which) if is_file else extractors.load(which)


def _written(path: Path, text: str) -> ValueError | None:
    """Write a report that only its owner may read; why it cannot be written, if it cannot."""
    try:
        atomic.write(path, text, private=True)
    except OSError as problem:
        return ValueError(
            f"the report cannot be written to {path} ({problem.strerror}); its content is "
            "printed above"
        )
    return None

"""``cloak``: put a cloak on the photographs in a folder, at full resolution."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poisonlib.progress import ProgressBar

if TYPE_CHECKING:
    from workbench.folders import CloakedFolder

TOOLS = {"fawkes-v0.3": "Fawkes v0.3", "fawkes-v1": "Fawkes v1.0", "lowkey": "LowKey"}
MODES = ("min", "low", "mid", "high", "ultra")
SKIPPED, STOPPED = 1, 3
"""Exit codes."""


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "cloak",
        help="cloak the photographs in a folder",
        description="Write a cloaked copy of every photograph below a folder into another, at full "
        "resolution. Each folder directly in it is one person's, unless all of them are dates or "
        "a camera's. Originals are only read. Copies contain pixels and colour profile, and "
        "nothing that says where and when. What each retains of its cloak is listed in "
        "poisonlib-cloak.jsonl beside them. Kill it at any moment: the same command resumes.",
        epilog="Exit code: 0 if every file has a cloaked copy; 1 if some have none, which are "
        "listed with the reason; 2 for wrong input; 3 if nothing more "
        "can be written, as on a full disk; 130 after Ctrl-C.",
    )
    command.add_argument("--attack", choices=TOOLS, required=True, help="the cloaking tool")
    command.add_argument(
        "--in", dest="in_folder", metavar="DIR", type=Path, required=True, help="the originals"
    )
    command.add_argument(
        "--out",
        dest="out_folder",
        metavar="DIR",
        type=Path,
        required=True,
        help="for the copies; neither in the other folder nor around it",
    )
    command.add_argument(
        "--mode",
        choices=MODES,
        default="high",
        help="strength: Fawkes v0.3 has all, the others low, mid and high (default: high)",
    )
    command.add_argument(
        "--surrogates",
        nargs="+",
        metavar="NAME",
        help="the extractors to craft the cloaks on, instead of the tool's own, which learnt from "
        "rendered people; for photographs of real people dlib-2017, which ships, or others that "
        "`assets fetch` has brought",
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--format",
        choices=("same", "png"),
        default="same",
        help="of the copies: that of the original (JPEG at quality 95), or PNG (default: same)",
    )
    command.add_argument(
        "--faces",
        dest="which",
        choices=("owner", "all", "skip"),
        default="owner",
        help="of pictures with several: cloak the face of the person whose photographs these are "
        "(the most central one, unless another is more like their other photographs), cloak all, "
        "or skip the picture (default: owner)",
    )
    command.add_argument(
        "--layout",
        choices=("auto", "people", "one"),
        default="auto",
        help="whose photographs lie where: a folder for each person, or all of one person; by "
        "default decided by the names of the folders, and printed",
    )
    command.add_argument(
        "--keep-metadata",
        action="store_true",
        help="keep camera, date, author and exposure; never position, thumbnail, maker notes",
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Cloak, and list what was skipped; returns the exit code."""
    from poisonlib import people
    from poisonlib.tools import at_strength
    from workbench.extractors import load
    from workbench.folders import CannotWrite, cloak_folder

    names = dict.fromkeys(arguments.surrogates or ())
    attack = at_strength(
        TOOLS[arguments.attack],
        arguments.mode,
        public=people.load("public"),
        surrogates=[load(name) for name in names] or None,
    )
    with ProgressBar("cloaks") as bar:
        try:
            report = cloak_folder(
                arguments.in_folder,
                arguments.out_folder,
                attack,
                seed=arguments.seed,
                which=arguments.which,
                layout=arguments.layout,
                format=arguments.format,
                keep_metadata=arguments.keep_metadata,
                progress=bar,
            )
        except CannotWrite as problem:
            print(f"poisonlib: {problem}", file=sys.stderr)
            return STOPPED
    print(as_text(report))
    return SKIPPED if report.problems or report.uncloaked else 0


def as_text(report: CloakedFolder) -> str:
    """The report: what was understood, each file with a note or without a copy, a summary."""
    from workbench.photos.walk import printable

    lines = [report.album, *map(str, report.notes)]
    lines += [f"not cloaked {left}" for left in report.uncloaked]
    lines += [f"skipped {problem}" for problem in report.problems]
    before = report.cloaked_before
    total = report.cloaked + before
    earlier = f", {before} of them by an earlier run" if before else ""
    lines.append(f"{printable(report.folder)}: {total} photographs cloaked{earlier}")
    known = sorted(share for share in report.retained if share is not None)
    if known:
        lines[-1] += (
            f"; the copies retain {known[len(known) // 2]:.0%} of the cloak's shift (median; "
            f"least {known[0]:.0%}) when their faces are detected again"
        )
    if report.uncloaked:
        lines.append(f"not cloaked, as the tool found no cloak: {len(report.uncloaked)}")
    if report.problems:
        lines.append(f"skipped: {len(report.problems)}")
    return "\n".join(lines)

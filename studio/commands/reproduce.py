"""``reproduce``: test the paper's claims, and say which of them are reproduced."""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING

from studio.commands import shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poisonlib.provenance import Provenance
    from studio.scoreboard import Judged


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.scoreboard import PROFILES

    sizes = "; ".join(f"{name}: {one.users} users, {one.about}" for name, one in PROFILES.items())
    flag = {"action": "store_true"}
    shape.add(
        subparsers,
        "reproduce",
        run,
        "test the paper's claims and judge each",
        "Test the paper's claims and print one row for each: what the paper says, our result "
        "with its 95 % interval, a verdict by an explicit criterion, and the chapter that teaches "
        "it. Cloaks are cached, so that the same command resumes after an interruption. The exit "
        "code is 0 if everything has run, whatever the verdicts.",
        (
            shape.option("--profile", sizes, choices=PROFILES, default="quick"),
            shape.SEED,
            shape.processes(2),
            shape.option("--json", "print JSON instead of a table", **flag),
            shape.option("--criteria", "print every claim's criterion and run nothing", **flag),
            shape.folder("--out-folder", "also save what was measured there, as reproduce.json"),
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Run, judge, print."""
    from studio import scoreboard
    from studio.studies import Run

    if arguments.criteria:
        print(_criteria(arguments.json))
        return
    settings = Run(scoreboard.PROFILES[arguments.profile].users, arguments.seed)
    recorded = shape.run_study(arguments, scoreboard.STUDY, settings)
    try:
        if arguments.out_folder is not None:
            recorded.save(arguments.out_folder / "reproduce.json")
    finally:  # whether it could be written or not
        board, origin = scoreboard.judge(recorded.table), recorded.provenance
        print(as_json(board, origin) if arguments.json else as_text(board, origin))


def as_json(board: Sequence[Judged], origin: Provenance) -> str:
    """The scoreboard with its provenance, as strict JSON."""
    from dataclasses import asdict

    from studio.scoreboard import RULE, VERDICTS

    count = Counter(row.verdict for row in board)
    content = {
        "provenance": asdict(origin),
        "rule": RULE,
        "verdicts": {verdict: count[verdict] for verdict in VERDICTS},
        "claims": [row.to_json() for row in board],
    }
    return json.dumps(content, indent=1, allow_nan=False)


def as_text(board: Sequence[Judged], origin: Provenance) -> str:
    """The scoreboard as a table, a line for each claim."""
    from poisonlib.figures.tables import title
    from studio.scoreboard import VERDICTS

    cells = [("verdict", "claim", "ours [95 %]", "n / people", "taught in", "the paper")]
    for row in board:
        claim, counts = row.claim, f"{row.n} / {row.users}"
        # The paper's words are the longest: they come last, so that most lines are short.
        cells.append((row.mark, claim.name, row.ours, counts, title(claim.taught), claim.in_short))
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    head, *lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
    count = Counter(row.verdict for row in board)
    total = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS)
    grouped = []
    for group, rows in itertools.groupby(
        zip(board, lines, strict=True), key=lambda pair: pair[0].claim.group
    ):
        grouped += ["", group.capitalize(), *(f"  {line}" for _, line in rows)]
    notes = ["", f"{len(board)} claims: {total}."]
    if any(row.coarse for row in board):
        notes.append("~ coarse: few photographs or people; another sample might change the verdict")
    return "\n".join([f"  {head}", *grouped, *notes, str(origin)])


def _criteria(in_json: bool) -> str:
    from studio.scoreboard import CLAIMS, RULE

    if in_json:
        claims = [
            {"claim": one.name, "statement": one.statement, "holds": one.holds, "leans": one.leans}
            for one in CLAIMS
        ]
        return json.dumps({"rule": RULE, "claims": claims}, indent=1)
    lines = [RULE]
    for one in CLAIMS:
        lines += ["", f"{one.name}: {one.statement}", f"  {one.criterion}"]
    return "\n".join(lines)

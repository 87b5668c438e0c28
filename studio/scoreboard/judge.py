"""The scoreboard: one row for each claim, judged by what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from studio.scoreboard.claims import CLAIMS, ToReproduce
from studio.scoreboard.criteria import Part, Verdict, is_coarse, verdict
from studio.scoreboard.measured import Measured

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Judged:
    """A claim with what was measured.

    Attributes:
        claim: of the paper.
        parts: measured numbers, one or several.
        verdict: by the rule of :func:`studio.scoreboard.verdict`.
        coarse: whether too little was measured to rely on the verdict.

    Example:
        >>> from poisonlib import provenance
        >>> from studio import scoreboard
        >>> rows = provenance.load("reproduce").table
        >>> first = scoreboard.judge(rows)[0]
        >>> first.verdict in scoreboard.VERDICTS, first.n > 0
        (True, True)
    """

    claim: ToReproduce
    parts: Sequence[Part]
    verdict: Verdict
    coarse: bool

    @property
    def ours(self) -> str:
        """The value with its interval; for several parts, how many hold and their range."""
        if len(self.parts) == 1:
            return str(self.parts[0])
        shown = [part for part in self.parts if not part.is_difference] or self.parts
        low, high = min(part.low for part in shown), max(part.high for part in shown)
        values = sorted(part.value for part in shown)
        holding = sum(part.holds for part in self.parts)
        span = f"{values[0]:.1%} to {values[-1]:.1%} [{100 * low:.1f}, {100 * high:.1f}]"
        return f"{holding} of {len(self.parts)} hold: {span}"

    @property
    def mark(self) -> str:
        """The verdict, with a ``~`` where it is coarse."""
        return f"{self.verdict} ~" if self.coarse else self.verdict

    @property
    def n(self) -> int:
        """Number of photographs in the part with the fewest."""
        return min(part.n for part in self.parts)

    @property
    def users(self) -> int:
        """Number of people in the part with the fewest."""
        return min(part.users for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Plain values, none of them NaN."""
        claim = self.claim
        return {
            "claim": claim.name,
            "group": claim.group,
            "statement": claim.statement,
            "paper": None
            if claim.band is None
            else {"low": claim.band.claim.low, "high": claim.band.claim.high},
            "ours": self.ours,
            "n": self.n,
            "users": self.users,
            "verdict": self.verdict,
            "coarse": self.coarse,
            "holds": claim.holds,
            "leans": claim.leans,
            "taught": claim.taught,
            "parts": [asdict(part) for part in self.parts],
        }


def judge(table: pandas.DataFrame) -> list[Judged]:
    """Judge every claim by the rows of :func:`studio.scoreboard.measure`.

    Example:
        >>> from poisonlib import provenance
        >>> from studio import scoreboard
        >>> rows = provenance.load("reproduce").table
        >>> board = scoreboard.judge(rows)
        >>> [row.claim.name for row in board] == [claim.name for claim in scoreboard.CLAIMS]
        True
    """
    measured = Measured(table)
    board = []
    for claim in CLAIMS:
        parts = tuple(claim.parts(measured))
        board.append(Judged(claim, parts, verdict(parts), is_coarse(parts)))
    return board

"""What was measured, read out of the rows of a run or of its record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.generations import judged
from poisonlib.statistics import Difference, Rate, paired, wilson
from studio.studies.outcomes import summary

if TYPE_CHECKING:
    import pandas

NOBODY = "nobody cloaks"


class Measured:
    """The rows of :func:`studio.scoreboard.measure`, read by name.

    Args:
        table: those rows.

    Example:
        >>> from poisonlib import provenance
        >>> from studio import scoreboard
        >>> rows = provenance.load("reproduce").table
        >>> measured = scoreboard.Measured(rows)
        >>> error, users = measured.unprotected("softmax-2014")
        >>> 0 <= error.low <= error.value <= error.high <= 1
        True
    """

    def __init__(self, table: pandas.DataFrame) -> None:
        self.table = table

    def part(self, name: str) -> pandas.DataFrame:
        """The rows of one kind, without the columns of the others."""
        return self.table[self.table["part"] == name].dropna(axis="columns", how="all")

    @cached_property
    def trials(self) -> pandas.DataFrame:
        """Every tool and extractor with interval and verdict, as ``judged`` makes it."""
        return judged(self.part("trial"))

    @cached_property
    def switches(self) -> pandas.DataFrame:
        """The same for users who changed tools, with ``old`` and ``new`` in front."""
        return judged(self.part("switch"), by=["old", "new"])

    @cached_property
    def two_models(self) -> pandas.DataFrame:
        """Each pair, rule and group of photographs, as ``outcomes.summary`` makes it."""
        return summary(self.table[self.table["pair"].notna()])

    def unprotected(self, extractor: str) -> tuple[Rate, int]:
        """The users' error without a cloak, and how many users."""
        rows = self.part("trial")
        users = rows[(rows["extractor"] == extractor) & (rows["condition"] == "control")]
        users = users.drop_duplicates("user")
        return wilson(int(users["errors"].sum()), int(users["n"].sum())), len(users)

    def protected(self, tool: str, extractor: str) -> tuple[Rate, int]:
        """The users' error with a tool's cloaks, and how many users."""
        rows = self.part("trial")
        users = rows[(rows["extractor"] == extractor) & (rows["attack"] == tool)]
        users = users[users["condition"] == "cloaked"]
        return wilson(int(users["errors"].sum()), int(users["n"].sum())), len(users)

    def fooled(self, tool: str, extractor: str) -> paper.Verdict:
        """Whether an extractor is fooled by a tool, by the rule of ``paper.verdict``."""
        cloaked, bare = self.protected(tool, extractor)[0], self.unprotected(extractor)[0]
        return paper.verdict(low=cloaked.low, high=cloaked.high, unprotected=bare.high)

    def everybody(self, extractor: str) -> tuple[set[int], int, int]:
        """Which test photographs are misnamed when nobody cloaks, of how many, of how many people.

        Photographs are numbered in the order of the test set.
        """
        rows = self.part("clean")
        (row,) = rows[rows["extractor"] == extractor].to_dict("records")
        return set(row["wrong"]), int(row["n"]), int(row["users"])

    def less_accurate(self, extractor: str, than: Sequence[str]) -> tuple[str, Difference, int]:
        """By how much an extractor errs more often than the best of some others, on everybody.

        Returns:
            the best one's name, the difference, and how many people.
        """
        best = min(than, key=lambda name: len(self.everybody(name)[0]))
        errors, n, people = self.everybody(extractor)
        others, _, _ = self.everybody(best)
        return best, paired(len(errors - others), len(others - errors), n), people

    def precision(self) -> tuple[Rate, int]:
        """The share of flagged photographs that are cloaked, and how many users.

        As in the paper, each tool's photographs are compared with equally many clean ones, their
        originals. These are the same for every tool, so n is that of one tool.
        """
        rows = self.part("detector")
        cloaked = rows[rows["attack"] != NOBODY]
        clean = rows[rows["attack"] == NOBODY].iloc[0]
        tools = len(cloaked)
        right = round(cloaked["flagged"].sum() / tools)
        return wilson(right, right + int(clean["flagged"])), int(clean["users"])

    def recall(self) -> tuple[Rate, int]:
        """The share of cloaked photographs that the detector flags, and how many users."""
        rows = self.part("detector")
        cloaked = rows[rows["attack"] != NOBODY]
        rate = wilson(int(cloaked["flagged"].sum()), int(cloaked["n"].sum()))
        return rate, int(cloaked["users"].iloc[0])

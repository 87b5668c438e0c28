"""Trials over generations of extractors: in order of release, pooled over users, and judged.

How an error with its interval becomes a verdict that is compared with the paper's, for figures and
for the scoreboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.statistics import Rate, wilson
from poisonlib.trial import summarise

if TYPE_CHECKING:
    import pandas

AGREEMENTS = ("as in the paper", "not as in the paper", "undecided", "the paper is silent")


def year(extractor: str) -> int:
    """The year that the name of an extractor ends with: 2014 for ``"softmax-2014"``.

    Raises:
        ValueError: it ends with no year.
    """
    _, _, last = extractor.rpartition("-")
    if not (len(last) == 4 and last.isdigit()):
        raise ValueError(
            f"an extractor's name ends with its year, as softmax-2014, got {extractor!r}"
        )
    return int(last)


def family(extractor: str) -> str:
    """The name without its year: ``"softmax"`` for ``"softmax-2014"``."""
    return extractor.removesuffix(f"-{year(extractor)}")


def by_release(extractors: Iterable[str]) -> list[str]:
    """Each name once, oldest first; those of one year by name."""
    return sorted(set(extractors), key=lambda name: (year(name), name))


def pooled(table: pandas.DataFrame, by: Sequence[str] = ()) -> pandas.DataFrame:
    """Pool a trial table over users, apart for each value of further columns.

    Args:
        table: as ``TrialResult.table``, with the additional columns ``by``.
        by: further columns that tell experiments apart.

    Returns:
        what ``summarise`` makes, with the columns ``by`` in front.
    """
    import pandas

    if not by:
        return summarise(table)
    parts = []
    for key, rows in table.groupby(list(by), sort=False, dropna=False):
        part = summarise(rows)
        for place, (column, value) in enumerate(zip(by, key, strict=True)):
            part.insert(place, column, value)
        parts.append(part)
    return pandas.concat(parts, ignore_index=True)


def unprotected(table: pandas.DataFrame) -> dict[str, Rate]:
    """Each extractor's error on the clean photographs of everybody when nobody cloaks.

    Everybody is tested in every user's turn, so one turn is counted.
    """
    clean = table[table["condition"] == "control"]
    rates = {}
    for extractor in by_release(clean["extractor"]):
        mine = clean[clean["extractor"] == extractor]
        first = mine.iloc[0]
        turn = mine[(mine["user"] == first["user"]) & (mine["attack"] == first["attack"])]
        turn = turn.drop_duplicates("whose")
        rates[extractor] = wilson(int(turn["errors"].sum()), int(turn["n"].sum()))
    return rates


def judged(table: pandas.DataFrame, by: Sequence[str] = ()) -> pandas.DataFrame:
    """The error of protected users with its verdict, and the paper's statement on the same pair.

    The rule is :func:`poisonlib.paper.verdict`.

    Returns:
        one row for each tool and extractor, in order of release: ``by``, ``attack, extractor,
        error, low, high, n, users``, the same users' error without a cloak as ``clean, clean_low,
        clean_high``, ``verdict``, the paper's as ``paper`` (``"–"`` if it makes no statement), and
        ``agreement``, one of :data:`AGREEMENTS`.
    """
    import pandas

    keys = [*by, "attack", "extractor"]
    users = pooled(table[table["whose"] == "user"], by)
    clean = users[users["condition"] == "control"].set_index(keys)[["error", "low", "high"]]
    rows = []
    for row in users[users["condition"] == "cloaked"].to_dict("records"):
        bare = clean.loc[tuple(row[key] for key in keys)]
        verdict = paper.verdict(low=row["low"], high=row["high"], unprotected=bare["high"])
        said = paper.transfer(row["attack"], row["extractor"])
        word = "–" if said is None else "fooled" if said.fooled else "not fooled"
        rows.append(
            {key: row[key] for key in [*keys, "error", "low", "high", "n", "users"]}
            | {"clean": bare["error"], "clean_low": bare["low"], "clean_high": bare["high"]}
            | {"verdict": verdict, "paper": word, "agreement": _agreement(verdict, word)}
        )
    order = {name: place for place, name in enumerate(by_release(users["extractor"]))}
    result = pandas.DataFrame(rows)
    return result.sort_values("extractor", key=lambda names: names.map(order), kind="stable")


def _agreement(verdict: str, word: str) -> str:
    if word == "–":
        return "the paper is silent"
    if verdict == "undecided":
        return "undecided"
    return "as in the paper" if verdict == word else "not as in the paper"

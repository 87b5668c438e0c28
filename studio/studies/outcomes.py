"""The outcome of each rule that combines two models, from their recorded answers.

The answers of an accurate and of a robust model to the same photographs
(:func:`studio.studies.combined.combined`) determine the error and the cost of every rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poisonlib.defenses.combined import SHARE
from poisonlib.statistics import Difference, Rate, paired, wilson

if TYPE_CHECKING:
    import pandas

UNPROTECTED = "no cloak"


@dataclass(frozen=True)
class Answers:
    """The answers of two models to the same n photographs of people in the gallery.

    Attributes:
        person: ``(n,)`` whom each photograph shows.
        accurate_right, robust_right: ``(n,)`` bool, whether the model names that person.
        accurate_distance, robust_distance: ``(n,)``, of the model's nearest neighbour.
        same: ``(n,)`` bool, whether both give one name.
    """

    person: NDArray
    accurate_right: NDArray
    accurate_distance: NDArray
    robust_right: NDArray
    robust_distance: NDArray
    same: NDArray

    def __len__(self) -> int:
        return len(self.person)


def answers(
    table: pandas.DataFrame, pair: str, tool: str = UNPROTECTED, *, wearers: bool = False
) -> Answers:
    """The recorded answers about users of a tool, or about everybody without a cloak.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        tool: whose users.
        wearers: of the photographs without a cloak, only those of the people who cloak later.

    Raises:
        ValueError: the table holds none.
    """
    rows = table[(table["part"] == "queries") & (table["pair"] == pair) & (table["tool"] == tool)]
    if wearers:
        rows = rows[rows["wearer"].astype(bool)]
    if not len(rows):
        pairs = ", ".join(dict.fromkeys(table["pair"]))
        raise ValueError(f"no answers of {pair!r} with {tool!r}; there are these pairs: {pairs}")
    names = ("accurate_right", "accurate_distance", "robust_right", "robust_distance", "same")
    lists = {name: np.concatenate([np.asarray(each) for each in rows[name]]) for name in names}
    counts = [len(each) for each in rows["same"]]
    person = np.repeat(rows["person"].to_numpy(), counts)
    flags = {name: lists[name].astype(bool) for name in names if "distance" not in name}
    return Answers(person, **(lists | flags))


@dataclass(frozen=True)
class Outcome:
    """What a rule makes of n photographs.

    Attributes:
        wrong: ``(n,)`` bool, or probabilities where a person may err.
        consulted: ``(n,)`` bool, where the second model is needed.
        comparisons: ``(n,)``, how many faces a person compares with the photograph.
    """

    wrong: NDArray
    consulted: NDArray
    comparisons: NDArray

    @property
    def error(self) -> Rate:
        """The share that is wrong, with its interval."""
        return wilson(round(float(self.wrong.sum())), len(self.wrong))

    def less(self, other: Outcome) -> Difference:
        """By how much this one is wrong more often than another on the same photographs."""
        more = int((self.wrong & ~other.wrong).sum())
        return paired(more, int((other.wrong & ~self.wrong).sum()), len(self.wrong))


def accurate_alone(given: Answers) -> Outcome:
    """The accurate model, and nobody else."""
    return Outcome(~given.accurate_right, _none(given), np.zeros(len(given)))


def robust_alone(given: Answers) -> Outcome:
    """The robust model, and nobody else."""
    return Outcome(~given.robust_right, ~_none(given), np.zeros(len(given)))


def top2(given: Answers) -> Outcome:
    """Both answers, shown to a person who never errs and compares each face once."""
    wrong = ~(given.accurate_right | given.robust_right)
    return Outcome(wrong, ~_none(given), 1.0 + ~given.same)


def streamlined(given: Answers) -> Outcome:
    """The robust model's answer, shown only where that person refuses the accurate one's."""
    refused = ~given.accurate_right
    return Outcome(top2(given).wrong, refused, 1.0 + (refused & ~given.same))


def thresholded(given: Answers, threshold: float) -> Outcome:
    """No person: the robust model answers wherever the accurate one's neighbour is too far.

    Args:
        given: the answers.
        threshold: the largest distance at which the accurate model answers.
    """
    consulted = given.accurate_distance > threshold
    right = np.where(consulted, given.robust_right, given.accurate_right)
    return Outcome(~right, consulted, np.zeros(len(given)))


def limits(table: pandas.DataFrame, pair: str, share: float) -> dict[str, float]:
    """The recorded ``threshold`` with its bounds ``low`` and ``high``, and ``reject``.

    Raises:
        ValueError: no thresholds for such a share.
    """
    rows = table[(table["part"] == "thresholds") & (table["pair"] == pair)]
    known = rows[np.isclose(rows["share"].astype(float), share)]
    if len(known) != 1:
        raise ValueError(
            f"no threshold of {pair!r} at a share of {share}; there are {rows['share'].tolist()}"
        )
    row = known.iloc[0]
    return {name: float(row[name]) for name in ("threshold", "low", "high", "reject")}


def summary(table: pandas.DataFrame, share: float = SHARE) -> pandas.DataFrame:
    """Each pair, rule and group of photographs: error, interval, and the rest in words.

    Args:
        table: of the record ``combined``.
        share: at which the threshold was chosen.

    Returns:
        columns ``pair, rule, tool, whose, error, low, high, n, people``; ``than accurate`` and
        ``than robust``, paired differences of the error from the models' alone; ``consulted`` and
        ``comparisons``, means.
    """
    import pandas

    lines = []
    for pair in dict.fromkeys(table["pair"]):
        threshold = limits(table, pair, share)["threshold"]
        for tool, whose, given in groups(table, pair):
            alone = accurate_alone(given), robust_alone(given)
            rules = {
                "accurate alone": alone[0],
                "robust alone": alone[1],
                "Top-2": top2(given),
                "Top-2, streamlined": streamlined(given),
                "threshold": thresholded(given, threshold),
            }
            for rule, outcome in rules.items():
                rate = outcome.error
                row = {"pair": pair, "rule": rule, "tool": tool, "whose": whose}
                row |= {"error": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
                row |= {"people": len(set(given.person))}
                row |= {"than accurate": outcome.less(alone[0])}
                row |= {"than robust": outcome.less(alone[1])}
                row |= {"consulted": float(outcome.consulted.mean())}
                lines.append(row | {"comparisons": float(outcome.comparisons.mean())})
    return pandas.DataFrame(lines)


def groups(table: pandas.DataFrame, pair: str) -> list[tuple[str, str, Answers]]:
    """The tool, whose photographs, and the answers: everybody, the users without, and with each."""
    queries = table[(table["part"] == "queries") & (table["pair"] == pair)]
    tools = [tool for tool in dict.fromkeys(queries["tool"]) if tool != UNPROTECTED]
    clean = [
        (UNPROTECTED, "everybody", answers(table, pair)),
        (UNPROTECTED, "users", answers(table, pair, wearers=True)),
    ]
    return clean + [(tool, "users", answers(table, pair, tool)) for tool in tools]


def _none(given: Answers) -> NDArray:
    return np.zeros(len(given), dtype=bool)

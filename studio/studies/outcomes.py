"""What becomes of two models' answers, by each rule for when to ask which: plain arithmetic.

The recorded answers of an accurate and of a robust model to the same photographs
(:func:`studio.studies.combined.combined`) determine the error, the cost and the strangers accepted
by every rule, without running anything again.
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
    """The recorded answers about the people who wear a tool, or about everybody without.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        tool: whose wearers.
        wearers: of the photographs without a cloak, only those of the people who later wear one.

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


def accurate_alone(asked: Answers) -> Outcome:
    """The accurate model, and nobody else."""
    return Outcome(~asked.accurate_right, _none(asked), np.zeros(len(asked)))


def robust_alone(asked: Answers) -> Outcome:
    """The robust model, and nobody else."""
    return Outcome(~asked.robust_right, ~_none(asked), np.zeros(len(asked)))


def top2(asked: Answers) -> Outcome:
    """Both answers, shown to a person who never errs and compares each face once."""
    wrong = ~(asked.accurate_right | asked.robust_right)
    return Outcome(wrong, ~_none(asked), 1.0 + ~asked.same)


def streamlined(asked: Answers) -> Outcome:
    """The robust model's answer, shown only where that person refuses the accurate one's."""
    refused = ~asked.accurate_right
    return Outcome(top2(asked).wrong, refused, 1.0 + (refused & ~asked.same))


def thresholded(asked: Answers, threshold: float, *, reject: float | None = None) -> Outcome:
    """No person: the robust model answers wherever the accurate one's neighbour is too far.

    Args:
        asked: the answers.
        threshold: the largest distance at which the accurate model answers.
        reject: the largest distance at which the robust one does; beyond, nobody is named.
    """
    consulted = asked.accurate_distance > threshold
    second = asked.robust_right
    if reject is not None:
        second = second & (asked.robust_distance <= reject)
    right = np.where(consulted, second, asked.accurate_right)
    return Outcome(~right, consulted, np.zeros(len(asked)))


@dataclass(frozen=True)
class Verdicts:
    """What a person who errs makes of each of n photographs, as probabilities that add up to 1.

    Attributes:
        right: ``(n,)``, the right name.
        innocent: ``(n,)``, another name: somebody else is taken for the person searched.
        nobody: ``(n,)``, no name.
    """

    right: NDArray
    innocent: NDArray
    nobody: NDArray


def with_an_erring_person(asked: Answers, *, accepts: float, refuses: float) -> Verdicts:
    """The streamlined Top-2, the person comparing each face on its own.

    First the accurate model's answer is shown. Where it is refused, the robust one's is shown, if
    it is another face. Where that is refused too, nobody is named.

    Args:
        asked: the answers.
        accepts: probability that a wrong face is taken for the right one, in [0, 1].
        refuses: probability that the right face is turned down, in [0, 1].

    Raises:
        ValueError: probabilities outside [0, 1].
    """
    if not (0 <= accepts <= 1 and 0 <= refuses <= 1):
        raise ValueError(f"probabilities are in [0, 1], got accepts={accepts}, refuses={refuses}")
    said_yes = np.where(asked.accurate_right, 1 - refuses, accepts)
    again = (1 - said_yes) * ~asked.same
    yes_again = again * np.where(asked.robust_right, 1 - refuses, accepts)
    right = said_yes * asked.accurate_right + yes_again * asked.robust_right
    innocent = said_yes * ~asked.accurate_right + yes_again * ~asked.robust_right
    return Verdicts(right, innocent, 1 - right - innocent)


def strangers(
    table: pandas.DataFrame, pair: str, part: str = "strangers"
) -> tuple[NDArray, NDArray]:
    """Distances ``(n,)`` of people who are not in the gallery, from either model's neighbour.

    Args:
        table: of the record ``combined``.
        pair: of models, by name.
        part: ``"strangers"``, or ``"absent"`` for those on whom thresholds were chosen.
    """
    rows = table[(table["part"] == part) & (table["pair"] == pair)]
    names = ("accurate_distance", "robust_distance")
    near, far = (np.concatenate([np.asarray(each) for each in rows[name]]) for name in names)
    return near, far


def named(near: NDArray, far: NDArray, threshold: float, reject: float) -> NDArray:
    """For which ``(n,)`` photographs somebody is named, right or wrong.

    Args:
        near, far: ``(n,)`` distances from the accurate and the robust model's neighbour.
        threshold, reject: as in :func:`thresholded`.
    """
    return (near <= threshold) | (far <= reject)


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

    found = []
    for pair in dict.fromkeys(table["pair"]):
        threshold = limits(table, pair, share)["threshold"]
        for tool, whose, asked in groups(table, pair):
            alone = accurate_alone(asked), robust_alone(asked)
            rules = {
                "accurate alone": alone[0],
                "robust alone": alone[1],
                "Top-2": top2(asked),
                "Top-2, streamlined": streamlined(asked),
                "threshold": thresholded(asked, threshold),
            }
            for rule, outcome in rules.items():
                rate = outcome.error
                row = {"pair": pair, "rule": rule, "tool": tool, "whose": whose}
                row |= {"error": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
                row |= {"people": len(set(asked.person))}
                row |= {"than accurate": outcome.less(alone[0])}
                row |= {"than robust": outcome.less(alone[1])}
                row |= {"consulted": float(outcome.consulted.mean())}
                found.append(row | {"comparisons": float(outcome.comparisons.mean())})
    return pandas.DataFrame(found)


#: What a rule is to reach: no more errors on clean photographs than the accurate model alone, and
#: protected users' error within two points of the robust model alone.
ALLOWED = {"than accurate": 0.0, "than robust": 0.02}
#: Rules that err only where both models do.
NEVER_WORSE = ("Top-2", "Top-2, streamlined")


def goals(lines: pandas.DataFrame) -> pandas.DataFrame:
    """Whether the rules that combine both models reach the goal.

    Args:
        lines: of :func:`summary`.

    Returns:
        for each pair, rule and group of photographs the ``difference`` from the model alone that it
        is held against, what is ``allowed``, whether it is ``met`` on these photographs, and
        whether it is ``certain``: the whole interval lies on that side, or nothing else is
        possible, as with both models' answers at hand, which are never worse than one's.
    """
    import pandas

    found = []
    for row in lines[~lines["rule"].str.endswith("alone")].to_dict("records"):
        against = "than accurate" if row["tool"] == UNPROTECTED else "than robust"
        difference, allowed = row[against], ALLOWED[against]
        met = difference.value <= allowed
        certain = difference.high <= allowed if met else difference.low > allowed
        certain = certain or row["rule"] in NEVER_WORSE
        said = {"allowed": allowed, "met": met, "certain": certain}
        keys = ("pair", "rule", "tool", "whose")
        found.append({key: row[key] for key in keys} | {"difference": difference} | said)
    return pandas.DataFrame(found)


def groups(table: pandas.DataFrame, pair: str) -> list[tuple[str, str, Answers]]:
    """The tool, whose photographs, and the answers: everybody, the users without, and with each."""
    queries = table[(table["part"] == "queries") & (table["pair"] == pair)]
    tools = [tool for tool in dict.fromkeys(queries["tool"]) if tool != UNPROTECTED]
    found = [
        (UNPROTECTED, "everybody", answers(table, pair)),
        (UNPROTECTED, "users", answers(table, pair, wearers=True)),
    ]
    return found + [(tool, "users", answers(table, pair, tool)) for tool in tools]


def _none(asked: Answers) -> NDArray:
    return np.zeros(len(asked), dtype=bool)

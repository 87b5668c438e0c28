"""The order of attacks by their errors on rendered people, against that on real photographs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

if TYPE_CHECKING:
    import pandas

Over = Literal["users", "extractors"]


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation with the middle 95 % of what redrawing makes of it.

    Attributes:
        value: in [-1, 1], or NaN where one side does not vary.
        low, high: bounds.
        pairs: how many pairs of numbers.
        over: what was redrawn.
    """

    value: float
    low: float
    high: float
    pairs: int
    over: str

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def rank_correlation(
    table: pandas.DataFrame,
    *,
    seed: int,
    over: Over = "users",
    added: bool = False,
    photographs: str = "LFW",
    draws: int = 2000,
) -> Correlation:
    """How well errors on rendered people predict the order of tool-extractor pairs on real ones.

    The interval is a bootstrap (Efron, "Bootstrap methods: another look at the jackknife", Annals
    of Statistics 1979). Over users: both sets draw their users anew, each for itself, and the
    pairs stay. Over extractors: extractors are drawn anew with all of their tools, whose errors
    belong together, and the users stay.

    Args:
        table: as ``TrialResult.table`` by 1-NN, with a column ``photographs``, one value
            of which is ``"people"``.
        seed: of the draws.
        over: what is drawn anew.
        added: take the error less that of the same users without a cloak.
        photographs: the set to compare with ``"people"``.
        draws: how many.

    Raises:
        ValueError: fewer than three pairs that ran on both sets.
    """
    sides = [_Side.of(table, name, added=added) for name in ("people", photographs)]
    common = sorted(set(sides[0].pairs) & set(sides[1].pairs))
    if len(common) < 3:
        raise ValueError(f"a rank correlation needs three pairs or more, got {len(common)}")
    sides = [side.only(common) for side in sides]
    generator = np.random.default_rng(seed)
    people, real = (side.error(np.ones(side.users)) for side in sides)
    if over == "users":
        drawn = [
            spearman(*(side.error(_drawn(generator, side.users)) for side in sides))
            for _ in range(draws)
        ]
    else:
        owners = np.array([extractor for _, extractor in common])
        places = [np.flatnonzero(owners == name) for name in dict.fromkeys(owners)]
        drawn = []
        for _ in range(draws):
            some = generator.integers(len(places), size=len(places))
            index = np.concatenate([places[one] for one in some])
            drawn.append(spearman(people[index], real[index]))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Correlation(spearman(people, real), float(low), float(high), len(common), over)


def spearman(first: NDArray, second: NDArray) -> float:
    """Correlation of the ranks, ties at their mean; NaN where one side does not vary.

    Pairs with a NaN are left out.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    ranks = [rankdata(side[known]) for side in (first, second)]
    if known.sum() < 2 or any(np.ptp(side) == 0 for side in ranks):
        return math.nan
    return float(np.corrcoef(*ranks)[0, 1])


def _drawn(generator: np.random.Generator, users: int) -> NDArray:
    """How often each user is in a draw of as many."""
    return np.bincount(generator.integers(users, size=users), minlength=users).astype(float)


@dataclass(frozen=True)
class _Side:
    """Errors and photographs ``(pairs, users)`` of one set, and what is taken off."""

    pairs: list[tuple[str, str]]
    errors: NDArray
    counts: NDArray

    @staticmethod
    def of(table: pandas.DataFrame, photographs: str, *, added: bool) -> _Side:
        users = table[(table["photographs"] == photographs) & (table["whose"] == "user")]
        keys = ["attack", "extractor"]

        def spread(condition: str, value: str) -> pandas.DataFrame:
            rows = users[users["condition"] == condition]
            return rows.pivot(index=keys, columns="user", values=value).fillna(0)

        errors, counts = spread("cloaked", "errors"), spread("cloaked", "n")
        if added:
            errors = errors - spread("control", "errors").reindex_like(errors)
        return _Side(list(errors.index), errors.to_numpy(float), counts.to_numpy(float))

    @property
    def users(self) -> int:
        return self.errors.shape[1]

    def only(self, pairs: list[tuple[str, str]]) -> _Side:
        index = [self.pairs.index(pair) for pair in pairs]
        return _Side(pairs, self.errors[index], self.counts[index])

    def error(self, weights: NDArray) -> NDArray:
        """Of each pair, users counted so often; NaN where none of a tool's users is drawn."""
        tested = self.counts @ weights
        missing = np.where(tested > 0, tested, np.nan)
        return (self.errors @ weights) / missing

"""When a claim counts as reproduced: the parts that were measured, and one rule for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import binom

from poisonlib.paper import Claim
from poisonlib.statistics import Difference, Rate, wilson

Verdict = Literal["reproduced", "partly", "not"]
VERDICTS: tuple[Verdict, ...] = ("reproduced", "partly", "not")
"""All verdicts, best first."""

FEW_PHOTOGRAPHS, FEW_USERS = 100, 10
"""A verdict is coarse if one of its parts rests on fewer photographs or fewer people."""

RULE = (
    "Reproduced: every part of the claim holds. Partly: at least half of the parts hold, or all of "
    "them point in the same direction as the paper. Not: anything else. A verdict is coarse if one "
    f"of its parts rests on fewer than {FEW_PHOTOGRAPHS} photographs or {FEW_USERS} people."
)
"""How verdicts are made, in words."""


@dataclass(frozen=True)
class Part:
    """One measured number, and what it says of the claim.

    Attributes:
        what: was measured.
        value, low, high: a rate in [0, 1], or a difference of two in [-1, 1], with its 95 %
            interval.
        n, users: the number of photographs and of people behind it.
        holds: whether it agrees with the claim, by the claim's criterion.
        leans: whether it at least points in the same direction.
        is_difference: whether it is a difference of two rates.

    Example:
        >>> from studio.scoreboard import Part
        >>> from poisonlib.statistics import wilson
        >>> print(Part.of("naive trainer", wilson(12, 20), users=4, holds=True, leans=True))
        60.0% [38.7, 78.1]
    """

    what: str
    value: float
    low: float
    high: float
    n: int
    users: int
    holds: bool
    leans: bool
    is_difference: bool = False

    def __str__(self) -> str:
        bounds = f"[{100 * self.low:.1f}, {100 * self.high:.1f}]"
        if self.is_difference:
            return f"{100 * self.value:+.1f} points {bounds}"
        return f"{self.value:.1%} {bounds}"

    @classmethod
    def of(
        cls, what: str, measured: Rate | Difference, *, users: int, holds: bool, leans: bool
    ) -> Part:
        """From a rate or a difference; what holds also leans."""
        interval = {"value": measured.value, "low": measured.low, "high": measured.high}
        kind = {"is_difference": isinstance(measured, Difference)}
        counts = {"n": measured.n, "users": users}
        judged = {"holds": bool(holds), "leans": bool(leans or holds)}
        return cls(what, **interval, **counts, **judged, **kind)


def verdict(parts: Sequence[Part]) -> Verdict:
    """The verdict on a claim, given its parts; the rule is :data:`RULE`.

    Raises:
        ValueError: no parts.

    Example:
        >>> from studio.scoreboard import Part, verdict
        >>> from poisonlib.statistics import wilson
        >>> rate, users = wilson(12, 200), 20
        >>> right = Part.of("1-NN", rate, users=users, holds=True, leans=True)
        >>> wrong = Part.of("linear", rate, users=users, holds=False, leans=False)
        >>> verdict([right]), verdict([right, wrong]), verdict([wrong])
        ('reproduced', 'partly', 'not')
    """
    if not parts:
        raise ValueError("a claim is judged by what was measured, got no parts")
    holding = sum(part.holds for part in parts)
    if holding == len(parts):
        return "reproduced"
    leaning = all(part.leans for part in parts)
    return "partly" if leaning or 2 * holding >= len(parts) else "not"


def is_coarse(parts: Sequence[Part]) -> bool:
    """Whether a part rests on so few data that another sample might change the verdict."""
    return any(part.n < FEW_PHOTOGRAPHS or part.users < FEW_USERS for part in parts)


@dataclass(frozen=True)
class Band:
    """Whether a rate agrees with a number of the paper, or with a range.

    There are two conditions, because each alone is too weak. The interval must overlap the paper's
    range; otherwise a clearly different rate from many photographs would pass as close enough. And
    the value itself must not lie further than ``tolerance`` outside the range; otherwise few
    photographs with their wide interval could hardly fail.

    Attributes:
        claim: the paper's.
        tolerance: how far outside the value may lie.
        rounding: half a unit of the last digit that the paper gives, by which its range is wider.
        or_less: whether a smaller rate agrees as well.

    Example:
        >>> from poisonlib.paper import Claim
        >>> from studio.scoreboard import Band
        >>> from poisonlib.statistics import wilson
        >>> band = Band(Claim("error of an unprotected user", 0.08, 0.08))
        >>> band.holds(wilson(9, 100)), band.holds(wilson(50, 100))
        (True, False)
    """

    claim: Claim
    tolerance: float = 0.05
    rounding: float = 0.005
    or_less: bool = False

    def holds(self, rate: Rate) -> bool:
        """Whether both conditions are met."""
        low = -1.0 if self.or_less else self.claim.low - self.rounding
        high = self.claim.high + self.rounding
        reaches = rate.low <= high and rate.high >= low
        return reaches and low - self.tolerance <= rate.value <= high + self.tolerance

    def __str__(self) -> str:
        limit = f"{100 * self.tolerance:.3g} points"
        number = f"the paper's {self.claim} (rounded)"
        if self.or_less:
            return (
                f"our 95 % interval reaches down to {number} or lies below it, and our value is at "
                f"most {limit} above it"
            )
        return f"our 95 % interval reaches {number}, and our value is at most {limit} away from it"


def chance(band: Band, truth: float, n: int) -> float:
    """How likely a number of the paper is found to hold if the true rate is another one.

    Exact, over all counts that n independent photographs can give. Near 1 within the paper's range
    and near 0 far from it is what a criterion should be; how fast it falls in between depends on n.

    Args:
        band: the criterion.
        truth: the rate of which n photographs are a sample, in [0, 1].
        n: photographs.

    Example:
        >>> from poisonlib.paper import Claim
        >>> from studio.scoreboard import Band, chance
        >>> band = Band(Claim("error of an unprotected user", 0.08, 0.08))
        >>> chance(band, truth=0.08, n=200) > 0.9, chance(band, truth=0.3, n=200) < 0.01
        (True, True)
    """
    counts = [count for count in range(n + 1) if band.holds(wilson(count, n))]
    return float(binom.pmf(counts, n, truth).sum())

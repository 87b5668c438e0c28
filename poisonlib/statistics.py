"""Error rates with the intervals that show how uncertain they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import binomtest, norm

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Rate:
    """A proportion of n trials with its confidence interval.

    Attributes:
        count: how many of the trials were hits.
        n: number of trials.
        low, high: bounds of the interval, in [0, 1].

    Example:
        >>> from poisonlib.statistics import Rate, wilson
        >>> Rate(3, 20, low=0.052, high=0.360).value
        0.15
        >>> print(wilson(3, 20))
        15.0% [5.2%, 36.0%], n = 20
    """

    count: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The proportion itself, in [0, 1]."""
        return self.count / self.n

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}], n = {self.n}"


def wilson(count: int, n: int, *, confidence: float = 0.95) -> Rate:
    """A proportion with its Wilson score interval.

    The Wilson interval keeps its coverage near 0 and 1 and for small n, where the usual
    normal interval fails; the error rates of good recognisers lie exactly there (Brown, Cai and
    DasGupta, "Interval estimation for a binomial proportion", Statistical Science 2001). It treats
    the n trials as independent; photographs of one person are not quite that, so tables also show
    the spread over people.

    Args:
        count: hits, 0 <= count <= n.
        n: trials, at least 1.
        confidence: coverage in (0, 1).

    Raises:
        ValueError: no trials, or a count outside them.

    Example:
        No error in twenty photographs does not mean that there are none:

        >>> from poisonlib.statistics import wilson
        >>> print(wilson(0, 20))
        0.0% [0.0%, 16.1%], n = 20
        >>> print(wilson(0, 2000))
        0.0% [0.0%, 0.2%], n = 2000
    """
    if n < 1 or not 0 <= count <= n:
        raise ValueError(
            f"a proportion needs n >= 1 trials and 0 <= count <= n, got {count} of {n}"
        )
    interval = binomtest(int(count), int(n)).proportion_ci(confidence, method="wilson")
    return Rate(int(count), int(n), float(interval.low), float(interval.high))


def with_intervals(table: pandas.DataFrame, count: str = "errors") -> pandas.DataFrame:
    """A table of counts with the proportion of each row and its 95 % Wilson interval.

    Args:
        table: columns ``count`` and ``n``.
        count: the column of hits.

    Returns:
        the table with the additional columns ``error``, ``low`` and ``high``, as
        :func:`poisonlib.figures.rates` draws them.

    Raises:
        ValueError: a row without trials, or with a count outside them.

    Example:
        >>> import pandas
        >>> from poisonlib.statistics import with_intervals
        >>> table = pandas.DataFrame({"flagged": [0, 10], "n": [10, 10]})
        >>> with_intervals(table, "flagged")["error"].tolist()
        [0.0, 1.0]
    """
    rates = [wilson(int(k), int(n)) for k, n in zip(table[count], table["n"], strict=True)]
    return table.assign(
        error=[rate.value for rate in rates],
        low=[rate.low for rate in rates],
        high=[rate.high for rate in rates],
    )


@dataclass(frozen=True)
class Difference:
    """How much more often one of two is wrong on the same questions.

    Attributes:
        more, fewer: questions that only the first, or only the second, gets wrong.
        n: number of questions.
        low, high: bounds of the interval of the difference, in [-1, 1].

    Example:
        >>> from poisonlib.statistics import paired
        >>> difference = paired(12, 2, 100)
        >>> difference.value, difference.low > 0
        (0.1, True)
    """

    more: int
    fewer: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Error of the first less that of the second, in [-1, 1]."""
        return (self.more - self.fewer) / self.n

    def __str__(self) -> str:
        return f"{self.value:+.1%} [{self.low:+.1%}, {self.high:+.1%}], n = {self.n}"


def paired(more: int, fewer: int, n: int, *, confidence: float = 0.95) -> Difference:
    """The difference of two error rates on the same n questions, with its interval.

    What both get right or both get wrong says nothing about the difference, so this is narrower
    than two intervals side by side. The interval is Wald's with one more question counted on either
    side, which keeps its coverage for small counts (Bonett and Price, "Adjusted Wald confidence
    interval for a difference of binomial proportions based on paired data", Journal of Educational
    and Behavioral Statistics 2012).

    Args:
        more: questions that the first gets wrong and the second right.
        fewer: the other way round.
        n: questions in all, at least 1.
        confidence: coverage in (0, 1).

    Raises:
        ValueError: no questions, or counts outside them.

    Example:
        Two recognisers look at the same 200 photographs. Nine are wrong before the first one only:

        >>> from poisonlib.statistics import paired
        >>> print(paired(9, 1, 200))
        +4.0% [+0.6%, +7.3%], n = 200
    """
    if n < 1 or more < 0 or fewer < 0 or more + fewer > n:
        raise ValueError(
            f"a paired difference needs n >= 1 questions and counts that add up to at most n, got "
            f"{more} and {fewer} of {n}"
        )
    first, second = (more + 1) / (n + 2), (fewer + 1) / (n + 2)
    middle = first - second
    spread = math.sqrt((first + second - middle**2) / (n + 2))
    reach = float(norm.ppf(0.5 + confidence / 2)) * spread
    return Difference(
        int(more), int(fewer), int(n), max(-1, middle - reach), min(1, middle + reach)
    )

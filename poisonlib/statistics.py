"""Error rates with the interval that says how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class Rate:
    """A proportion of n trials with its confidence interval.

    Attributes:
        count: how many of the trials were hits.
        n: number of trials.
        low, high: bounds of the interval, in [0, 1].
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
    normal interval fails; error rates of good recognisers live exactly there (Brown, Cai and
    DasGupta, "Interval estimation for a binomial proportion", Statistical Science 2001).
    It treats the n trials as independent; photographs of one person are not quite that, so tables
    also show the spread over people.

    Args:
        count: hits, 0 <= count <= n.
        n: trials, at least 1.
        confidence: coverage in (0, 1).

    Raises:
        ValueError: no trials, or a count outside them.
    """
    if n < 1 or not 0 <= count <= n:
        raise ValueError(
            f"a proportion needs n >= 1 trials and 0 <= count <= n, got {count} of {n}"
        )
    interval = binomtest(int(count), int(n)).proportion_ci(confidence, method="wilson")
    return Rate(int(count), int(n), float(interval.low), float(interval.high))

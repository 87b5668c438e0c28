"""What the paper reports, in one place, so that a chapter can put its number beside ours.

Only what the authors themselves published as a number or as a plain statement is here:
Radiya-Dixit, Hong, Carlini and Tramèr, "Data Poisoning Won't Save You From Facial Recognition"
(ICLR 2022), as summed up in the blog post "Data Poisoning is Hitting a Wall" (ICLR Blogposts 2023).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A number of the paper, or the range that it gives.

    Attributes:
        statement: in words, with its conditions.
        low, high: error rates in [0, 1]; equal for a single number.
    """

    statement: str
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:.0%}"
        return f"{self.low:.0%} to {self.high:.0%}"


UNPROTECTED = Claim("error for a user who does not protect themselves", 0.08, 0.08)
PROTECTED = Claim("error for a user of Fawkes v0.3, v1.0 or LowKey, naive trainer", 0.55, 0.77)
ADAPTIVE = Claim("error for any user, protected or not, adaptive trainer", 0.05, 0.08)

"""What the paper reports, in one place, so that a chapter can compare its numbers with ours.

Claims and transfers are what the paper reports as a number or a plain statement: Radiya-Dixit,
Hong, Carlini and Tramèr, "Data Poisoning Won't Save You From Facial Recognition" (ICLR 2022), as
summarised in a blog post on it, "Data Poisoning is Hitting a Wall" (anonymous, ICLR Blogposts
2023). Measurements by others (:data:`ONE_USER`) are marked as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Claim:
    """A number of the paper, or the range that it gives.

    Attributes:
        statement: in words, with its conditions.
        low, high: error rates, or others where it says so, in [0, 1]; equal for a single number.

    Example:
        >>> from poisonlib.paper import Claim
        >>> print(Claim("error of a user who does nothing", 0.02, 0.05))
        2% to 5%
    """

    statement: str
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{100 * self.low:.3g}%"
        return f"{100 * self.low:.3g}% to {100 * self.high:.3g}%"


UNPROTECTED = Claim("error for a user who does not protect themselves", 0.08, 0.08)
PROTECTED = Claim("error for a user of Fawkes v0.3, v1.0 or LowKey, naive trainer", 0.55, 0.77)
ADAPTIVE = Claim("error for any user, protected or not, adaptive trainer", 0.05, 0.08)
_DETECTOR = "of a detector of perturbed photographs, for 25 people's clean and perturbed ones"
DETECTOR_PRECISION = Claim(f"precision {_DETECTOR}", 0.998, 0.998)
DETECTOR_RECALL = Claim(f"recall {_DETECTOR}", 0.998, 0.998)

OWN_EXTRACTOR = Claim("error for a user of Fawkes v1.0, against its own extractor", 1.0, 1.0)

# What the paper reports in words, re-worded.
CLIP_IS_CLOSE = "on clean photographs CLIP is slightly less accurate than the best extractors"
NO_WAY_BACK = "users who change to a newer tool do not regain privacy: the old photographs remain"
TWO_MODELS = (
    "on clean photographs MagFace together with a robust model is at least as accurate as MagFace "
    "alone, and it stays robust"
)

#: The year in which each tool came out.
RELEASED: Mapping[str, int] = {"Fawkes v0.3": 2020, "LowKey": 2021, "Fawkes v1.0": 2021}


@dataclass(frozen=True)
class Transfer:
    """What the paper says of one tool against one feature extractor, in words.

    Attributes:
        attack: the tool.
        extractor: ours that stands for the generation, by name.
        tested: what the paper tested.
        fooled: whether the cloaks worked against it.
        statement: of the authors, re-worded.

    Example:
        >>> from poisonlib import paper
        >>> magface = [one for one in paper.TRANSFERS if one.extractor == "magface-2021"]
        >>> [one.attack for one in magface if one.fooled]
        ['LowKey']
    """

    attack: str
    extractor: str
    tested: str
    fooled: bool
    statement: str


_BASELINE = "one of the three tools that work against the baseline extractor"
_V03 = "works only against the extractor of its own generation"
_V1 = "transfers to VGGFace, FaceNet and ArcFace"
_V1_FAILS = "fails against MagFace and CLIP"
_LOWKEY = "transfers to more extractors than Fawkes v1.0: to MagFace, too"
_LOWKEY_FAILS = "fails against CLIP fine-tuned on faces"

TRANSFERS = (
    Transfer("Fawkes v0.3", "softmax-2014", "WebFace", True, _V03),
    Transfer("Fawkes v0.3", "triplet-2015", "FaceNet", False, _V03),
    Transfer("Fawkes v0.3", "arcface-2019", "ArcFace", False, _V03),
    Transfer("Fawkes v0.3", "magface-2021", "MagFace", False, _V03),
    Transfer("Fawkes v0.3", "clip-2021", "CLIP", False, _V03),
    Transfer("Fawkes v0.3", "robust-clip-2021", "fine-tuned CLIP", False, _V03),
    Transfer("Fawkes v1.0", "softmax-2014", "WebFace", True, _BASELINE),
    Transfer("Fawkes v1.0", "triplet-2015", "FaceNet", True, _V1),
    Transfer("Fawkes v1.0", "arcface-2019", "ArcFace", True, _V1),
    Transfer("Fawkes v1.0", "magface-2021", "MagFace", False, _V1_FAILS),
    Transfer("Fawkes v1.0", "clip-2021", "CLIP", False, _V1_FAILS),
    Transfer("LowKey", "softmax-2014", "WebFace", True, _BASELINE),
    Transfer("LowKey", "triplet-2015", "FaceNet", True, _LOWKEY),
    Transfer("LowKey", "arcface-2019", "ArcFace", True, _LOWKEY),
    Transfer("LowKey", "magface-2021", "MagFace", True, _LOWKEY),
    Transfer("LowKey", "robust-clip-2021", "fine-tuned CLIP", False, _LOWKEY_FAILS),
)
"""The paper's qualitative row: every pair of tool and extractor that it makes a statement on."""

FOOLED_ABOVE = (UNPROTECTED.high + PROTECTED.low) / 2
"""Half way between the error of a user without a cloak and the lowest that the paper counts as a
success: the threshold of this book between an extractor that is fooled and one that is not."""

RECOGNISES_BELOW = 1 / 2
"""An extractor recognises users whose error without a cloak lies below this, by the upper bound of
its interval. One that does not cannot tell what a cloak does."""

Verdict = Literal["fooled", "not fooled", "undecided"]


def verdict(*, low: float, high: float, unprotected: float) -> Verdict:
    """Whether an extractor is fooled, from the interval of a protected user's error.

    Fooled: the whole interval lies above :data:`FOOLED_ABOVE`, and above what the extractor gets
    wrong without any cloak. Not fooled: the whole interval lies below that line. Undecided: the
    interval contains the line, or the extractor does not recognise the users even without a cloak
    (:data:`RECOGNISES_BELOW`).

    Args:
        low, high: 95 % interval of the error of protected users, in [0, 1].
        unprotected: upper bound of the same users' error without a cloak.

    Raises:
        ValueError: bounds that are out of order.

    Example:
        >>> from poisonlib import paper
        >>> paper.verdict(low=0.6, high=0.9, unprotected=0.1)
        'fooled'
        >>> paper.verdict(low=0.1, high=0.9, unprotected=0.1)
        'undecided'
        >>> paper.verdict(low=0.7, high=0.9, unprotected=0.8)
        'undecided'
    """
    if not 0 <= low <= high <= 1:
        raise ValueError(f"an interval needs 0 <= low <= high <= 1, got [{low}, {high}]")
    if unprotected >= RECOGNISES_BELOW:
        return "undecided"
    line = max(FOOLED_ABOVE, unprotected)
    if low > line:
        return "fooled"
    return "not fooled" if high < line else "undecided"


def transfer(attack: str, extractor: str) -> Transfer | None:
    """What the paper says of a tool against an extractor of ours, or None if it says nothing.

    Example:
        >>> from poisonlib import paper
        >>> paper.transfer("LowKey", "magface-2021").statement
        'transfers to more extractors than Fawkes v1.0: to MagFace, too'
        >>> paper.transfer("LowKey", "vit-2025") is None
        True
    """
    for statement in TRANSFERS:
        if (statement.attack, statement.extractor) == (attack, extractor):
            return statement
    return None


@dataclass(frozen=True)
class OneUser:
    """An error measured on a *single* user by somebody else: no number of the paper.

    Attributes:
        attack, trainer: which tool, against what.
        authors: the user's error on the page of the paper's code.
        students: the same user's error in an independent student replication.

    Example:
        How far two groups were apart for one and the same user:

        >>> from poisonlib import paper
        >>> apart = [abs(pair.authors - pair.students) for pair in paper.ONE_USER]
        >>> max(apart) > 0.4
        True
    """

    attack: str
    trainer: str
    authors: float
    students: float


ONE_USER = (
    OneUser("Fawkes v1.0", "baseline, nearest neighbour", 0.97, 0.72),
    OneUser("LowKey", "baseline, nearest neighbour", 0.94, 0.44),
    OneUser("Fawkes v1.0", "the extractor it was crafted on", 1.00, 1.00),
    OneUser("Fawkes v1.0", "MagFace", 0.00, 0.06),
    OneUser("LowKey", "MagFace", 1.00, 1.00),
    OneUser("LowKey", "CLIP", 0.24, 0.20),
    OneUser("Fawkes v1.0", "adaptive, nearest neighbour", 0.03, 0.22),
    OneUser("LowKey", "adaptive, nearest neighbour", 0.03, 0.22),
)
"""All pairs of numbers that both pages give, for one and the same user."""

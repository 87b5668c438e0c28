"""The rule for a verdict, on either side of each of its lines."""

from __future__ import annotations

import itertools

import pytest

from poisonlib.statistics import Difference, Rate, paired, wilson
from workbench.audit import CANNOT_TELL, RULE, VERDICTS, verdict
from workbench.audit.verdict import PHRASES, PROTECTS_ABOVE, RECOGNISES_BELOW, RULED_OUT, recognises

TINY = 1e-9


def judged(*, low: float, difference: tuple[float, float]) -> str:
    return verdict(Rate(0, 1, low, 1.0), Difference(0, 0, 1, *difference))


def test_it_protects_above_one_half_and_not_at_it() -> None:
    clear = (0.2, 0.6)
    assert judged(low=PROTECTS_ABOVE + TINY, difference=clear) == "protects"
    assert judged(low=PROTECTS_ABOVE, difference=clear) == "helps somewhat"
    assert judged(low=0.0, difference=clear) == "helps somewhat"


def test_a_difference_must_be_certain() -> None:
    assert judged(low=0.9, difference=(TINY, 0.5)) == "protects"
    assert judged(low=0.9, difference=(0.0, 0.5)) == "not enough photographs to say"
    assert judged(low=0.9, difference=(0.0, 0.1)) == "no measurable effect", "wrong without it, too"


def test_no_effect_is_the_verdict_only_where_a_large_one_is_ruled_out() -> None:
    assert judged(low=0.0, difference=(-0.2, RULED_OUT - TINY)) == "no measurable effect"
    assert judged(low=0.0, difference=(-0.2, RULED_OUT)) == "not enough photographs to say"
    assert judged(low=0.0, difference=(-0.5, -0.1)) == "no measurable effect", "the wrong way"


@pytest.mark.parametrize(
    ("worse", "n", "expected"),
    [
        (0, 3, "not enough photographs to say"),
        (0, 7, "no measurable effect"),
        (1, 7, "not enough photographs to say"),
        (7, 7, "protects"),
        (0, 35, "no measurable effect"),
        (10, 35, "helps somewhat"),
        (17, 35, "helps somewhat"),
        (30, 35, "protects"),
    ],
)
def test_what_few_photographs_can_say(worse: int, n: int, expected: str) -> None:
    """All are recognised without the cloak, ``worse`` are not with it."""
    assert verdict(wilson(worse, n), paired(worse, 0, n)) == expected


def test_more_photographs_of_the_same_never_become_less_certain() -> None:
    """And more errors with the cloak never make a verdict worse."""
    for n in (7, 35, 140):
        ranks = [
            VERDICTS.index(verdict(wilson(worse, n), paired(worse, 0, n))) for worse in range(n + 1)
        ]
        assert ranks == sorted(ranks)
    for share in (0.0, 1.0):
        verdicts = [
            verdict(wilson(round(share * n), n), paired(round(share * n), 0, n))
            for n in (1, 2, 7, 35, 140)
        ]
        known = [each for each, _ in itertools.groupby(verdicts)]
        assert known[-1] in ("no measurable effect", "protects")
        assert "not enough photographs to say" not in known[1:]


def test_every_verdict_has_its_words() -> None:
    assert list(PHRASES) == [CANNOT_TELL, *VERDICTS]
    assert all(words.lower() in RULE.lower() for words in PHRASES)
    assert f"{RECOGNISES_BELOW:.0%}" in RULE.partition("Protects:")[0]


def test_who_does_not_recognise_without_a_cloak_cannot_tell_whatever_the_cloak_does() -> None:
    for worse in (0, 10, 24):
        outcome = wilson(worse, 24), paired(worse, 0, 24)
        poor, good = Rate(0, 1, 0.0, RECOGNISES_BELOW), Rate(0, 1, 0.0, RECOGNISES_BELOW - TINY)
        assert verdict(*outcome, without=poor) == CANNOT_TELL
        assert verdict(*outcome, without=good) == verdict(*outcome) != CANNOT_TELL


@pytest.mark.parametrize(
    ("errors", "n", "expected"),
    [(0, 3, False), (0, 4, True), (7, 24, True), (8, 24, False), (18, 24, False), (40, 100, True)],
)
def test_how_many_errors_without_a_cloak_still_count_as_recognising(errors, n, expected) -> None:
    assert recognises(wilson(errors, n)) is expected

"""The answers of two models, recorded, give each rule the errors that a trial counts."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import ConfidenceThreshold, Top2, choose_threshold
from poisonlib.defenses.combined import PAIRS, SHARE
from poisonlib.defenses.gallery import distances_to_others
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import Trial, as_published, split
from studio.studies import outcomes
from studio.studies.combined import SHARES, model, observe
from tests.core.conftest import Negative, toy_photos
from tests.defenses.test_combined import left, right

PHOTOS = as_published(toy_photos(people=6, noise=0.6))
PUBLIC = as_published(toy_photos(people=24, each=10, noise=0.6, seed=5))
TOOL, USERS, CHOOSERS = "negative", (1, 4), 20
PAIR = "left + right"


class Rounded(Negative):
    def __call__(self, images, *, seed, progress=None):
        cloak = super().__call__(images, seed=seed)
        object.__setattr__(cloak, "images", round_to_8_bits(cloak.images))
        return cloak


ATTACK = Rounded(strength=0.7)


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    test = split(PHOTOS.labels, seed=0)
    cloaks = {}
    for user in USERS:
        mine = PHOTOS.images[(PHOTOS.labels == user) & ~test]
        cloaks[TOOL, user] = ATTACK(mine, seed=user).images
    rows = observe(PHOTOS, PUBLIC, (left(), right()), cloaks, 0, choosers=CHOOSERS)
    return pandas.DataFrame([{"pair": PAIR} | row for row in rows])


def trial(recogniser, extractor=None) -> pandas.DataFrame:
    made = Trial(ATTACK, left() if extractor is None else extractor, recogniser)
    return made.run(PHOTOS, users=list(USERS), seed=0).table


def threshold(table: pandas.DataFrame, share: float = SHARE) -> float:
    return outcomes.limits(table, PAIR, share)["threshold"]


def rules(table: pandas.DataFrame) -> dict:
    """What a trial takes for a recogniser, and what the record makes of its answers."""
    limit = threshold(table)
    return {
        "accurate alone": (NearestNeighbour, outcomes.accurate_alone),
        "Top-2": (Top2.over(right()), outcomes.top2),
        "streamlined": (Top2.over(right()), outcomes.streamlined),
        "threshold": (
            ConfidenceThreshold.over(right(), threshold=limit),
            lambda asked: outcomes.thresholded(asked, limit),
        ),
    }


@pytest.mark.parametrize("rule", ["accurate alone", "Top-2", "streamlined", "threshold"])
def test_each_rule_errs_as_in_a_trial(table, rule):
    recogniser, apply = rules(table)[rule]
    expected = trial(recogniser).set_index(["condition", "whose", "user"])["errors"]
    for condition, tool in (("control", outcomes.UNPROTECTED), ("cloaked", TOOL)):
        asked = outcomes.answers(table, PAIR, tool, wearers=True)
        wrong = apply(asked).wrong
        for user in (PHOTOS.names[user] for user in USERS):
            assert wrong[asked.person == user].sum() == expected[condition, "user", user]
    everybody = apply(outcomes.answers(table, PAIR)).wrong.sum()
    first = PHOTOS.names[USERS[0]]
    assert everybody == expected["control", "user", first] + expected["control", "others", first]
    assert expected.sum() > 0


def test_thresholds_are_chosen_on_the_public_people_alone(table):
    chosen_on = PUBLIC.of_people(PUBLIC.people[:CHOOSERS])
    near = distances_to_others(left()(chosen_on.images), chosen_on.labels).numpy()
    for share in SHARES:
        if share * len(chosen_on) >= 1:
            limits = outcomes.limits(table, PAIR, share)
            assert limits["threshold"] == choose_threshold(left(), chosen_on, false_adds=share)
            assert limits["reject"] == choose_threshold(right(), chosen_on, false_adds=share)
            assert limits["low"] <= limits["threshold"] <= limits["high"]
            assert np.mean(near <= limits["threshold"]) == pytest.approx(share, abs=0.01)


def test_the_streamlined_form_costs_what_a_review_costs(table):
    both = Top2(NearestNeighbour(left()), NearestNeighbour(right()))
    test = split(PHOTOS.labels, seed=0)
    both.fit(PHOTOS.images[~test], PHOTOS.labels[~test])
    truth = PHOTOS.labels[test]
    review = both.review(PHOTOS.images[test], lambda labels, distances: labels == truth)
    outcome = outcomes.streamlined(outcomes.answers(table, PAIR))
    assert outcome.consulted.tolist() == review.consulted.tolist()
    assert outcome.comparisons.tolist() == review.comparisons.tolist()
    assert (outcome.comparisons <= outcomes.top2(outcomes.answers(table, PAIR)).comparisons).all()


def test_the_summary_says_all_rules_for_all_groups(table):
    lines = outcomes.summary(table)
    assert len(lines) == 5 * 3
    assert lines["error"].between(lines["low"], lines["high"]).all()
    own = lines.query("rule == 'robust alone'")["than robust"]
    assert all(difference.value == 0 for difference in own)
    assert str(lines["than accurate"].iloc[1]).count("%") == 3


def test_rules_that_are_never_worse_are_not(table):
    lines = outcomes.summary(table)
    for rule in ("Top-2", "Top-2, streamlined"):
        mine = lines[lines["rule"] == rule]
        assert all(each.more == 0 for each in [*mine["than accurate"], *mine["than robust"]])


def test_what_is_not_recorded_is_refused(table):
    with pytest.raises(ValueError, match="no answers of 'x'.*left \\+ right"):
        outcomes.answers(table, "x")
    with pytest.raises(ValueError, match="no threshold.*0.3"):
        outcomes.limits(table, PAIR, 0.3)


def test_every_pair_can_be_loaded():
    for names in PAIRS.values():
        assert all(model(name).card.embedding_size > 0 for name in names)

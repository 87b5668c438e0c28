"""The recorded studies of purification and growth, on toys."""

from __future__ import annotations

import pytest

from poisonlib.defenses import DynamicGallery, purifiers
from poisonlib.extractors import embed
from poisonlib.trial import Trial, split, summarise
from studio.studies.cases import over_users
from studio.studies.growth import DISTRACTORS, SHARED, _pooled, course
from tests.core.conftest import Negative, toy_extractor, toy_photos

USER = 2


def run(*, threshold: float, cloaked: bool = True, leaked: int = 0):
    photos = toy_photos(people=30, each=20)
    rows = embed(toy_extractor(), photos.images)
    test = split(photos.labels, seed=0)
    training = photos.images[(photos.labels == USER) & ~test]
    cloak = Negative()(training, seed=0).images
    worn = embed(toy_extractor(), cloak[:SHARED]) if cloaked else None
    tracker = DynamicGallery(toy_extractor(), threshold=threshold)
    rounds = course(tracker, photos, rows, test, USER, worn, leaked=leaked, seed=0)
    return rounds, len(training)


def test_a_course_counts_from_the_beginning_to_the_last_photograph() -> None:
    rounds, training = run(threshold=0.0)
    assert len(rounds) == 1 + training - SHARED
    assert all(each.errors == each.n for each in rounds), "nothing is kept, nothing changes"
    assert rounds[-1].own == rounds[-1].others_right == 0


def test_without_a_cloak_all_that_comes_is_kept_under_the_right_name() -> None:
    rounds, training = run(threshold=0.5, cloaked=False)
    last, later = rounds[-1], training - SHARED
    assert last.errors == last.lost == last.taken == last.others_wrong == 0
    assert last.own == later and last.others_right == later * DISTRACTORS


def test_one_leaked_photograph_lets_the_others_in() -> None:
    hidden, _ = run(threshold=0.5)
    leaked, training = run(threshold=0.5, leaked=1)
    assert hidden[-1].errors == hidden[-1].n and hidden[-1].own == 0
    assert leaked[0].errors == 0 and leaked[-1].own == training - SHARED


def test_a_tracker_that_keeps_everything_loses_the_user() -> None:
    rounds, training = run(threshold=2.0)
    assert rounds[-1].lost + rounds[-1].own == training - SHARED
    assert rounds[-1].lost > 0


def test_users_are_added_up() -> None:
    one, _ = run(threshold=0.5, leaked=1)
    other, _ = run(threshold=0.5)
    rows = list(_pooled([one, other], {"attack": "toy", "extractor": "toy", "leaked": 1}))
    assert [row["round"] for row in rows] == list(range(len(one)))
    assert rows[0]["errors_by_user"] == [0, other[0].n] and rows[0]["users"] == 2
    assert rows[0]["error"] == 0.5 and rows[0]["low"] < 0.5 < rows[0]["high"]
    assert rows[-1]["own"] == one[-1].own
    assert not summarise(pytest.importorskip("pandas").DataFrame(rows)).empty


def test_a_trial_is_pooled_with_everybody_in_its_control() -> None:
    photos = toy_photos(noise=0.9)
    result = Trial(Negative(), toy_extractor(), name="toy").run(photos, users=3, seed=0)
    rows = over_users(result.table.assign(purifier="none")).to_dict("records")
    assert {(row["condition"], row["whose"]) for row in rows} == {
        ("control", "user"), ("control", "others"), ("control", "everybody"),
        ("cloaked", "user"), ("cloaked", "others"),
    }  # fmt: skip
    everybody = next(row for row in rows if row["whose"] == "everybody")
    test = split(photos.labels, seed=0)
    rows_of = embed(toy_extractor(), photos.images)
    nearest = (rows_of[test] @ rows_of[~test].T).argmax(dim=1)
    wrong = int((photos.labels[~test][nearest] != photos.labels[test]).sum())
    assert everybody["errors"] == wrong > 0 and everybody["n"] == int(test.sum())


def test_nothing_comes_first_among_the_purifiers(monkeypatch) -> None:
    from poisonlib.defenses import denoiser

    monkeypatch.setattr(denoiser, "load", lambda: "the denoiser")
    every = purifiers()
    assert next(iter(every.items())) == ("none", None)
    assert every["denoiser"] == "the denoiser"

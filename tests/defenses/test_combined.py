"""Two models: who is asked when, what is shown to whom, and what a trial makes of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from poisonlib.defenses import UNKNOWN, ConfidenceThreshold, Filtered, Top2
from poisonlib.extractors import ModuleExtractor, Preprocessing
from poisonlib.recognition import EndToEnd, Linear, NearestNeighbour
from poisonlib.trial import Trial
from tests.core.conftest import Negative, card, toy_extractor, toy_photos

#: A distance that about half of the probes keep from the nearest photograph in the gallery.
MIDDLE = 1.17
PHOTOS = toy_photos(people=6, noise=0.6)
GALLERY, PROBES = PHOTOS.subset(range(0, 60, 2)), PHOTOS.subset(range(1, 60, 2))


class Half(torch.nn.Module):
    """Sees one half of a photograph, so that two of them err over different ones."""

    def __init__(self, *, left: bool) -> None:
        super().__init__()
        self.left = left

    def forward(self, images: Tensor) -> Tensor:
        middle = images.shape[3] // 2
        return (images[..., :middle] if self.left else images[..., middle:]).flatten(1)


def left() -> ModuleExtractor:
    return toy_extractor(Half(left=True))


def right() -> ModuleExtractor:
    return toy_extractor(Half(left=False))


def fitted(**limits: float) -> tuple[NearestNeighbour, NearestNeighbour, ConfidenceThreshold]:
    """The two models, each on its own, and both together."""
    alone = [NearestNeighbour(made) for made in (left(), right())]
    pair = ConfidenceThreshold(*(NearestNeighbour(each.extractor) for each in alone), **limits)
    for model in (*alone, pair):
        model.fit(GALLERY.images, GALLERY.labels)
    return *alone, pair


def distances_to(model: NearestNeighbour) -> Tensor:
    return torch.cdist(model.extractor(PROBES.images), model.embeddings_).min(dim=1).values


def test_both_answers_are_candidates_and_the_accurate_one_comes_first():
    accurate, robust, _ = fitted(threshold=1.0)
    both = Top2(NearestNeighbour(left()), NearestNeighbour(right()))
    both.fit(GALLERY.images, GALLERY.labels)
    first, second = (model.predict(PROBES.images) for model in (accurate, robust))
    assert not torch.equal(first, second), "the toys agree, so that nothing is tested"
    assert torch.equal(both.candidates(PROBES.images), torch.stack([first, second], dim=1))
    assert torch.equal(both.predict(PROBES.images), first)


@pytest.mark.parametrize("recogniser", [Linear, EndToEnd])
def test_any_two_recognisers_will_do(recogniser):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 32))
    made_on = toy_extractor(module)
    both = Top2(recogniser(made_on), NearestNeighbour(toy_extractor()))
    both.fit(GALLERY.images, GALLERY.labels)
    assert both.candidates(PROBES.images).shape == (len(PROBES), 2)
    asked = []
    both.review(PROBES.images, lambda *told: asked.append(told) or told[0] >= 0)
    assert asked[0][1] is None, "a recogniser without distances was given some"
    assert Top2.over(made_on, recogniser=recogniser)(made_on).fit(
        GALLERY.images, GALLERY.labels
    ).candidates(PROBES.images[:2]).shape == (2, 2)


def test_whoever_never_errs_does_as_well_with_one_candidate_at_a_time():
    both = Top2(NearestNeighbour(left()), NearestNeighbour(right()))
    both.fit(GALLERY.images, GALLERY.labels)
    candidates = both.candidates(PROBES.images)
    among = (candidates == PROBES.labels[:, None]).any(dim=1)
    review = both.review(PROBES.images, lambda labels, distances: labels == PROBES.labels)
    assert torch.equal(review.labels == PROBES.labels, among)
    assert torch.equal(review.consulted, candidates[:, 0] != PROBES.labels)
    different = candidates[:, 0] != candidates[:, 1]
    assert torch.equal(review.comparisons, 1 + (review.consulted & different).long())
    assert {1, 2} == set(review.comparisons.tolist())


def test_a_threshold_can_stand_for_the_person():
    _, _, pair = fitted(threshold=MIDDLE)
    both = Top2(NearestNeighbour(left()), NearestNeighbour(right()))
    both.fit(GALLERY.images, GALLERY.labels)
    review = both.review(PROBES.images, lambda labels, distances: distances <= MIDDLE)
    assert torch.equal(review.labels, pair.predict(PROBES.images))
    assert torch.equal(review.consulted, pair.consulted(PROBES.images))


def test_the_robust_model_answers_beyond_the_threshold_and_nowhere_else():
    accurate, robust, pair = fitted(threshold=MIDDLE)
    far = distances_to(accurate) > MIDDLE
    assert 0 < far.sum() < len(far)
    expected = torch.where(far, robust.predict(PROBES.images), accurate.predict(PROBES.images))
    assert torch.equal(pair.consulted(PROBES.images), far)
    assert torch.equal(pair.predict(PROBES.images), expected)
    assert torch.equal(pair.candidates(PROBES.images), expected[:, None])


def test_whoever_is_far_from_both_galleries_is_nobody():
    accurate, robust, pair = fitted(threshold=MIDDLE, reject=MIDDLE)
    far = distances_to(accurate) > MIDDLE
    nobody = far & (distances_to(robust) > MIDDLE)
    assert 0 < nobody.sum() < far.sum()
    assert torch.equal(pair.predict(PROBES.images) == UNKNOWN, nobody)
    assert set(pair.predict(PROBES.images).tolist()) <= {UNKNOWN, *range(6)}


@pytest.mark.parametrize(("threshold", "which"), [(0.0, 1), (2.0, 0)])
def test_at_its_ends_the_threshold_leaves_one_model(threshold, which):
    *alone, pair = fitted(threshold=threshold)
    assert torch.equal(pair.predict(PROBES.images), alone[which].predict(PROBES.images))


def test_in_a_trial_top2_errs_where_both_models_do():
    """And its one line gives what the same galleries give when everything is embedded anew."""
    first, second = left(), right()
    scale = {"users": 3, "seed": 0}
    seen = {}
    for name, extractor, recogniser in (
        ("first", first, NearestNeighbour),
        ("second", second, NearestNeighbour),
        ("both", first, Top2.over(second)),
        ("anew", first, lambda made: Top2(NearestNeighbour(made), NearestNeighbour(second))),
        ("never", first, ConfidenceThreshold.over(second, threshold=2.0)),
        ("always", first, ConfidenceThreshold.over(second, threshold=0.0)),
    ):
        seen[name] = Trial(Negative(strength=0.7), extractor, recogniser).run(PHOTOS, **scale).table
    errors = {name: table["errors"] for name, table in seen.items()}
    assert errors["both"].tolist() == errors["anew"].tolist()
    assert (errors["both"] <= errors["first"]).all() and (errors["both"] <= errors["second"]).all()
    assert errors["both"].sum() < min(errors["first"].sum(), errors["second"].sum())
    assert errors["never"].tolist() == errors["first"].tolist()
    assert errors["always"].tolist() == errors["second"].tolist()


def test_a_table_can_read_what_was_tried():
    extractor = ModuleExtractor(torch.nn.Flatten(), card("sturdy"), Preprocessing(8))
    assert str(Top2.over(extractor)) == "Top2 with sturdy"
    made = ConfidenceThreshold.over(extractor, threshold=0.9123, reject=1)
    assert str(made) == "ConfidenceThreshold(threshold=0.912, reject=1) with sturdy"


def test_candidates_pass_through_other_defences():
    class Lenient:
        def scores(self, images):
            return torch.zeros(len(images))

    filtered = Filtered(Lenient(), Top2.over(right()))(toy_extractor())
    filtered.fit(GALLERY.images, GALLERY.labels)
    assert filtered.candidates(PROBES.images).shape == (len(PROBES), 2)


def test_each_photograph_is_embedded_once_in_all_of_a_trial():
    seen = []

    class Counting(torch.nn.Module):
        def forward(self, images):
            seen.append(len(images))
            return images.flatten(1)

    robust = toy_extractor(Counting())
    assert robust.fingerprint, "it looks at two fixed pictures"
    seen.clear()
    trial = Trial(Negative(strength=0.7), left(), Top2.over(robust))
    trial.run(PHOTOS, users=[0, 1], seed=0)
    assert sum(seen) == len(PHOTOS) + 2 * 7  # everybody's, and two users' cloaks


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"threshold.*in \[0, 2\], got 3"):
        fitted(threshold=3.0)
    with pytest.raises(ValueError, match=r"reject.*in \[0, 2\], got nan"):
        fitted(threshold=1.0, reject=float("nan"))
    one, other = left(), right()
    with pytest.raises(TypeError, match="accurate model must be a NearestNeighbour.*got Linear"):
        ConfidenceThreshold(Linear(one), NearestNeighbour(other), threshold=1.0)
    with pytest.raises(TypeError, match="robust model must be a NearestNeighbour.*got Linear"):
        ConfidenceThreshold(NearestNeighbour(one), Linear(other), threshold=1.0, reject=1.0)
    pair = ConfidenceThreshold(NearestNeighbour(one), NearestNeighbour(other), threshold=1.0)
    with pytest.raises(ValueError, match="no gallery yet; call fit"):
        pair.consulted(PROBES.images)
    both = Top2(NearestNeighbour(one), NearestNeighbour(other))
    with pytest.raises(ValueError, match="no gallery yet; call fit"):
        both.review(PROBES.images, lambda labels, distances: labels >= 0)
    both.fit(GALLERY.images, GALLERY.labels)
    with pytest.raises(ValueError, match=r"bool tensor of shape \(30,\).*got torch.int64"):
        both.review(PROBES.images, lambda labels, distances: labels)
    with pytest.raises(ValueError, match=r"bool tensor of shape \(30,\).*got bool"):
        both.review(PROBES.images, lambda labels, distances: True)

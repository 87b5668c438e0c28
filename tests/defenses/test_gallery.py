"""A gallery that grows: only by what it is sure of, only when it observes, and in rounds."""

from __future__ import annotations

import pytest
import torch

from poisonlib.defenses import DynamicGallery, Growing, choose_threshold
from poisonlib.extractors import ModuleExtractor, embed
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import Trial, split
from tests.core.conftest import Negative, card, toy_extractor, toy_photos


def on_the_circle(*degrees: float) -> torch.Tensor:
    """Unit rows at these angles."""
    angles = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def chord(degrees: float) -> float:
    """The distance between unit rows that many degrees apart."""
    return float(2 * torch.sin(torch.deg2rad(torch.tensor(degrees / 2))))


@pytest.fixture
def gallery() -> DynamicGallery:
    labels = torch.tensor([4, 7])
    tracker = DynamicGallery(toy_extractor(), threshold=chord(10.5))
    return tracker.fit_embeddings(on_the_circle(0, 90), labels)


def test_it_is_a_nearest_neighbour_until_it_observes() -> None:
    photos = toy_photos(noise=0.6)
    first = torch.arange(len(photos)) % 2 == 0
    tracker = DynamicGallery(toy_extractor(), threshold=0.1)
    plain = NearestNeighbour(toy_extractor())
    for recogniser in (tracker, plain):
        recogniser.fit(photos.images[first], photos.labels[first])
    named = tracker.predict(photos.images[~first])
    assert torch.equal(named, plain.predict(photos.images[~first]))
    assert torch.equal(named, tracker.predict(photos.images[~first])), "asking changes nothing"
    assert tracker.added_ == 0 and len(tracker.embeddings_) == int(first.sum())


def test_keeps_what_it_is_sure_of_under_the_name_it_got(gallery: DynamicGallery) -> None:
    kept = gallery.observe_embeddings(on_the_circle(10, 45, 84))
    assert kept.tolist() == [4, -1, 7]
    assert gallery.labels_.tolist() == [4, 7, 4, 7] and gallery.added_ == 2
    assert torch.allclose(gallery.embeddings_[2:], on_the_circle(10, 84))


def test_each_round_helps_the_next(gallery: DynamicGallery) -> None:
    """Ten degrees at a time it walks all the way to its neighbour: growth cuts both ways."""
    far = on_the_circle(50)
    assert gallery.predict_embeddings(far).tolist() == [7]
    for degrees in (10, 20, 30):
        assert gallery.observe_embeddings(on_the_circle(degrees)).tolist() == [4]
    assert gallery.predict_embeddings(far).tolist() == [4]


def test_photographs_of_one_round_do_not_see_one_another(gallery: DynamicGallery) -> None:
    assert gallery.observe_embeddings(on_the_circle(10, 20)).tolist() == [4, -1]


def test_a_new_fit_forgets_what_was_added(gallery: DynamicGallery) -> None:
    gallery.observe_embeddings(on_the_circle(5))
    gallery.fit_embeddings(on_the_circle(0, 90), torch.tensor([4, 7]))
    assert gallery.added_ == 0 and len(gallery.embeddings_) == 2


def test_inputs_are_left_alone() -> None:
    rows, labels = on_the_circle(0, 90), torch.tensor([0, 1])
    tracker = DynamicGallery(toy_extractor(), threshold=0.5).fit_embeddings(rows, labels)
    tracker.observe_embeddings(on_the_circle(1))
    assert rows.shape == (2, 2) and labels.tolist() == [0, 1]


def test_photographs_and_rows_are_two_ways_to_one_end() -> None:
    photos = toy_photos()
    rows = embed(toy_extractor(), photos.images)
    by_image, by_row = (DynamicGallery(toy_extractor(), threshold=0.3) for _ in range(2))
    by_image.fit(photos.images[::2], photos.labels[::2])
    by_row.fit_embeddings(rows[::2], photos.labels[::2])
    kept = by_image.observe(photos.images[1::2])
    assert torch.equal(kept, by_row.observe_embeddings(rows[1::2]))
    assert torch.equal(kept, photos.labels[1::2])


def test_misuse_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="choose_threshold"):
        DynamicGallery(toy_extractor(), threshold=-0.1)
    with pytest.raises(ValueError, match="no gallery yet; call fit"):
        DynamicGallery(toy_extractor(), threshold=0.1).observe(toy_photos().images)
    tracker = DynamicGallery(toy_extractor(), threshold=0.1)
    photos = toy_photos()
    tracker.fit(photos.images, photos.labels)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        tracker.observe(photos.images * 3)
    assert tracker.added_ == 0


def test_a_trial_of_growth_is_one_line() -> None:
    """The cloak hides the user from a gallery that stands still, but not from one that grows.

    The cloaked photographs differ from the clean ones in some pixels only, and the photographs
    of the stream lead back step by step.
    """
    photos = toy_photos(people=6, each=10)
    attack = Negative(strength=0.55)
    still = Trial(attack, toy_extractor()).run(photos, users=[2], seed=0)
    mine = photos.of(2)
    steps = [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    rounds = tuple(Negative(strength=step)(mine[:3], seed=0).images for step in steps)
    growing = Growing(rounds, threshold=2.0)
    grown = Trial(attack, toy_extractor(), growing).run(photos, users=[2], seed=0)
    asked = "condition == 'cloaked' and whose == 'user'"
    assert still.table.query(asked)["error"].item() == 1.0
    assert "18 photographs in 6 rounds" in grown.table["recogniser"].iloc[0]
    held_out = split(photos.labels, seed=0)
    by_hand = DynamicGallery(toy_extractor(), threshold=2.0)
    gallery = photos.images.clone()
    worn = (photos.labels == 2) & ~held_out
    gallery[worn] = attack(photos.images[worn], seed=2).images
    by_hand.fit(gallery[~held_out], photos.labels[~held_out])
    for each in rounds:
        by_hand.observe(each)
    probes = photos.images[held_out & (photos.labels == 2)]
    expected = int((by_hand.predict(probes) != 2).sum())
    assert grown.table.query(asked)["errors"].item() == expected


def test_rounds_are_embedded_once_for_each_extractor() -> None:
    calls = []

    class Counting(torch.nn.Flatten):
        def forward(self, images):
            calls.append(len(images))
            return super().forward(images)

    extractor = ModuleExtractor(Counting(), card(), toy_extractor().preprocessing)
    assert extractor.fingerprint, "it looks at two fixed pictures"
    calls.clear()
    growing = Growing((toy_photos().images[:3],), threshold=0.2)
    growing(extractor), growing(extractor)
    assert calls == [3]


def test_a_growing_recogniser_has_seen_all_rounds_when_fitted() -> None:
    photos = toy_photos()
    recogniser = Growing((photos.images[1:3], photos.images[3:4]), threshold=2.0)(toy_extractor())
    recogniser.fit(photos.images[::10], photos.labels[::10])
    assert recogniser.added_ == 3 and len(recogniser.embeddings_) == len(photos.people) + 3


def test_threshold_lets_in_the_share_asked_for() -> None:
    photos = toy_photos(people=20, each=10, noise=0.3)
    threshold = choose_threshold(toy_extractor(), photos, false_adds=0.1)
    rows = embed(toy_extractor(), photos.images)
    let_in = 0
    for label in photos.people:
        mine = photos.labels == label
        tracker = DynamicGallery(toy_extractor(), threshold=threshold)
        tracker.fit_embeddings(rows[~mine], photos.labels[~mine])
        let_in += int((tracker.observe_embeddings(rows[mine]) >= 0).sum())
    assert let_in == pytest.approx(0.1 * len(photos), abs=2)
    assert choose_threshold(toy_extractor(), photos, false_adds=0.1, embeddings=rows) == threshold
    assert choose_threshold(toy_extractor(), photos, false_adds=0.3) > threshold


def test_threshold_of_too_little_is_refused() -> None:
    photos = toy_photos()
    with pytest.raises(ValueError, match="between 0 and 1, got 0"):
        choose_threshold(toy_extractor(), photos, false_adds=0)
    with pytest.raises(ValueError, match="less than one"):
        choose_threshold(toy_extractor(), photos, false_adds=0.001)
    with pytest.raises(ValueError, match="at least two people, got 1"):
        choose_threshold(toy_extractor(), photos.of_people([0]), false_adds=0.2)

"""Adaptive training: copies under their person's name, and an extractor that learns from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import WithCopies, collect
from poisonlib.defenses.adaptive import (
    LEAKED,
    UNVARIED,
    VariedCopies,
    Variety,
    unwitting_training_set,
    with_copies,
)
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.trial import Trial, as_published
from studio.training import adapt
from studio.training.augment import Augmentation
from tests.core.conftest import Negative, toy_extractor, toy_photos

PUBLIC = as_published(toy_photos(people=12, each=8, seed=5))
USERS = toy_photos(people=6, each=10, seed=6)
CARD = Card("toy-2000", 2000, "toy", "none", "none", 16, 24, "CC0-1.0")


def network() -> ModuleExtractor:
    """A trainable extractor, the same every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(768, 48), torch.nn.ReLU(), torch.nn.Linear(48, 24)
        )
    return ModuleExtractor(layers, CARD, Preprocessing(16))


class Rounded(Negative):
    def __call__(self, images, *, seed, progress=None):
        cloak = super().__call__(images, seed=seed)
        object.__setattr__(cloak, "images", round_to_8_bits(cloak.images))
        return cloak


@pytest.fixture(scope="module")
def copies():
    return collect({"negative": Rounded()}, PUBLIC, people=list(range(8)), seed=0, each=4)


def test_copies_are_labelled_with_their_person(copies):
    mixed = with_copies(PUBLIC, copies)
    assert len(mixed) == len(PUBLIC) + len(copies)
    added = mixed.labels[len(PUBLIC) :]
    assert [mixed.names[label] for label in added] == [PUBLIC.names[i] for i in copies.labels]
    turned = Photos(PUBLIC.images, 11 - PUBLIC.labels, PUBLIC.names[::-1])
    again = with_copies(turned, copies)
    assert [again.names[i] for i in again.labels] == [mixed.names[i] for i in mixed.labels]
    with pytest.raises(ValueError, match="8 people have copies but no name"):
        with_copies(replace(USERS, names=tuple("abcdef")), copies)


PLAIN = Augmentation(flip=0.0)


def learnt(copies, *, epochs: int = 60) -> ModuleExtractor:
    plain = {"augmentation": PLAIN, "variety": UNVARIED}
    return adapt(network(), PUBLIC, copies, seed=0, epochs=epochs, learning_rate=5e-3, **plain)


def test_variety_scales_and_borrows_perturbations(copies):
    clean, size = len(PUBLIC), 16
    generator = torch.Generator().manual_seed(0)
    everything = torch.arange(clean + len(copies))
    mixed = with_copies(PUBLIC, copies).images
    plain = VariedCopies(PUBLIC, copies, UNVARIED, size=size)(everything, generator)
    assert torch.allclose(plain, mixed, atol=1 / 255)

    weak = Variety(strength=(0.5, 0.5), borrowed=0.0)
    shown = VariedCopies(PUBLIC, copies, weak, size=size)(everything, generator)
    assert torch.equal(shown[:clean], plain[:clean])
    half_way = (copies.clean + copies.cloaked) / 2
    assert torch.allclose(shown[clean:], half_way, atol=1 / 255)

    lent = Variety(strength=(1.0, 1.0), borrowed=1.0)
    shown = VariedCopies(PUBLIC, copies, lent, size=size)(everything, generator)
    assert torch.equal(shown[clean:], plain[clean:])
    possible = (PUBLIC.images[0] + copies.cloaked - copies.clean).clamp(0, 1)
    assert (possible - shown[0]).abs().amax(dim=(1, 2, 3)).min() < 1.5 / 255
    assert not torch.equal(shown[0], plain[0])


@pytest.mark.parametrize("wrong", [{"strength": (1.0, 0.5)}, {"borrowed": 1.5}])
def test_an_impossible_variety_is_refused(wrong):
    with pytest.raises(ValueError, match="low <= high"):
        Variety(**wrong)


def recognised_copies(extractor, copies) -> float:
    """The share of copies whose nearest clean photograph shows their own person."""
    recogniser = NearestNeighbour(extractor).fit(PUBLIC.images, PUBLIC.labels)
    return recogniser.score(copies.cloaked, copies.labels)


def test_adapting_recognises_copies_and_fine_tuning_on_clean_photographs_does_not(copies):
    adapted, tuned = learnt(copies), learnt(None)
    assert recognised_copies(network(), copies) < 0.2
    assert recognised_copies(tuned, copies) < 0.2
    assert recognised_copies(adapted, copies) > 0.9
    clean = NearestNeighbour(adapted).fit(PUBLIC.images[::2], PUBLIC.labels[::2])
    assert clean.score(PUBLIC.images[1::2], PUBLIC.labels[1::2]) > 0.9


def test_the_ordinary_extractor_is_left_alone_and_the_card_says_what_happened(copies):
    ordinary = network()
    before = ordinary.fingerprint
    seen = []
    adapted = adapt(ordinary, PUBLIC, copies, seed=0, epochs=2, progress=lambda *s: seen.append(s))
    assert ModuleExtractor(ordinary.module, CARD, Preprocessing(16)).fingerprint == before
    assert adapted.fingerprint != before
    assert adapted.card.name == "adapted-toy-2000"
    assert "32 cloaked copies by negative" in adapted.card.data
    assert adapted.preprocessing == ordinary.preprocessing
    assert [done for done, _, _ in seen] == [1, 2]
    assert "clean only" in adapt(ordinary, PUBLIC, None, seed=0, epochs=1).card.data
    rows = embed(adapted, USERS.images)
    assert rows.shape == (len(USERS), 24)


def test_the_same_seed_gives_the_same_extractor(copies):
    first, again = (adapt(network(), PUBLIC, copies, seed=3, epochs=1) for _ in range(2))
    other = adapt(network(), PUBLIC, copies, seed=4, epochs=1)
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_run_resumes_where_it_was_stopped(copies, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, epochs, loss):
        if done == 2:
            raise Stop

    settings = {"seed": 0, "epochs": 3}
    file = tmp_path / "checkpoint"
    with pytest.raises(Stop):
        adapt(network(), PUBLIC, copies, checkpoint=file, progress=stop, **settings)
    resumed = adapt(network(), PUBLIC, copies, checkpoint=file, **settings)
    assert resumed.fingerprint == adapt(network(), PUBLIC, copies, **settings).fingerprint


def test_a_trial_of_it_is_one_line(copies):
    result = Trial(Rounded(), adapt(network(), PUBLIC, copies, seed=0, epochs=1)).run(
        USERS, users=2, seed=0
    )
    assert set(result.table["extractor"]) == {"adapted-toy-2000"}


def test_only_a_network_can_be_adapted(copies):
    with pytest.raises(TypeError, match="adapt fine-tunes a network"):
        adapt(lambda images: images, PUBLIC, copies, seed=0)


def test_a_recogniser_learns_the_copies_of_others():
    others = collect({"negative": Rounded()}, USERS, people=[2, 3], seed=0, each=4)
    factory = WithCopies(others, NearestNeighbour)
    assert factory.__name__ == "NearestNeighbour with copies"
    recogniser = factory(toy_extractor()).fit(USERS.images, USERS.labels)
    plain = NearestNeighbour(toy_extractor()).fit(USERS.images, USERS.labels)
    assert recogniser.score(others.cloaked, others.labels) == 1.0
    assert plain.score(others.cloaked, others.labels) < 0.5
    with pytest.raises(ValueError, match="no photograph in the gallery, e.g. label 2"):
        factory(toy_extractor()).fit(USERS.of_people([0, 1]).images, USERS.of_people([0, 1]).labels)
    table = Trial(Rounded(), toy_extractor(), factory).run(USERS, users=[0], seed=0).table
    assert set(table["recogniser"]) == {"NearestNeighbour with copies"}


def test_the_unwitting_trainers_users_have_one_tool_each_and_leaks_are_nested():
    tools = {"one": Rounded(), "two": Rounded(strength=0.5)}
    copies = collect(tools, PUBLIC, people=list(range(8)), seed=0, each=4)
    leaking: set[int] = set()
    for share, expected in ((0.0, 0), (0.5, 4), (1.0, 8)):
        clean, out = unwitting_training_set(PUBLIC, copies, leaks=share, seed=0)
        for label in range(8):
            assert len(torch.unique(out.tool[out.labels == label])) == 1
        assert len(out) == 8 * 4, "every user posts the copies of one tool"
        now = {label for label in clean.labels.tolist() if label < 8}
        assert leaking <= now and len(now) == expected
        leaking = now
        for label in now:
            assert torch.equal(clean.of(label), PUBLIC.of(label)[4 : 4 + LEAKED])
        assert all(len(clean.of(label)) == 8 for label in range(8, 12))

"""Training: losses against their formulas, augmentation within bounds, resuming after a kill."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from poisonlib.extractors import Card, embed
from poisonlib.training.augment import Augmentation
from poisonlib.training.loop import train
from poisonlib.training.losses import ArcFace, Softmax
from poisonlib.training.recipes import RECIPES, Recipe
from tests.core.conftest import toy_photos

RECIPE = Recipe(
    card=Card("toy-2000", 2000, "toy", "softmax", "toys", 64, 128, "CC0-1.0"),
    architecture="PlainNet",
    loss="softmax",
    people=3,
    photos=6,
    augmentation=Augmentation(shift=0.05, light=0.1),
    epochs=3,
    seed=1,
    batch_size=9,
)


def test_arcface_is_softmax_over_widened_angles():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(6, 8, generator=generator)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    head = ArcFace(8, 4, scale=16.0, margin=0.3)
    angles = torch.acos(F.normalize(features) @ F.normalize(head.weight).T)
    assert (angles[range(6), labels] < math.pi - 0.3).all(), "the formula's main branch"
    angles[range(6), labels] += 0.3
    expected = F.cross_entropy(16.0 * angles.cos(), labels)
    assert torch.allclose(head(features, labels), expected, atol=1e-4)
    easier = ArcFace(8, 4, scale=16.0, margin=0.0)
    easier.load_state_dict(head.state_dict())
    assert easier(features, labels) < head(features, labels)


def test_softmax_is_cross_entropy_of_a_linear_layer():
    features, labels = torch.eye(4), torch.arange(4)
    head = Softmax(4, 4)
    assert torch.equal(head(features, labels), F.cross_entropy(head.classify(features), labels))


def test_augmentation_is_seeded_bounded_and_leaves_its_input_alone():
    images = toy_photos().images
    before = images.clone()
    strong = Augmentation(0.5, shift=0.1, zoom=0.1, turn=10, light=0.5, erase=0.5)

    def view(seed):
        return strong(images, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(view(1), view(1)) and not torch.equal(view(1), view(2))
    assert view(1).shape == images.shape and 0 <= view(1).min() and view(1).max() <= 1
    assert torch.equal(images, before)
    nothing = Augmentation(flip=0.0)(images, generator=torch.Generator())
    assert torch.allclose(nothing, images, atol=1e-5)
    flipped = Augmentation(flip=1.0)(images, generator=torch.Generator())
    assert torch.allclose(flipped, images.flip(3), atol=1e-5)


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    photos = toy_photos(people=3, each=6)
    whole = train(RECIPE, photos)
    checkpoint = tmp_path / "toy.checkpoint"

    class Killed(Exception):
        pass

    def kill(done, epochs, loss):
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        train(RECIPE, photos, checkpoint=checkpoint, progress=kill)
    done = []
    resumed = train(
        RECIPE, photos, checkpoint=checkpoint, progress=lambda *state: done.append(state[0])
    )
    assert done == [3], "two epochs were done already"
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-3)
    assert torch.allclose(
        embed(resumed.extractor, photos.images), embed(whole.extractor, photos.images), atol=1e-2
    )
    with pytest.raises(ValueError, match="of another recipe; delete it"):
        train(replace(RECIPE, seed=2), photos, checkpoint=checkpoint)


def test_training_needs_people_to_tell_apart():
    with pytest.raises(ValueError, match="at least two people, got 1"):
        train(RECIPE, toy_photos(people=1))


def test_training_leaves_global_randomness_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(replace(RECIPE, epochs=1), toy_photos(people=2, each=4))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_are_consistent(recipe):
    assert recipe.card.name.endswith(str(recipe.card.year))
    assert str(recipe.people) in recipe.card.data and str(recipe.photos) in recipe.card.data

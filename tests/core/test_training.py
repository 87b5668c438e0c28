"""Training: losses against their formulas, augmentation within bounds, resuming after a kill."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from poisonlib.extractors import Card, embed
from studio.training.augment import Augmentation
from studio.training.extractor import batches, train
from studio.training.fit import fit
from studio.training.losses import (
    LOSSES,
    AdaFace,
    ArcFace,
    CosFace,
    MagFace,
    Softmax,
    Triplet,
    add_angle,
)
from studio.training.recipes import ABLATION, RECIPES, Recipe, recipe_of
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


def random_batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 8, generator=generator), torch.tensor([0, 1, 2, 3, 0, 1])


def test_cosface_is_softmax_over_lowered_cosines():
    features, labels = random_batch()
    head = CosFace(8, 4, scale=16.0, margin=0.3)
    cosine = F.normalize(features) @ F.normalize(head.weight).T
    cosine[range(6), labels] -= 0.3
    assert torch.allclose(head(features, labels), F.cross_entropy(16 * cosine, labels), atol=1e-5)


def test_an_added_angle_makes_it_harder_everywhere():
    angles = torch.linspace(0.01, math.pi - 0.01, 400)[:, None]
    harder = add_angle(angles.cos(), 0.5)
    inside = angles < math.pi - 0.5
    assert torch.allclose(harder[inside], (angles + 0.5).cos()[inside], atol=1e-4)
    assert (harder.diff(dim=0) < 0).all(), "falls in the angle, past pi - m too"
    assert (harder < angles.cos()).all()
    easier = add_angle(angles.cos(), -0.5)
    assert torch.allclose(easier, (angles - 0.5).clamp_min(0).cos(), atol=1e-4)
    assert torch.allclose(add_angle(angles.cos(), 0.0), angles.cos(), atol=1e-6)


def test_magface_asks_more_of_longer_features():
    features, labels = random_batch()
    head = MagFace(8, 4, norms=(10.0, 110.0), margins=(0.45, 0.8), pull=0.0)
    for length, margin in ((5.0, 0.45), (60.0, 0.625), (500.0, 0.8)):
        arcface = ArcFace(8, 4, margin=margin)
        arcface.load_state_dict(head.state_dict())
        scaled = length * F.normalize(features)
        assert torch.allclose(head(scaled, labels), arcface(scaled, labels), atol=1e-3), length
    pulled = MagFace(8, 4, pull=35.0)
    pulled.load_state_dict(head.state_dict())
    unit = 60.0 * F.normalize(features)
    expected = 35 * (60 / 110**2 + 1 / 60)
    assert (pulled(unit, labels) - head(unit, labels)).item() == pytest.approx(expected, rel=1e-3)


def test_adaface_is_a_margin_in_the_angle_for_poor_photographs_and_in_the_cosine_for_good():
    features, labels = random_batch()
    head = AdaFace(8, 4, margin=0.3).eval()
    head.mean.fill_(10.0), head.std.fill_(1.0)
    cosine = (F.normalize(features) @ F.normalize(head.weight).T)[range(6), labels][:, None]
    poor, middling, good = (torch.full((6, 1), norm) for norm in (1e-3, 10.0, 99.0))
    assert torch.allclose(head.widened(cosine, poor), add_angle(cosine, 0.3), atol=1e-4)
    assert torch.allclose(head.widened(cosine, middling), cosine - 0.3, atol=1e-4)
    assert torch.allclose(head.widened(cosine, good), add_angle(cosine, -0.3) - 0.6, atol=1e-4)
    head.train()
    head(features, labels)
    norms = features.norm(dim=1)
    assert head.mean == pytest.approx(10 + 0.01 * (norms.mean().item() - 10))
    assert head.std == pytest.approx(1 + 0.01 * (norms.std().item() - 1))


def test_triplet_takes_the_nearest_negative_beyond_the_positive():
    degrees = torch.tensor([0.0, 30.0, 20.0, 50.0, 180.0])
    features = torch.stack([degrees.deg2rad().cos(), degrees.deg2rad().sin()], 1)
    labels = torch.tensor([0, 0, 1, 1, 2])

    def squared(a, b):
        return 2 - 2 * math.cos(math.radians(a - b))

    expected = [
        squared(0, 30) - squared(0, 50) + 0.2,  # 20 is nearer than the positive
        squared(30, 0) - squared(30, 180) + 0.2,  # both 20 and 50 are nearer than 0 is
        squared(20, 50) - squared(20, 180) + 0.2,
        squared(50, 20) - squared(50, 0) + 0.2,
    ]
    mean = sum(max(0, value) for value in expected) / 4
    assert Triplet(2, 3)(3 * features, labels).item() == pytest.approx(mean, abs=1e-5)
    with pytest.raises(ValueError, match="two photographs of one person"):
        Triplet(2, 3)(features[[0, 2, 4]], labels[[0, 2, 4]])


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"contrastive"}))
def test_following_the_gradient_lowers_every_loss(name):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(12, 8, generator=generator).requires_grad_()
    labels = torch.arange(12) % 4
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = LOSSES[name](8, 4)
    before = head(features, labels)
    assert before.ndim == 0 and torch.isfinite(before)
    optimiser = torch.optim.Adam([features, *head.parameters()], lr=0.05)
    for _ in range(60):
        loss = head(features, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert head(features, labels) < 0.7 * before


def test_batches_hold_the_photographs_asked_for_of_each_person():
    labels = torch.arange(10).repeat_interleave(7)
    recipe = replace(RECIPE, batch_size=12, photos_per_person=3)
    dealt = batches(labels, recipe, generator=torch.Generator().manual_seed(0))
    for batch in dealt:
        assert (labels[batch].bincount(minlength=10) % 3 == 0).all()
    everything = torch.cat(dealt)
    assert len(everything.unique()) == len(everything) == 60, "six of seven of each person"
    plain = batches(labels, replace(RECIPE, batch_size=9), generator=torch.Generator())
    assert torch.cat(plain).sort().values.tolist() == list(range(70))
    assert all(len(batch) > 1 for batch in plain), "one photograph alone has no batch statistics"


def test_augmentation_is_seeded_bounded_and_leaves_its_input_alone():
    images = toy_photos().images
    before = images.clone()
    strong = Augmentation(
        0.5,
        shift=0.1,
        zoom=0.1,
        turn=10,
        light=0.5,
        erase=0.5,
        colour=0.5,
        grey=0.5,
        blur=0.5,
        noise=0.2,
        coarse=0.5,
    )

    def view(seed):
        return strong(images, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(view(1), view(1)) and not torch.equal(view(1), view(2))
    assert view(1).shape == images.shape and 0 <= view(1).min() and view(1).max() <= 1
    assert torch.equal(images, before)
    nothing = Augmentation(flip=0.0)(images, generator=torch.Generator())
    assert torch.allclose(nothing, images, atol=1e-5)
    flipped = Augmentation(flip=1.0)(images, generator=torch.Generator())
    assert torch.allclose(flipped, images.flip(3), atol=1e-5)


def test_a_killed_run_resumes_where_it_was(tmp_path):
    photos = toy_photos(people=3, each=6)
    uninterrupted, resumed = [], []
    whole = train(RECIPE, photos, progress=lambda *state: uninterrupted.append(state))
    checkpoint = tmp_path / "toy.checkpoint"

    class Killed(Exception):
        pass

    def kill(done, epochs, loss):
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        train(RECIPE, photos, checkpoint=checkpoint, progress=kill)
    again = train(
        RECIPE, photos, checkpoint=checkpoint, progress=lambda *state: resumed.append(state)
    )
    assert resumed == uninterrupted, "the epochs behind it are told first"
    assert torch.equal(embed(again, photos.images), embed(whole, photos.images))
    with pytest.raises(ValueError, match="of another training; delete it"):
        train(replace(RECIPE, seed=2), photos, checkpoint=checkpoint)


def test_epochs_that_a_checkpoint_has_behind_it_are_not_trained_again(tmp_path):
    begun, weight = [], torch.nn.Linear(1, 1)

    def epoch(number, generator):
        begun.append(number)
        yield weight(torch.rand(4, 1, generator=generator)).square().mean(), 4

    def stop(done, epochs, loss):
        raise KeyboardInterrupt

    run = {"epochs": 3, "steps": 1, "seed": 0, "settings": "toy", "learning_rate": 0.1}
    with pytest.raises(KeyboardInterrupt):
        fit({"one": weight}, epoch, checkpoint=tmp_path / "one", progress=stop, **run)
    fit({"one": weight}, epoch, checkpoint=tmp_path / "one", **run)
    assert begun == [0, 1, 2]


def test_training_needs_people_to_tell_apart():
    with pytest.raises(ValueError, match="at least two people, got 1"):
        train(RECIPE, toy_photos(people=1))


def test_training_leaves_global_randomness_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(replace(RECIPE, epochs=1), toy_photos(people=2, each=4))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("part", ["colour", "grey", "blur", "noise", "coarse", "erase", "light"])
def test_every_part_of_the_augmentation_changes_the_picture(part):
    images = toy_photos().images
    changed = Augmentation(flip=0.0, **{part: 0.9})(images, generator=torch.Generator())
    assert (changed - images).abs().amax() > 0.02
    if part == "grey":
        gone = (changed - changed.mean(1, keepdim=True)).abs().amax((1, 2, 3)) < 1e-6
        assert gone.any(), "some of the pictures have lost their colour"


def test_adversarial_training_learns_from_pictures_changed_within_the_radius(monkeypatch):
    from studio.training import extractor

    seen = []
    original = extractor._worst_case

    def spy(loss_of, images, labels, radius, generator):
        worse = original(loss_of, images, labels, radius, generator)
        seen.append((float((worse - images).abs().max()), float(worse.min()), float(worse.max())))
        return worse

    monkeypatch.setattr(extractor, "_worst_case", spy)
    train(replace(RECIPE, epochs=1, adversarial=0.05), toy_photos(people=3, each=6))
    assert len(seen) == 2
    assert all(
        0.04 < change <= 0.05 + 1e-6 and low >= 0 and high <= 1 for change, low, high in seen
    )


def test_fine_tuning_begins_where_the_named_extractor_ended():
    photos = toy_photos(people=3, each=6)
    first = train(RECIPE, photos)
    tuned = replace(RECIPE, start="toy-2000", epochs=1, learning_rate=1e-9)
    barely = train(tuned, photos, start=first)
    for name, weight in first.module.named_parameters():
        assert torch.allclose(barely.module.get_parameter(name), weight, atol=1e-5), name
    with pytest.raises(ValueError, match="starts from 'toy-2000', got ''"):
        train(tuned, photos)


def test_the_ablation_changes_what_it_says_and_trains_as_long():
    recipes = dict(ABLATION)
    base = recipes.pop("base")
    for name, recipe in recipes.items():
        shown = recipe.people * recipe.photos * recipe.epochs
        assert shown == base.people * base.photos * base.epochs, name
        fields = ("people", "augmentation", "architecture", "loss")
        changed = [field for field in fields if getattr(recipe, field) != getattr(base, field)]
        assert len(changed) == (4 if name == "all of these" else 1), name


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no recipe 'softmax-1914'; there are: softmax-2014"):
        recipe_of("softmax-1914")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_are_consistent(recipe):
    assert recipe.card.name.endswith(str(recipe.card.year))
    assert str(recipe.people) in recipe.card.data and str(recipe.photos) in recipe.card.data

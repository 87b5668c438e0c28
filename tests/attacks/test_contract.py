"""What every cloaking tool promises, whatever the extractors it looks into."""

from __future__ import annotations

import ast
import dataclasses

import pytest
import torch

from poisonlib.attacks import Attack, FawkesV03, FawkesV1, LowKey, Unperturbed, dssim
from tests import toys

EXTRACTORS = {
    "linear": lambda: [toys.PooledLinear()],
    "convolutional": lambda: [toys.TinyConvolutional()],
    "ensemble": lambda: [toys.TinyConvolutional(seed=1), toys.PooledLinear(seed=1)],
}
TARGETS = toys.people(6, 3, seed=100)
ATTACKS = {
    "FawkesV03": lambda extractors: FawkesV03(extractors, targets=TARGETS, steps=25),
    "FawkesV1": lambda extractors: FawkesV1(extractors, steps=25),
    "LowKey": lambda extractors: LowKey(extractors, steps=12),
    "Unperturbed": lambda extractors: Unperturbed(),
}
PERTURBING = [name for name in ATTACKS if name != "Unperturbed"]


@pytest.fixture(params=EXTRACTORS)
def extractors(request: pytest.FixtureRequest) -> list:
    return EXTRACTORS[request.param]()


@pytest.fixture(params=ATTACKS)
def attack(request: pytest.FixtureRequest, extractors: list) -> Attack:
    return ATTACKS[request.param](extractors)


@pytest.fixture(params=PERTURBING)
def perturbing(request: pytest.FixtureRequest, extractors: list) -> Attack:
    return ATTACKS[request.param](extractors)


def test_output_is_8_bit_pictures_of_the_same_shape(attack: Attack) -> None:
    images = torch.rand(3, 3, 48, 40, generator=torch.Generator().manual_seed(1))
    cloak = attack(images, seed=0)
    assert cloak.images.shape == images.shape
    assert cloak.images.dtype == torch.float32
    assert not cloak.images.requires_grad
    assert cloak.images.min() >= 0 and cloak.images.max() <= 1
    assert torch.equal(cloak.images, (cloak.images * 255).round() / 255)


def test_saturated_pictures_stay_finite(attack: Attack) -> None:
    images = torch.ones(2, 3, 48, 48)
    images[:, :, ::2] = 0
    assert attack(images, seed=0).images.isfinite().all()


def test_input_and_extractors_are_left_as_found(attack: Attack, extractors: list) -> None:
    images = toys.faces(2)
    before = images.clone()
    extractors[0].mix.requires_grad_(False) if hasattr(extractors[0], "mix") else None
    flags = [[p.requires_grad for p in extractor.parameters()] for extractor in extractors]
    state = torch.random.get_rng_state()
    attack(images, seed=0)
    assert torch.equal(images, before) and not images.requires_grad
    assert torch.equal(torch.random.get_rng_state(), state)
    assert flags == [[p.requires_grad for p in extractor.parameters()] for extractor in extractors]
    assert all(p.grad is None for extractor in extractors for p in extractor.parameters())


def test_the_same_seed_gives_the_same_cloak(attack: Attack) -> None:
    images = toys.faces(2)
    assert torch.equal(attack(images, seed=3).images, attack(images, seed=3).images)


@pytest.mark.parametrize("name", PERTURBING)
def test_another_seed_gives_another_cloak(name: str) -> None:
    attack = ATTACKS[name](EXTRACTORS["convolutional"]())
    images = toys.faces(2)
    cloaks = [attack(images, seed=seed).images for seed in range(4)]
    assert any(not torch.equal(cloaks[0], other) for other in cloaks[1:])


def test_measures_are_of_the_rounded_pictures(attack: Attack) -> None:
    images = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    cloak = attack(images, seed=0)
    assert cloak.dssim.shape == cloak.lpips.shape == cloak.linf.shape == (3,)
    torch.testing.assert_close(cloak.dssim, dssim(cloak.images, images))
    torch.testing.assert_close(cloak.linf, (cloak.images - images).abs().amax((1, 2, 3)))
    assert len(cloak) == 3 and cloak.steps == attack.steps and cloak.attack == repr(attack)


def test_control_only_rounds() -> None:
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    cloak = Unperturbed()(images, seed=0)
    assert 0 < cloak.linf.max() <= 0.5 / 255 + 1e-6
    again = Unperturbed()(cloak.images, seed=0)
    assert torch.equal(again.images, cloak.images) and again.lpips.tolist() == [0, 0]


def test_moves_features_much_farther_than_the_control(perturbing: Attack, extractors: list) -> None:
    images = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    control = Unperturbed()(images, seed=0).images
    cloaked = perturbing(images, seed=0).images

    def moved(pictures: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return sum((e(pictures) - e(images)).norm(dim=1) for e in extractors)

    assert (moved(cloaked) > 5 * moved(control)).all()


def test_more_steps_move_farther() -> None:
    images, extractor = toys.faces(4), toys.TinyConvolutional()

    def moved(attack: Attack) -> float:
        with torch.no_grad():
            features = extractor(attack(images, seed=0).images)
            return float((features - extractor(images)).norm(dim=1).mean())

    modes = [moved(LowKey([extractor], mode=mode)) for mode in ("low", "mid", "high")]
    assert modes == sorted(modes) and modes[0] < modes[2]


def test_progress_is_told_each_step(perturbing: Attack) -> None:
    seen: list[tuple[int, int, str]] = []
    perturbing(toys.faces(1), seed=0, progress=lambda *step: seen.append(step))
    name = type(perturbing).__name__
    assert seen == [(step + 1, perturbing.steps, name) for step in range(perturbing.steps)]


def test_repr_prints_every_setting(attack: Attack) -> None:
    call = ast.parse(repr(attack), mode="eval").body
    assert isinstance(call, ast.Call) and call.func.id == type(attack).__name__
    printed = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert printed == dict(attack.settings)
    fields = [field.name for field in dataclasses.fields(attack)]
    assert list(printed) == fields and None not in printed.values()


def test_settings_are_keyword_only_and_frozen(perturbing: Attack, extractors: list) -> None:
    with pytest.raises(TypeError):
        type(perturbing)(extractors, "high")
    with pytest.raises(dataclasses.FrozenInstanceError):
        perturbing.steps = 1


@pytest.mark.parametrize("name", ["FawkesV1", "LowKey"])
def test_a_picture_gets_the_same_cloak_in_any_batch(name: str) -> None:
    kind = {"FawkesV1": FawkesV1, "LowKey": LowKey}[name]
    attack = kind(EXTRACTORS["ensemble"](), steps=3)
    images = toys.faces(4)
    together = attack(images, seed=5).images
    alone = torch.cat([attack(image[None], seed=5).images for image in images.flip(0)]).flip(0)
    # Sums of floats depend on the batch in the last bit, and a sign can turn over a bit.
    assert ((together - alone).abs() < 0.5 / 255).float().mean() > 0.98
    assert (alone - images).abs().mean() > 0.5 / 255


def test_works_where_gradients_are_switched_off() -> None:
    attack = LowKey([toys.PooledLinear()], steps=3)
    images = toys.faces(1)
    expected = attack(images, seed=0).images
    with torch.no_grad():
        assert torch.equal(attack(images, seed=0).images, expected)
    with torch.inference_mode():
        assert torch.equal(attack(images, seed=0).images, expected)

"""Each attack against a few lines that do the same by hand, and its own particular promises."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from poisonlib.attacks import LPIPS, FawkesV03, FawkesV1, LowKey, dssim, ssim, tanh_space
from poisonlib.attacks.base import noise_like, round_to_8_bits
from poisonlib.attacks.fawkes_v03 import MODES as V03_MODES
from poisonlib.attacks.fawkes_v1 import MODES as V1_MODES
from poisonlib.attacks.lowkey import gaussian_blur
from tests import toys


def test_tanh_space_there_and_back() -> None:
    images = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16)
    variables = tanh_space.from_images(images)
    assert variables.isfinite().all()
    torch.testing.assert_close(tanh_space.to_images(variables), images, atol=1e-6, rtol=0)
    far = tanh_space.to_images(torch.tensor([-50.0, 50.0]))
    torch.testing.assert_close(far, torch.tensor([0.0, 1.0]), atol=1e-6, rtol=0)


def test_tanh_space_by_hand_with_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    variables = torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64) * 3
    lowest = torch.full_like(variables, 0.2)
    highest = torch.rand(variables.shape, generator=generator).double() + 0.2
    upstream = torch.randn(variables.shape, generator=generator).double()
    for within in (None, (lowest, highest)):
        results = []
        for by_hand in (True, False):
            leaf = variables.clone().requires_grad_(True)
            if by_hand:
                images = torch.tanh(leaf) / (2 - 1e-6) + 0.5
                images = images if within is None else torch.clamp(images, *within)
            else:
                images = tanh_space.to_images(leaf, within=within)
            results += [images, *torch.autograd.grad(images, leaf, upstream)]
        torch.testing.assert_close(results[2], results[0])
        torch.testing.assert_close(results[3], results[1])


def test_gaussian_blur_is_a_reflected_convolution() -> None:
    images = toys.faces(2, size=20)[:, :, :, :17]
    offsets = torch.arange(7.0) - 3
    line = torch.exp(-offsets.square() / 18)
    kernel = (torch.outer(line, line) / line.sum() ** 2).expand(3, 1, 7, 7)
    expected = F.conv2d(F.pad(images, (3, 3, 3, 3), mode="reflect"), kernel, groups=3)
    torch.testing.assert_close(gaussian_blur(images, size=7, sigma=3.0), expected)


def test_noise_belongs_to_the_image_and_the_seed() -> None:
    images = toys.faces(3)
    noise = noise_like(images, seed=1, radius=0.01)
    assert noise.abs().max() <= 0.01 and noise.std() == pytest.approx(0.01 / 3**0.5, rel=0.05)
    assert torch.equal(noise_like(images.flip(0), seed=1, radius=0.01), noise.flip(0))
    assert not torch.equal(noise_like(images, seed=2, radius=0.01), noise)


def test_lowkey_by_hand() -> None:
    images = toys.faces(2)
    nets = [toys.TinyConvolutional(), toys.PooledLinear()]

    def features(net, pictures):
        return F.normalize(net(pictures) + net(torch.flip(pictures, [3])), dim=1)

    clean = [features(net, images).detach() for net in nets]
    current = images + noise_like(images, seed=4, radius=0.005)
    for _ in range(3):
        current = current.detach().requires_grad_(True)
        total = -0.05 * LPIPS()(current, images).sum()
        for net, anchor in zip(nets, clean, strict=True):
            for view in (current, gaussian_blur(current, size=7, sigma=3.0)):
                squared = (features(net, view) - anchor).square().sum(1) / anchor.norm(dim=1)
                total = total + squared.sum() / (4 * 512)
        total.backward()
        current = current.detach() + 0.0025 * current.grad.sign()
    cloak = LowKey(nets, steps=3)(images, seed=4)
    agree = (cloak.images - round_to_8_bits(current)).abs() < 1e-6
    assert agree.float().mean() > 0.999  # a sign may turn over the last bit of a sum


def test_lowkey_stays_within_its_walk_and_needs_the_penalty_for_looks() -> None:
    images, net = toys.faces(3), [toys.TinyConvolutional()]
    attack = LowKey(net)
    assert attack.max_change == pytest.approx(0.13)
    cloak = attack(images, seed=0)
    assert cloak.linf.max() <= 0.13 + 0.5 / 255
    bare = LowKey(net, lpips_weight=0.0)(images, seed=0)
    assert (cloak.lpips < bare.lpips).all()


def test_fawkes_v1_respects_clip_and_budget() -> None:
    images = toys.faces(4)
    for mode, settings in V1_MODES.items():
        cloak = FawkesV1([toys.TinyConvolutional()], mode=mode)(images, seed=0)
        assert cloak.linf.max() <= 15 / 255 + 0.5 / 255
        # 1.1 budgets, and what rounding to 8 bits and the sparse windows add.
        assert (cloak.dssim <= 1.2 * settings["budget"]).all()
        assert cloak.dssim.mean() > 0.5 * settings["budget"]


def test_fawkes_v1_balance_factor_by_hand() -> None:
    attack = FawkesV1([toys.PooledLinear()], budget=0.01)

    def follow(dissimilarities: list[float]) -> list[float]:
        factor, side, seen = 1.0, 1, []
        for value in dissimilarities:
            if value <= 0.009 and factor <= 129:
                factor *= 2
                if side == -1:
                    factor = 1.0
                side = 1
            elif value >= 0.011 and factor >= 1 / 129:
                factor /= 2
                if side == 1:
                    factor = 1.0
                side = -1
            else:
                factor, side = 1.0, 0
            seen.append(factor)
        return seen

    sequences = [
        [0.001] * 11,
        [0.02] * 11,
        [0.001, 0.001, 0.02, 0.02, 0.01, 0.02, 0.001, 0.001, 0.01, 0.001, 0.001],
    ]
    balance, side, seen = torch.ones(3), torch.ones(3), []
    for values in zip(*sequences, strict=True):
        balance, side = attack._rebalance(balance, side, torch.tensor(values))
        seen.append(balance)
    assert torch.stack(seen, dim=1).tolist() == [follow(values) for values in sequences]
    assert max(follow(sequences[0])) == 256 and min(follow(sequences[1])) == 1 / 256


def test_fawkes_v1_falls_back_to_the_last_image_if_it_is_hardly_visible() -> None:
    images = toys.faces(2)
    cloak = FawkesV1([toys.PooledLinear()], steps=5, budget=1e-9)(images, seed=0)
    assert (cloak.linf > 0).all() and (cloak.dssim < 0.016).all()


def test_fawkes_v1_leaves_a_photograph_alone_when_no_cloak_fits_the_budget() -> None:
    images = toys.faces(2)
    attack = FawkesV1([toys.TinyConvolutional()], steps=40, budget=1e-9, penalty=1e-9)
    assert torch.equal(attack(images, seed=0).images, images)


def test_fawkes_v03_draws_the_target_among_the_farthest() -> None:
    people = toys.people(12, 2, seed=50)
    net, images = toys.TinyConvolutional(), toys.faces(3)
    with torch.no_grad():
        centres = torch.stack([net(people.of(person)).mean(0) for person in people.people])
        nearest = torch.cdist(net(images), centres).amin(0)
    ranked = nearest.argsort(descending=True).tolist()
    attack = FawkesV03([net], targets=people, farthest=4)
    drawn = {attack.pick_target(images, seed=seed) for seed in range(40)}
    assert drawn == set(ranked[:4])
    assert attack.pick_target(images, seed=1) == attack.pick_target(images, seed=1)


def test_fawkes_v03_moves_towards_its_target_within_reach_of_the_budget() -> None:
    people = toys.people(5, 3, seed=50)
    net, images = toys.TinyConvolutional(), toys.people(1, 4, seed=9).images
    attack = FawkesV03([net], targets=people, steps=120)
    cloak = attack(images, seed=0)
    with torch.no_grad():
        goal = net(people.of(attack.pick_target(images, seed=0))).mean(0)
        before, after = (torch.cdist(net(x), goal[None]).mean() for x in (images, cloak.images))
    assert after < 0.8 * before
    assert 0.3 * 0.008 < cloak.dssim.mean() < 2 * 0.008


def test_fawkes_v03_by_hand() -> None:
    people = toys.people(3, 2, seed=50)
    net, images = toys.TinyConvolutional(), toys.faces(2)
    attack = FawkesV03([net], targets=people, steps=6, learning_rate=30.0)
    with torch.no_grad():
        own = net(images)
        target = net(people.of(attack.pick_target(images, seed=0))).mean(0)
        goal = own + 2 * (target - own.mean(0))
    start = torch.atanh((images - 0.5) * (2 - 1e-6))
    change = torch.full_like(images, 1e-6)
    square, moved, rate = torch.zeros_like(images), torch.zeros_like(images), 30.0
    least, kept = [float("inf")] * 2, images.clone()
    visible = ssim.anchored(images, stride=ssim.INNER_LOOP_STRIDE)

    def distance(pictures):
        return (goal - net(pictures)).norm(dim=1) / goal.norm(dim=1)

    for step in range(6):
        change.requires_grad_(True)
        pictures = torch.tanh(start + change) / (2 - 1e-6) + 0.5
        loss = 1e6 * (visible(pictures) - 0.008).clamp(min=0) ** 2 + distance(pictures)
        (slope,) = torch.autograd.grad(loss.sum(), change)
        square = 0.95 * square + 0.05 * slope**2
        update = (moved + 1e-8).sqrt() / (square + 1e-8).sqrt() * slope
        moved = 0.95 * moved + 0.05 * update**2
        change = change.detach() - rate * update
        if step in (2, 4):
            rate *= 0.8
        with torch.no_grad():
            pictures = torch.tanh(start + change) / (2 - 1e-6) + 0.5
            for image, value in enumerate(distance(pictures).tolist()):
                if value < least[image]:
                    least[image], kept[image] = value, pictures[image]
    cloak = attack(images, seed=0)
    torch.testing.assert_close(cloak.images, round_to_8_bits(kept), atol=1.1 / 255, rtol=0)
    assert (cloak.images == round_to_8_bits(kept)).float().mean() > 0.99
    assert cloak.linf.min() > 2 / 255


def test_modes_are_those_of_the_released_tools() -> None:
    targets = toys.people(2, 1)
    assert list(V03_MODES) == ["min", "low", "mid", "high", "ultra"]
    assert list(V1_MODES) == ["low", "mid", "high"]
    for kind, extra in ((FawkesV03, {"targets": targets}), (FawkesV1, {}), (LowKey, {})):
        assert kind([toys.PooledLinear()], **extra).mode == "high"
    v03 = FawkesV03([toys.PooledLinear()], targets=targets)
    assert (v03.budget, v03.steps, v03.learning_rate) == (0.008, 500, 10)
    v1 = FawkesV1([toys.PooledLinear()])
    assert (v1.budget, v1.steps, v1.learning_rate) == (0.017, 150, 15)
    assert FawkesV1([toys.PooledLinear()], steps=3).budget == 0.017


def test_dssim_of_a_cloak_matches_the_public_function() -> None:
    images = toys.faces(2)
    cloak = FawkesV1([toys.PooledLinear()], steps=20)(images, seed=0)
    torch.testing.assert_close(cloak.dssim, dssim(cloak.images, images))

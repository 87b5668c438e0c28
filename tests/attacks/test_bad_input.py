"""Bad input is refused at the door, saying what was expected, what came and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from poisonlib.attacks import Attack, FawkesV03, FawkesV1, LowKey, Unperturbed
from tests import toys

TARGETS = toys.people(3, 2, seed=100)
MAKERS: dict[str, Callable[..., Attack]] = {
    "FawkesV03": lambda extractors: FawkesV03(extractors, targets=TARGETS, steps=2),
    "FawkesV1": lambda extractors: FawkesV1(extractors, steps=2),
    "LowKey": lambda extractors: LowKey(extractors, steps=2),
}
making = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ("photo.png", TypeError, "must be a torch tensor.*got str"),
        (torch.rand(3, 48, 48), ValueError, r"four dimensions.*got shape \(3, 48, 48\)"),
        (torch.rand(1, 1, 48, 48), ValueError, "3 colour channels.*grey"),
        (torch.rand(1, 4, 48, 48), ValueError, "3 colour channels.*RGBA"),
        (torch.rand(0, 3, 48, 48), ValueError, "at least one image"),
        (torch.rand(1, 3, 48, 48).double(), TypeError, "float32.*float64"),
        (255 * torch.ones(1, 3, 48, 48), ValueError, r"\[0, 1\].*divide by 255"),
        (torch.full((1, 3, 48, 48), torch.nan), ValueError, "NaN"),
    ],
)
@pytest.mark.parametrize(
    "attack",
    [Unperturbed(), *(make([toys.PooledLinear()]) for make in MAKERS.values())],
    ids=lambda attack: type(attack).__name__,
)
def test_images(attack: Attack, images: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        attack(images, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_seed(seed: object) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number"):
        Unperturbed()(toys.faces(1), seed=seed)


@pytest.mark.parametrize("make", [FawkesV1, LowKey])
def test_pictures_smaller_than_the_visibility_window(make: type[Attack]) -> None:
    with pytest.raises(ValueError, match="at least .* pixels, got 9x9; enlarge"):
        make([toys.PooledLinear()])(toys.faces(1, size=9), seed=0)


@making
def test_no_extractors(make: Callable[..., Attack]) -> None:
    with pytest.raises(ValueError, match="at least one extractor"):
        make([])


@making
def test_what_is_no_extractor(make: Callable[..., Attack]) -> None:
    with pytest.raises(TypeError, match="extractors must be one extractor or a list"):
        make("softmax-2014")
    with pytest.raises(TypeError, match="callable on images.*got str"):
        make(["softmax-2014"])


@making
def test_one_extractor_needs_no_list(make: Callable[..., Attack]) -> None:
    extractor = toys.PooledLinear()
    assert tuple(make(extractor).extractors) == (extractor,)


@making
def test_extractor_in_training_mode(make: Callable[..., Attack]) -> None:
    with pytest.raises(ValueError, match=r"PooledLinear is in training mode.*\.eval\(\)"):
        make([toys.PooledLinear().train()])


class Broken:
    """An extractor that fails in a chosen way, optionally only after some calls."""

    def __init__(self, spoil: Callable[[Tensor], object], *, after: int = 0) -> None:
        self.good, self.spoil, self.left = toys.PooledLinear(), spoil, after

    def __call__(self, images: Tensor) -> object:
        self.left -= 1
        return self.good(images) if self.left >= 0 else self.spoil(self.good(images))


@making
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows * torch.nan, "Broken returned NaN or infinity"),
        (lambda rows: rows[:, :, None], r"must return shape \(2, d\).*got \(2, 16, 1\)"),
        (lambda rows: rows[:1], r"must return shape \(2, d\).*got \(1, 16\)"),
        (lambda rows: rows.tolist(), r"must return shape \(2, d\).*got list"),
        (lambda rows: rows.detach(), "Broken is not differentiable.*no gradient"),
    ],
    ids=["nan", "rank", "rows", "list", "detached"],
)
def test_broken_extractor(
    make: Callable[..., Attack], spoil: Callable[[Tensor], object], message: str
) -> None:
    images = TARGETS.images[:2]
    with pytest.raises(ValueError, match=message):
        make([Broken(spoil)])(images, seed=0)


def test_gradient_that_is_not_finite_on_the_way() -> None:
    def root_of_zero(rows: Tensor) -> Tensor:
        return F.normalize(rows + (rows - rows).square().sum(dim=1, keepdim=True).sqrt(), dim=1)

    for make in MAKERS.values():
        with pytest.raises(ValueError, match="reached NaN: an extractor's output or gradient"):
            make([Broken(root_of_zero)])(toys.faces(2), seed=0)


@pytest.mark.parametrize("kind", [FawkesV1, LowKey])
def test_unknown_mode(kind: type[Attack]) -> None:
    with pytest.raises(ValueError, match="mode must be one of low, mid, high, got 'extreme'"):
        kind([toys.PooledLinear()], mode="extreme")


@pytest.mark.parametrize("steps", [0, -3])
def test_steps(steps: int) -> None:
    with pytest.raises(ValueError, match="steps must be positive"):
        LowKey([toys.PooledLinear()], steps=steps)


def test_targets() -> None:
    with pytest.raises(TypeError, match="targets must be Photos of other people, got Tensor"):
        FawkesV03([toys.PooledLinear()], targets=toys.faces(3))

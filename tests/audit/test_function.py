"""A function as an attack: what it may do, and the errors when it does something else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from poisonlib.attacks import (
    Cached,
    CloakCache,
    FawkesV1,
    FunctionAttack,
    Mixture,
    PrecomputedCloaks,
    Unperturbed,
    as_attack,
)
from poisonlib.attacks.function import name_of_attack
from poisonlib.photos import Photos
from tests.audit.conftest import nothing, toy
from workbench.audit import gauntlet
from workbench.audit.strategies import naive


def in_place(images: Tensor) -> Tensor:
    images[:, :, 0] = 0.0
    return images


def mutated_and_returned_anew(images: Tensor) -> Tensor:
    new = images.clone()
    images.mul_(0.5)
    return new


def failing(images: Tensor) -> Tensor:
    raise KeyError("the sticker")


BROKEN = {
    "the shape": (lambda images: images[:, :, 1:], ValueError, r"of the shape it was given, \(17,"),
    "too few": (lambda images: images[1:], ValueError, r"got \(16, 3, 48, 48\)"),
    "NaN": (lambda images: images * torch.nan, ValueError, "holds NaN"),
    "above 1": (lambda images: images + 0.1, ValueError, r"in \[0, 1\], got .*; clamp"),
    "0 to 255": (lambda images: 255 * images, ValueError, "divide by 255"),
    "doubles": (lambda images: images.double(), TypeError, "float32, got torch.float64"),
    "an array": (lambda images: images.numpy(), TypeError, "got ndarray; use torch.from_numpy"),
    "no return": (lambda images: None, TypeError, "got NoneType; is a return missing"),
    "a cloak": (lambda images: Unperturbed()(images, seed=0), TypeError, "return its .images"),
    "in place": (in_place, ValueError, "in_place changed the photographs .* in place"),
    "in place, hidden": (mutated_and_returned_anew, ValueError, "in place"),
    "an error": (failing, RuntimeError, "failing failed .* with KeyError: 'the sticker'"),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_is_named_with_the_user(mistake: str, photos: Photos) -> None:
    function, error, message = BROKEN[mistake]
    before = photos.images.clone()
    with pytest.raises(error, match=message) as caught:
        gauntlet(function, photos=photos, users=["toy 2"], strategies=[naive(toy())])
    assert "toy 2" in str(caught.value)
    assert torch.equal(photos.images, before), "a cloak reached the gallery"


def test_a_good_function_is_rounded_measured_and_may_draw_at_random(photos: Photos) -> None:
    attack = FunctionAttack(lambda images: (images + 0.02 * torch.rand_like(images)).clamp(0, 1))
    cloak = attack(photos.images[:3], seed=0)
    assert torch.equal(cloak.images, (cloak.images * 255).round() / 255)
    assert (cloak.linf > 0).all() and (cloak.dssim > 0).all()
    learns = FunctionAttack(lambda images: images * torch.ones(1, requires_grad=True))
    assert not learns(photos.images[:1], seed=0).images.requires_grad


def test_what_is_no_cloak_is_refused() -> None:
    with pytest.raises(TypeError, match="got the class FawkesV1; make one of it"):
        as_attack(FawkesV1)
    with pytest.raises(TypeError, match="a function from images .* got str"):
        as_attack("LowKey")


def test_attacks_are_taken_as_they_are(photos: Photos, tmp_path) -> None:
    precomputed = PrecomputedCloaks(photos.images[:2], photos.images[:2])
    cached = Cached(Unperturbed(), CloakCache(tmp_path))
    for attack in (Unperturbed(), cached, precomputed, Mixture(None, None, share=0.5)):
        assert as_attack(attack) is attack
    assert name_of_attack(cached) == "Unperturbed"
    assert name_of_attack(as_attack(nothing)) == "nothing"

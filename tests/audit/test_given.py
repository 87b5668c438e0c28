"""Cloaks that exist already come back for their photographs, and for no others."""

from __future__ import annotations

import pytest
import torch

from poisonlib.attacks import Cloak, Unperturbed
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs, all_of
from poisonlib.photos import Photos


@pytest.fixture
def given(photos: Photos) -> PrecomputedCloaks:
    return PrecomputedCloaks(photos.images[:6], 1 - photos.images[:6])


def test_each_photograph_gets_its_own_cloak_in_any_order(
    given: PrecomputedCloaks, photos: Photos
) -> None:
    cloak = given(photos.images[[4, 1]], seed=0)
    assert torch.allclose(cloak.images, 1 - photos.images[[4, 1]], atol=1e-6)
    assert torch.equal(cloak.dssim, given.cloak.dssim[[4, 1]])
    assert len(given) == 6 and "6 photographs" in repr(given)
    assert (given.cloak.linf > 0.1).all()


def test_photographs_are_told_apart_as_8_bit_files(
    given: PrecomputedCloaks, photos: Photos
) -> None:
    hardly = (photos.images[:2] + 1e-4).clamp(0, 1)
    assert torch.equal(given(hardly, seed=0).images, given(photos.images[:2], seed=1).images)


def test_measures_that_are_known_are_kept(photos: Photos) -> None:
    made = Unperturbed()(photos.images[:2], seed=0)
    marked = Cloak(made.images, made.dssim + 0.5, made.lpips, made.linf, 3, "some tool")
    known = PrecomputedCloaks(photos.images[:2], marked)(photos.images[:1], seed=0)
    assert float(known.dssim) == 0.5 and known.attack == "some tool" and known.steps == 3


def test_bad_pairs_are_refused(given: PrecomputedCloaks, photos: Photos) -> None:
    with pytest.raises(ValueError, match="photograph 2 of 2 is none of the 6"):
        given(photos.images[[0, 6]], seed=0)
    with pytest.raises(ValueError, match="of the same size, got"):
        PrecomputedCloaks(photos.images[:2], photos.images[:3])
    with pytest.raises(ValueError, match="cloaked holds NaN"):
        PrecomputedCloaks(photos.images[:1], photos.images[:1] * torch.nan)
    twice = photos.images[[0, 1, 0]]
    with pytest.raises(ValueError, match="photographs 1 and 3 are the same"):
        PrecomputedCloaks(twice, 1 - photos.images[:3])
    assert len(PrecomputedCloaks(twice, 1 - twice)) == 3, "the same cloak twice does no harm"


def test_a_leak_leaves_one_photograph_as_it_was(given: PrecomputedCloaks, photos: Photos) -> None:
    mixed = WithCleanPhotographs(given, 1)(photos.images[:6], seed=2)
    assert int((mixed.linf == 0).sum()) == 1
    bare = WithCleanPhotographs(given, 9)(photos.images[:6], seed=2)
    assert torch.equal(bare.images, photos.images[:6]), "more leaks than photographs"


def test_cloaks_of_several_users_become_one(photos: Photos) -> None:
    parts = [Unperturbed()(part, seed=0) for part in photos.images[:5].split(2)]
    assert torch.equal(all_of(parts).images, photos.images[:5])
    assert len(all_of(parts).lpips) == 5
    with pytest.raises(ValueError, match="at least one"):
        all_of([])

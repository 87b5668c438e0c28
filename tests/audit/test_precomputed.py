"""Precomputed cloaks are looked up for their photographs, and for no others."""

from __future__ import annotations

import pytest
import torch

from poisonlib.attacks import Cloak, Unperturbed
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs, concatenate
from poisonlib.photos import Photos


@pytest.fixture
def cloaks(photos: Photos) -> PrecomputedCloaks:
    return PrecomputedCloaks(photos.images[:6], 1 - photos.images[:6])


def test_each_photograph_gets_its_own_cloak_in_any_order(
    cloaks: PrecomputedCloaks, photos: Photos
) -> None:
    cloak = cloaks(photos.images[[4, 1]], seed=0)
    assert torch.allclose(cloak.images, 1 - photos.images[[4, 1]], atol=1e-6)
    assert torch.equal(cloak.dssim, cloaks.cloak.dssim[[4, 1]])
    assert len(cloaks) == 6 and "6 photographs" in repr(cloaks)
    assert (cloaks.cloak.linf > 0.1).all()


def test_photographs_are_identified_as_8_bit_files(
    cloaks: PrecomputedCloaks, photos: Photos
) -> None:
    nearly = (photos.images[:2] + 1e-4).clamp(0, 1)
    assert torch.equal(cloaks(nearly, seed=0).images, cloaks(photos.images[:2], seed=1).images)


def test_known_measures_are_not_computed_again(photos: Photos) -> None:
    made = Unperturbed()(photos.images[:2], seed=0)
    marked = Cloak(made.images, made.dssim + 0.5, made.lpips, made.linf, 3, "some tool")
    known = PrecomputedCloaks(photos.images[:2], marked)(photos.images[:1], seed=0)
    assert float(known.dssim) == 0.5 and known.attack == "some tool" and known.steps == 3


def test_bad_pairs_are_refused(cloaks: PrecomputedCloaks, photos: Photos) -> None:
    with pytest.raises(ValueError, match="photograph 2 of 2 is none of the 6"):
        cloaks(photos.images[[0, 6]], seed=0)
    with pytest.raises(ValueError, match="of the same size, got"):
        PrecomputedCloaks(photos.images[:2], photos.images[:3])
    with pytest.raises(ValueError, match="cloaked holds NaN"):
        PrecomputedCloaks(photos.images[:1], photos.images[:1] * torch.nan)
    twice = photos.images[[0, 1, 0]]
    with pytest.raises(ValueError, match="photographs 1 and 3 are the same"):
        PrecomputedCloaks(twice, 1 - photos.images[:3])
    assert len(PrecomputedCloaks(twice, 1 - twice)) == 3, "the same cloak twice does no harm"


def test_a_leak_leaves_one_photograph_clean(cloaks: PrecomputedCloaks, photos: Photos) -> None:
    mixed = WithCleanPhotographs(cloaks, 1)(photos.images[:6], seed=2)
    assert int((mixed.linf == 0).sum()) == 1
    bare = WithCleanPhotographs(cloaks, 9)(photos.images[:6], seed=2)
    assert torch.equal(bare.images, photos.images[:6]), "more leaks than photographs"


def test_cloaks_of_several_users_become_one(photos: Photos) -> None:
    parts = [Unperturbed()(part, seed=0) for part in photos.images[:5].split(2)]
    assert torch.equal(concatenate(parts).images, photos.images[:5])
    assert len(concatenate(parts).lpips) == 5
    with pytest.raises(ValueError, match="at least one"):
        concatenate([])

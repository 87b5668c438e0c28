"""Photographs of a user who changes tools."""

import pytest
import torch

from poisonlib.attacks import FawkesV1, LowKey, Mixture
from tests.toys import PooledLinear, faces

IMAGES = faces(10)
OLD = FawkesV1([PooledLinear()], mode="low", steps=3)
NEW = LowKey([PooledLinear(seed=1)], steps=3)


def is_from(cloak, other):
    return (cloak.images == other.images).all(dim=(1, 2, 3))


def test_a_share_of_the_photographs_carries_the_new_cloak_and_the_rest_the_old():
    old, new = OLD(IMAGES, seed=3), NEW(IMAGES, seed=3)
    shares = [Mixture(OLD, NEW, share=share)(IMAGES, seed=3) for share in (0.0, 0.3, 0.7, 1.0)]
    counts = [int(is_from(mixed, new).sum()) for mixed in shares]
    assert counts == [0, 3, 7, 10]
    for mixed in shares:
        fresh = is_from(mixed, new)
        assert (fresh | is_from(mixed, old)).all()
        assert torch.equal(mixed.dssim, torch.where(fresh, new.dssim, old.dssim))
    assert (is_from(shares[2], new) | ~is_from(shares[1], new)).all(), "more contains fewer"


def test_nothing_stands_for_photographs_as_they_are():
    mixed = Mixture(None, NEW, share=0.5)(IMAGES, seed=0)
    untouched = (mixed.images == IMAGES).all(dim=(1, 2, 3))
    assert int(untouched.sum()) == 5 and (mixed.dssim[untouched] == 0).all()


def test_which_are_new_depends_on_the_seed():
    draws = {tuple(Mixture(None, NEW, share=0.5)(IMAGES, seed=s).linf.gt(0)) for s in range(4)}
    assert len(draws) > 1


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match="share must be in"):
        Mixture(OLD, NEW, share=share)

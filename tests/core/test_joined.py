"""Photographs of different people as one set: who is on them counts, and not a list of names."""

from __future__ import annotations

import random

import pytest
import torch

from poisonlib.photos import Photos


def photos(names: str, present: str) -> Photos:
    """A photograph of each one present, with a colour of their own."""
    labels = torch.tensor([names.index(name) for name in present])
    colours = torch.tensor([ord(name) / 255 for name in present])
    return Photos(colours[:, None, None, None].expand(-1, 3, 4, 4).clone(), labels, tuple(names))


def shown(joined: Photos) -> str:
    """The name of each photograph, after a look at its colour."""
    said = "".join(joined.names[label] for label in joined.labels.tolist())
    assert said == "".join(chr(round(255 * float(image[0, 0, 0]))) for image in joined.images)
    return said


def test_names_that_differ_are_added_behind():
    joined = photos("ab", "ab").joined(photos("xy", "yx"))
    assert joined.names == tuple("abxy") and joined.labels.tolist() == [0, 1, 3, 2]
    assert shown(joined) == "abyx"


@pytest.mark.parametrize("seed", range(200))
def test_drawn_sets_are_joined_or_refused(seed):
    draw = random.Random(seed)
    letters = "abcdefg"
    sides = []
    for _ in range(2):
        names = "".join(draw.sample(letters, draw.randint(1, 7)))
        present = "".join(draw.choices(names, k=draw.randint(1, 6)))
        sides.append((names, present))
    (names, present), (others, there) = sides
    one, other = photos(names, present), photos(others, there)
    if twice := set(present) & set(there):
        with pytest.raises(ValueError, match=f"{len(twice)} of them occur in both"):
            one.joined(other)
        return
    joined = one.joined(other)
    assert shown(joined) == present + there
    assert joined.names[: len(names)] == tuple(names), "labels of the first set stay"
    assert len(set(joined.names)) == len(joined.names)
    assert joined.labels[: len(one)].tolist() == one.labels.tolist()


def test_one_name_for_two_people_and_two_sizes_are_refused():
    twins = Photos(torch.rand(2, 3, 4, 4), torch.tensor([0, 1]), ("a", "a"))
    with pytest.raises(ValueError, match="two people are called 'a'"):
        photos("b", "b").joined(twins)
    large = Photos(torch.rand(1, 3, 8, 8), torch.tensor([0]), ("c",))
    with pytest.raises(ValueError, match=r"one size, got \(3, 4, 4\) and \(3, 8, 8\)"):
        photos("b", "b").joined(large)

"""Pairs: what is collected is what the tools made, and a file gives back what went in."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import pytest
import torch

from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import Pairs, collect, pairs
from poisonlib.trial import as_published
from tests.core.conftest import Negative, toy_photos

PHOTOS = as_published(toy_photos(people=4, each=5))


class Rounded(Negative):
    """A toy attack that publishes 8-bit files, as every real one does, and minds its seed."""

    def __call__(self, images, *, seed, progress=None):
        cloak = super().__call__(images, seed=seed, progress=progress)
        shifted = (cloak.images + seed / 255).clamp(0, 1)
        return replace(cloak, images=round_to_8_bits(shifted))


@pytest.fixture
def tools():
    return {"half": Rounded(strength=0.5), "tenth": Rounded(strength=0.1)}


@pytest.fixture
def some(tools) -> Pairs:
    return collect(tools, PHOTOS, people=[1, 3], seed=2, each=3)


def test_each_copy_stands_beside_its_original(some, tools):
    assert len(some) == 2 * 3 * 2 and len(some.photos) == 2 * 3
    assert some.tools == ("half", "tenth")
    for index, tool in enumerate(tools.values()):
        for label in (1, 3):
            mine = (some.tool == index) & (some.labels == label)
            originals = PHOTOS.of(label)[:3]
            assert torch.equal(some.clean[mine], originals)
            assert torch.equal(some.cloaked[mine], tool(originals, seed=2 + label).images)


def test_subsets_keep_what_belongs_together(some):
    half = some.made_by("half")
    assert len(half) == 6 and set(half.tool.tolist()) == {0}
    one = half.of_people([3])
    assert set(one.labels.tolist()) == {3} and len(one.photos) == 3
    assert torch.equal(one.clean, PHOTOS.of(3)[:3])
    last = some.subset([len(some) - 1])
    assert torch.equal(last.cloaked[0], some.cloaked[-1]) and len(last.photos) == 1
    with pytest.raises(ValueError, match="no copies by 'none'"):
        some.made_by("none")


def test_joined_pairs_are_those_of_both(some, tools):
    other = toy_photos(people=2, each=3, seed=1)
    renamed = as_published(replace(other, names=("a", "b")))
    both = pairs.join(some, collect(tools, renamed, people=[1], seed=0))
    assert len(both) == len(some) + 6
    assert torch.equal(both.clean[: len(some)], some.clean)
    assert {both.photos.names[label] for label in both.labels[len(some) :].tolist()} == {"b"}
    with pytest.raises(ValueError, match="occur in both"):
        pairs.join(some, some)
    other_tool = collect({"x": tools["half"]}, renamed, people=[1], seed=0)
    union = pairs.join(some, other_tool)
    assert union.tools == (*some.tools, "x")
    assert torch.equal(union.made_by("x").cloaked, other_tool.cloaked)
    assert len(union.made_by(*some.tools)) == len(some)


def test_a_file_gives_back_every_value(some, tmp_path):
    pairs.write(some, tmp_path / "pairs.zip")
    back = pairs.read(tmp_path / "pairs.zip", PHOTOS)
    assert back.tools == some.tools
    for field in ("cloaked", "clean", "labels", "tool"):
        assert torch.equal(getattr(back, field), getattr(some, field))
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.zip"]
    assert pairs.names(tmp_path / "pairs.zip") == tuple(PHOTOS.names[label] for label in (1, 3))


def test_a_file_refuses_other_photographs_and_damage(some, tmp_path):
    file = tmp_path / "pairs.zip"
    pairs.write(some, file)
    with pytest.raises(ValueError, match="other photographs"):
        pairs.read(file, as_published(toy_photos(people=4, each=5, seed=9)))
    with pytest.raises(ValueError, match="other photographs"):
        pairs.read(file, PHOTOS.of_people([0, 1]))
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ValueError, match="damaged"):
        pairs.read(file, PHOTOS)
    with zipfile.ZipFile(file, "w"):
        pass
    with pytest.raises(ValueError, match="damaged"):
        pairs.read(file, PHOTOS)
    with pytest.raises(FileNotFoundError, match="poisonlib collect"):
        pairs.read(tmp_path / "none.zip", PHOTOS)


def test_collecting_needs_tools_people_and_photographs(tools):
    with pytest.raises(ValueError, match="at least one tool"):
        collect({}, PHOTOS, people=1, seed=0)
    with pytest.raises(ValueError, match="at least 1 photograph"):
        collect(tools, PHOTOS, people=1, seed=0, each=0)
    with pytest.raises(ValueError, match="no photographs of"):
        collect(tools, PHOTOS, people=["nobody"], seed=0)


def test_progress_ends_with_everything_done(tools):
    seen = []
    collect(tools, PHOTOS, people=[0], seed=0, progress=lambda *said: seen.append(said))
    assert seen[0] == (0, 2, "half for toy 0") and seen[-1] == (2, 2, "done")


def test_a_pair_must_point_at_a_photograph(some):
    with pytest.raises(ValueError, match="source must give each"):
        replace(some, source=some.source + len(some.photos))
    with pytest.raises(ValueError, match="size of their originals"):
        replace(some, cloaked=some.cloaked[..., :8, :8])


def test_different_people_of_one_list_of_names_are_joined(tools):
    first, second = (collect(tools, PHOTOS, people=[one, 2], seed=0, each=2) for one in (0, 3))
    first, second = first.of_people([0]), second
    assert first.photos.names == second.photos.names == PHOTOS.names
    both = pairs.join(first, second)
    assert both.photos.names == PHOTOS.names, "nobody is named twice"
    assert torch.equal(both.labels, torch.cat([first.labels, second.labels]))
    assert torch.equal(both.clean, torch.cat([first.clean, second.clean]))
    assert torch.equal(both.cloaked, torch.cat([first.cloaked, second.cloaked]))
    with pytest.raises(ValueError, match="1 of them occur in both, e.g. 'toy 2'"):
        pairs.join(both, second.of_people([2]))
    with pytest.raises(ValueError, match="at least one set of people, got none"):
        pairs.join()


@pytest.mark.parametrize("seed", range(20))
def test_drawn_pairs_come_back_whatever_part_they_are(seed, tools, tmp_path):
    """Also copies of later photographs only, and of people in another order."""
    generator = torch.Generator().manual_seed(seed)
    everybody = collect(tools, PHOTOS, people=4, seed=seed)
    which = torch.randperm(len(everybody), generator=generator)[: 1 + seed]
    part = everybody.subset(which)
    pairs.write(part, tmp_path / "pairs.zip")
    order = torch.randperm(len(PHOTOS), generator=generator)
    for photos in (PHOTOS, PHOTOS.subset(order)):
        back = pairs.read(tmp_path / "pairs.zip", photos)
        assert torch.equal(back.cloaked, part.cloaked)
        assert torch.equal(back.clean, part.clean)
        assert [back.photos.names[label] for label in back.labels.tolist()] == [
            part.photos.names[label] for label in part.labels.tolist()
        ]


def test_two_people_of_one_name_are_refused_on_writing(some, tmp_path):
    twins = replace(some, photos=replace(some.photos, names=("a", "twin", "b", "twin")))
    with pytest.raises(ValueError, match="two people are called 'twin'"):
        pairs.write(twins, tmp_path / "pairs.zip")
    assert list(tmp_path.iterdir()) == []

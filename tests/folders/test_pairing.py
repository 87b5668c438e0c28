"""Photographs and their cloaked copies: found by name, cut out alike, never guessed."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
import torch
from PIL import Image

from tests.folders.toys import CROWD, NOBODY, content, detect, landmarks_in, picture, snapshot
from workbench import folders
from workbench.folders import aligned_pairs
from workbench.photos import Skipped


def filled(folder, *names):
    """A folder with empty files of these names; pairing opens none."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def sides(tmp_path):
    return tmp_path / "clean", tmp_path / "cloaked"


def names(pairs):
    return {str(pair.name): str(pair.cloaked.relative_to(pairs.cloaked_folder)) for pair in pairs}


def problems(found):
    return {str(problem.file): problem.reason for problem in found.problems}


@pytest.mark.parametrize(
    ("clean", "cloaked"),
    [
        ("1.jpg", "1.jpg"),
        ("1.jpg", "1.png"),
        ("1.JPG", "1.jpeg"),
        ("Ada/2020/1.jpg", "Ada/2020/1_cloaked.png"),
        ("1.jpg", "1_low_cloaked.png"),
        ("1.jpg", "1_high_cloaked.jpg"),
        ("1.jpg", "1_small_cloaked.png"),
        ("1.jpg", "1-attacked.png"),
        ("1.jpg", "1_attacked_large.png"),
        ("1.jpg", "1_lowkey.png"),
        ("1.jpg", "1 Glazed.png"),
        ("1.jpg", "1_cloaked_attacked.png"),
        ("moving.gif", "moving.gif.png"),
        ("uncloaked.jpg", "uncloaked.png"),
        ("me_protected.jpg", "me_protected.jpg"),
        ("me_protected.jpg", "me_protected_cloaked.jpg"),
        ("no suffix", "no suffix_cloaked"),
        ("v1.2.jpg", "v1.2_cloaked.jpg"),
        (unicodedata.normalize("NFC", "Zoë.jpg"), unicodedata.normalize("NFD", "Zoë.png")),
    ],
)
def test_names_that_belong_together(sides, clean, cloaked):
    found = folders.pair(filled(sides[0], clean), filled(sides[1], cloaked))
    assert names(found) == {clean: cloaked} and found.problems == ()


@pytest.mark.parametrize(
    ("clean", "cloaked"),
    [
        ("1.jpg", "2.jpg"),
        ("1.jpg", "11.jpg"),
        ("Ada/1.jpg", "Ben/1.jpg"),
        ("1.jpg", "1_bw.jpg"),
        ("1_cloaked.jpg", "1.jpg"),
        ("1.jpg", "_cloaked.jpg"),
    ],
)
def test_names_that_do_not(sides, clean, cloaked):
    found = folders.pair(filled(sides[0], clean), filled(sides[1], cloaked))
    assert names(found) == {}
    assert problems(found) == {
        clean: "in the clean folder, has no cloaked copy",
        cloaked: "in the cloaked folder, belongs to no clean photograph",
    }


def test_what_is_not_clear_is_reported_and_not_guessed(sides):
    filled(sides[0], "1.jpg", "2.jpg", "2.png", "3.jpg")
    filled(sides[1], "1_low_cloaked.png", "1_high_cloaked.png", "2.png", "2_cloaked.png", "3.png")
    found = folders.pair(*sides)
    assert names(found) == {"3.jpg": "3.png"}
    reasons = problems(found)
    assert reasons["1.jpg"].endswith("copy: 1_high_cloaked.png, 1_low_cloaked.png")
    assert reasons["2_cloaked.png"].endswith("not clear which it is a copy of: 2.jpg, 2.png")
    assert len(found.problems) == 7


def test_the_same_names_twice_are_clear_where_the_endings_agree(sides):
    filled(sides[0], "1.jpg", "1.png", "2.jpg", "2.png")
    filled(sides[1], "1.jpg", "1.png", "2.png")
    found = folders.pair(*sides)
    assert names(found) == {"1.jpg": "1.jpg", "1.png": "1.png", "2.png": "2.png"}
    assert problems(found) == {"2.jpg": "in the clean folder, has no cloaked copy"}


def test_a_tool_may_write_beside_the_originals(sides):
    filled(sides[0], "1.jpg", "1_cloaked.png", "2.jpg", "me_protected.jpg")
    found = folders.pair(sides[0], sides[0])
    assert names(found) == {"1.jpg": "1_cloaked.png"}
    assert set(problems(found)) == {"2.jpg", "me_protected.jpg"}
    filled(sides[1], "1_cloaked.png")
    found = folders.pair(*sides)
    assert names(found) == {"1.jpg": "1_cloaked.png"}
    assert problems(found)["1_cloaked.png"] == "in the clean folder, looks like a cloaked copy"


def test_pairing_looks_at_names_only_and_leaves_the_folders(sides, monkeypatch, tmp_path):
    filled(sides[0], "1.jpg")
    filled(sides[1], "1.jpg")
    (sides[1] / "around").symlink_to(sides[0])
    before = snapshot(tmp_path)
    monkeypatch.setattr("os.open", lambda *given: pytest.fail("opened a file"))
    found = folders.pair(*sides)
    assert problems(found) == {
        "around": "in the cloaked folder, a link to a folder; it is not followed"
    }
    assert snapshot(tmp_path) == before
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere; give one that holds the"):
        folders.pair(sides[0], tmp_path / "nowhere")


def test_thinning_keeps_some_of_every_part(sides):
    files = [f"{number:03}.jpg" for number in range(100)]
    found = folders.pair(filled(sides[0], *files), filled(sides[1], *files))
    few = [str(pair.name) for pair in found.thinned(4)]
    assert few == ["000.jpg", "025.jpg", "050.jpg", "075.jpg"]
    assert len(found.thinned(1000)) == 100
    with pytest.raises(ValueError, match="at least 1"):
        found.thinned(0)


def written(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in files.items():
        (folder / f"{name}.png").write_bytes(image if isinstance(image, bytes) else content(image))
    return folder


def counted(image, content):
    counted.sizes.append(image.size)
    return detect(image, content)


def test_a_copy_of_another_size_is_cut_out_by_its_own_landmarks(sides):
    counted.sizes = []
    small = picture(1).resize((120, 150), Image.Resampling.BICUBIC)
    written(sides[0], a=picture(0), b=picture(1), c=picture(2))
    written(sides[1], a=picture(0).point(lambda value: value // 2), b=small, c=picture(2))
    a, b, c = folders.align_pairs(folders.pair(*sides), detect=counted)
    assert counted.sizes == [(160, 200), (160, 200), (160, 200), (120, 150), *[(160, 200)] * 2]
    assert a.clean.shape == a.cloaked.shape == (3, 112, 112) and a.clean.dtype == torch.float32
    assert torch.allclose(a.cloaked, a.clean / 2, atol=3 / 255) and a.notes == ()
    assert (b.cloaked - b.clean).abs().mean() < 0.02, "not cut out by its own landmarks"
    assert b.notes == ("its size changed: 160 x 200, then 120 x 150",)
    assert torch.equal(c.cloaked, c.clean) and c.notes == ("the copy is the very same file",)


def test_a_cloak_that_moves_the_landmarks_does_not_move_the_cut(sides):
    def fooled(image, content):
        seen = landmarks_in(image.size)[None]
        return seen if np.asarray(image).mean() > 100 else seen + 30

    written(sides[0], a=picture(0))
    written(sides[1], a=picture(0).point(lambda value: value // 3))
    (found,) = folders.align_pairs(folders.pair(*sides), detect=fooled)
    assert torch.allclose(found.cloaked, found.clean / 3, atol=3 / 255)


def test_every_pair_is_read_or_reported(sides):
    written(sides[0], good=picture(0), nobody=picture(1, corner=NOBODY), broken=picture(2))
    written(sides[0], crowd=picture(3, corner=CROWD), lonely=picture(4))
    written(sides[1], good=picture(0), nobody=picture(1), broken=b"broken")
    written(sides[1], crowd=picture(3, corner=CROWD))
    seen = []
    pairs = folders.pair(*sides)
    read = folders.read_pairs(pairs, detect=detect, progress=lambda *step: seen.append(step))
    assert [str(pair.name) for pair in read.pairs] == ["crowd.png", "good.png"]
    assert read.clean.shape == read.cloaked.shape == (2, 3, 112, 112) and len(read) == 2
    assert read.notes[0][0].startswith("2 faces in it; the ")
    assert problems(read) == {
        "lonely.png": "in the clean folder, has no cloaked copy",
        "nobody.png": "the clean photograph: no face found",
        "broken.png": "the cloaked photograph: not a readable picture (of no known format)",
    }
    assert seen[-1][:2] == (4, 4)
    strict = folders.read_pairs(pairs, detect=detect, which="skip")
    assert "2 faces in it, and" in problems(strict)["crowd.png"]


def test_links_out_of_either_folder_are_refused(sides, tmp_path):
    written(tmp_path / "elsewhere", a=picture(0))
    for side in sides:
        written(side, b=picture(1))
    written(sides[0], a=picture(0))
    (sides[1] / "a.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    read = folders.read_pairs(folders.pair(*sides), detect=detect)
    assert problems(read) == {
        "a.png": "the cloaked photograph: a link that leads out of the folder; it is not followed"
    }


def test_nothing_to_compare_is_an_error_with_the_reasons(sides):
    written(sides[0], a=picture(0))
    written(sides[1], b=picture(0))
    with pytest.raises(ValueError, match="no photograph of .*clean could be compared .*a.png: in"):
        folders.read_pairs(folders.pair(*sides), detect=detect)


def test_faces_come_one_at_a_time(sides, monkeypatch):
    files = {f"f{number}": picture(number) for number in range(5)}
    written(sides[0], **files)
    written(sides[1], **files)
    opened = []
    read = aligned_pairs.read
    monkeypatch.setattr(
        aligned_pairs,
        "read",
        lambda file, **keywords: opened.append(file) or read(file, **keywords),
    )
    faces = folders.align_pairs(folders.pair(*sides), detect=detect)
    assert opened == []
    assert not isinstance(next(faces), Skipped) and len(opened) == 2

"""Real photographs from files: aligned, labelled; skipped files are listed with reasons."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

from poisonlib import people, photos
from poisonlib.alignment import TEMPLATE
from poisonlib.trial import Trial
from tests.core.conftest import Negative, toy_extractor
from workbench.photos import detection, from_folder, lfw, pictures, walk

USERS = people.load("users")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))


def portrait(index: int, *, width: int = 320, at: tuple[int, int] = (60, 40)) -> Image.Image:
    """A rendered face, twice as large as packaged, in a grey picture."""
    face = (USERS.images[index] * 255).round().byte().permute(1, 2, 0).numpy()
    picture = Image.new("RGB", (width, 300), (128, 128, 128))
    picture.paste(Image.fromarray(face).resize((224, 224), Image.Resampling.BICUBIC), at)
    return picture


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    for name in ("Ada", "Bob"):
        (folder / name).mkdir()
    portrait(0).save(folder / "Ada" / "1.png")
    portrait(0).rotate(-90, expand=True).save(folder / "Ada" / "2.png", exif=_turned(8))
    portrait(50).save(folder / "Bob" / "1.jpg", quality=95)
    Image.new("RGB", (200, 200)).save(folder / "Bob" / "dark.jpg")
    Image.new("RGB", (20, 20)).save(folder / "Bob" / "small.png")
    whole = (folder / "Bob" / "1.jpg").read_bytes()
    (folder / "Bob" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "Bob" / "notes.txt").write_text("not a picture")
    (folder / "Bob" / ".hidden").write_text("left alone")
    portrait(1).save(folder / "loose.jpg")
    return folder


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def contents(folder) -> dict:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_folder_becomes_aligned_labelled_photographs(album):
    before, seen = contents(album), []
    found = from_folder(album, progress=lambda done, total, doing: seen.append((done, total)))
    assert isinstance(found, photos.Photos)
    images, labels, names = found
    assert images.shape == (3, 3, 112, 112) and images.dtype == torch.float32
    assert names == ("Ada", "Bob") and labels.tolist() == [0, 0, 1]
    assert (images[0] - images[1]).abs().mean() < 0.02, "EXIF orientation was not followed"
    assert (images[0] - USERS.images[0]).abs().mean() < 0.06, "the face was not cut out as packaged"
    assert seen[-1] == (7, 7)
    assert contents(album) == before, "something was written into the user's folder"


def test_skipped_files_are_listed_with_reasons(album):
    reasons = {skip.file.name: skip.reason for skip in from_folder(album).skipped}
    assert set(reasons) == {"dark.jpg", "small.png", "half.jpg", "notes.txt", "loose.jpg"}
    assert reasons["dark.jpg"] == "no face found"
    assert reasons["small.png"] == "smaller than 40 pixels"
    assert reasons["loose.jpg"] == "not in a person's folder"
    assert "not a readable picture" in reasons["half.jpg"]
    assert "not a readable picture" in reasons["notes.txt"]


GREY = np.asarray(portrait(0).convert("L"))


def test_odd_pictures_are_read_for_what_they_show(tmp_path):
    person = tmp_path / "Zoë 李"
    person.mkdir()
    colour = portrait(0)
    colour.save(person / "colour.png")
    colour.convert("CMYK").save(person / "cmyk.jpg", quality=95)
    colour.convert("RGBA").save(person / "transparent.png")
    moving = {"save_all": True, "append_images": [portrait(50)]}
    colour.save(person / "moving.webp", lossless=True, **moving)
    colour.quantize(255).save(person / "palette.png", transparency=bytes([0, 255] * 100))
    colour.save(person / "UPPER CASE.JPEG", quality=95)
    (person / "link.png").symlink_to(person / "colour.png")
    found = from_folder(tmp_path)
    assert found.names == ("Zoë 李",) and len(found) == 7 and found.skipped == ()
    assert (found.images - USERS.images[0]).abs().mean(dim=(1, 2, 3)).max() < 0.08


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off(tmp_path, suffix):
    wide = GREY.astype(np.uint16) * 257 + 100
    Image.fromarray(wide).save(tmp_path / f"deep.{suffix}")
    found = pictures.read(tmp_path / f"deep.{suffix}")
    picture = found.image
    assert found.notes == ("its 16 bits became 8",) and picture.mode == "RGB"
    assert np.abs(np.asarray(picture).astype(int) - GREY[..., None]).max() <= 1


def test_files_that_are_no_pictures_are_listed_and_the_others_read(tmp_path):
    person = tmp_path / "Ada"
    (person / "holiday").mkdir(parents=True)
    portrait(0).save(person / "good.png")
    portrait(0).save(person / "holiday" / "also good.png")
    damaged = bytearray((person / "good.png").read_bytes())
    damaged[len(damaged) // 2] ^= 255
    (person / "damaged.png").write_bytes(damaged)
    (person / "empty.jpg").write_bytes(b"")
    (person / "text.jpg").write_text("hello")
    (person / "gone.jpg").symlink_to(person / "nowhere")
    os.mkfifo(person / "pipe.jpg")
    Image.fromarray(GREY.astype(np.float32) / 255).save(person / "float.tif")
    Image.new("RGB", (45, 3000)).save(person / "thin.png")
    (tmp_path / "read me.txt").write_text("not in anybody's folder")
    found = from_folder(tmp_path)
    reasons = {skip.file.name: skip.reason for skip in found.skipped}
    assert len(found) == 2, "photographs count however deep they lie"
    assert reasons.pop("damaged.png").startswith("not a readable picture (")
    assert reasons == {
        "empty.jpg": "an empty file",
        "text.jpg": "not a readable picture (of no known format)",
        "gone.jpg": "a link to nothing",
        "pipe.jpg": "not a file",
        "float.tif": "not a readable picture (values of 32 bits; save it with 8 or 16)",
        "thin.png": "no face found",
        "read me.txt": "not in a person's folder",
    }


def test_a_folder_that_cannot_be_read_is_listed(album, monkeypatch):
    list_visible = walk.list_visible

    def refuse(folder):
        if folder.name == "Bob":
            raise PermissionError(13, "Permission denied")
        return list_visible(folder)

    monkeypatch.setattr(walk, "list_visible", refuse)
    found = from_folder(album)
    reasons = [skip.reason for skip in found.skipped if skip.file.name == "Bob"]
    assert found.names == ("Ada",)
    assert reasons == ["a folder that cannot be read (Permission denied)"]


def test_a_warning_of_the_decoder_stops_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 320 * 300 - 1)
    portrait(0).save(tmp_path / "large.png")
    assert pictures.read(tmp_path / "large.png").image.size == (320, 300)


def test_ones_own_folder_joins_the_gallery_of_a_trial(tmp_path):
    for number in range(4):
        (tmp_path / "Ada").mkdir(exist_ok=True)
        portrait(number).save(tmp_path / "Ada" / f"{number}.png")
    own = from_folder(tmp_path, min_photos=4)
    everybody = USERS.of_people([3, 4]).joined(own)
    result = Trial(Negative(), toy_extractor()).run(everybody, users=own.names, seed=0)
    assert set(result.table["user"]) == {"Ada"}


def test_people_with_few_photographs_can_be_left_out(album):
    found = from_folder(album, min_photos=2)
    assert found.names == ("Ada",)
    assert any("fewer than 2 photographs" in str(skip) for skip in found.skipped)


def test_landmarks_are_cached_by_content(album, monkeypatch):
    first = from_folder(album)

    def refuse(picture):
        raise AssertionError("detected a face that is cached")

    monkeypatch.setattr(detection, "detect_landmarks", refuse)
    assert torch.equal(from_folder(album).images, first.images)


def test_a_damaged_cache_is_computed_again(album, tmp_path):
    first = from_folder(album)
    for file in (tmp_path / "cache").rglob("*.npy"):
        file.write_bytes(b"")
    assert torch.equal(from_folder(album).images, first.images)


def test_landmarks_of_large_pictures_are_in_their_pixels():
    small = portrait(0)
    large = small.resize((small.width * 6, small.height * 6), Image.Resampling.BICUBIC)
    seen = detection.detect_landmarks(large)
    expected = (TEMPLATE * 2 + np.array([60, 40])) * 6
    assert np.linalg.norm(seen[0] - expected, axis=1).mean() < 0.15 * 6 * 70


def test_of_several_faces_the_largest_is_meant(tmp_path):
    (tmp_path / "Ada").mkdir()
    picture = portrait(0, width=460)
    picture.paste(portrait(50).crop((60, 40, 284, 264)).resize((110, 110)), (330, 20))
    picture.save(tmp_path / "Ada" / "1.png")
    found = from_folder(tmp_path)
    assert (found.images[0] - USERS.images[0]).abs().mean() < 0.06


def test_empty_and_missing_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*a folder of photographs for each"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no usable photographs.*no pictures in folders"):
        from_folder(tmp_path)
    (tmp_path / "Ada").mkdir()
    (tmp_path / "Ada" / "1.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="no usable photographs.*1.jpg: not a readable picture"):
        from_folder(tmp_path)


@pytest.fixture
def lfw_home(tmp_path):
    """As scikit-learn lays it out: three photographs of one person, one of another."""
    for name, count in (("Ada_Lovelace", 3), ("Bob_Bee", 1)):
        person = tmp_path / "home" / "lfw_home" / "lfw_funneled" / name
        person.mkdir(parents=True)
        for number in range(count):
            portrait(number).save(person / f"{name}_{number:04}.jpg", quality=95)
    return tmp_path / "home"


def test_lfw_is_read_where_scikit_learn_keeps_it(lfw_home, monkeypatch):
    before = contents(lfw_home)
    found = lfw(lfw_home, min_faces=2)
    assert found.names == ("Ada Lovelace",) and len(found) == 3
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(lfw_home))
    assert lfw(min_faces=1).names == ("Ada Lovelace", "Bob Bee")
    assert contents(lfw_home) == before
    with pytest.raises(ValueError, match="no usable photographs"):
        lfw(min_faces=4)


def test_lfw_takes_the_face_in_the_middle(tmp_path):
    person = tmp_path / "lfw_home" / "lfw_funneled" / "Ada"
    person.mkdir(parents=True)
    picture = Image.new("RGB", (600, 300), (128, 128, 128))
    face = portrait(0).crop((60, 40, 284, 264))
    picture.paste(face.resize((150, 150)), (225, 75))
    picture.paste(portrait(50).crop((60, 40, 284, 264)).resize((200, 200)), (400, 50))
    picture.save(person / "Ada_0001.png")
    found = lfw(tmp_path, min_faces=1)
    assert (found.images[0] - USERS.images[0]).abs().mean() < 0.08


def test_lfw_is_not_downloaded_by_default(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lfw\(download=True\).*SCIKIT_LEARN_DATA"):
        lfw(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def crowd(tmp_path):
    """Nine photographs of Ada, four of Bob, two of Cem."""
    folder = tmp_path / "crowd"
    portrait(0).save(tmp_path / "one.png")
    for name, count in (("Ada", 9), ("Bob", 4), ("Cem", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.png").write_bytes((tmp_path / "one.png").read_bytes())
    return folder


@pytest.mark.parametrize(
    "most, least, counts",
    [
        (None, 1, {"Ada": 9, "Bob": 4, "Cem": 2}),
        (15, 1, {"Ada": 9, "Bob": 4, "Cem": 2}),
        (10, 1, {"Ada": 4, "Bob": 4, "Cem": 2}),
        (9, 1, {"Ada": 3, "Bob": 3, "Cem": 2}),
        (3, 1, {"Ada": 1, "Bob": 1, "Cem": 1}),
        (2, 1, {"Ada": 1, "Bob": 1}),
        (5, 2, {"Ada": 2, "Bob": 2}),
        (14, 7, {"Ada": 9}),
    ],
)
def test_of_a_large_folder_some_are_read(crowd, most, least, counts) -> None:
    found = from_folder(crowd, min_photos=least, most=most)
    assert {name: len(found.of(name)) for name in found.names} == counts
    reasons = [skip.reason for skip in found.skipped if skip.file == crowd]
    assert len(reasons) == (most not in (None, 15))
    assert all("of its 15 files were read" in each for each in reasons)


def test_those_of_one_person_are_evenly_spread(crowd) -> None:
    for number in range(9):
        if number not in (0, 3, 6):
            (crowd / "Ada" / f"{number}.png").write_text("not looked at")
    found = from_folder(crowd, most=8)
    assert len(found.of("Ada")) == 3 and len(found.skipped) == 1


def test_too_few_for_one_person_are_refused(crowd) -> None:
    with pytest.raises(ValueError, match="leave 4 photographs of one person at least, got 3"):
        from_folder(crowd, min_photos=4, most=3)

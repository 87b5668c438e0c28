"""What users of cloaking tools have: one face among others, no colour, no EXIF, old copies."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from poisonlib import cloaks, people
from poisonlib.alignment import align
from poisonlib.attacks import Attack
from poisonlib.defenses import pairs
from tests.folders.toys import TOYS, Tint, content, detect, landmarks_in, never, picture
from workbench import folders
from workbench.folders.cloaking import LOG
from workbench.folders.resemblance import SAME, best_correlation, first_of_its_kind, thumbnails
from workbench.photos import from_folder
from workbench.photos.detection import detect_landmarks
from workbench.photos.faces import find_faces
from workbench.photos.layout import read_album
from workbench.photos.owner import Owner, recurring, to_tensor
from workbench.photos.pictures import decode
from workbench.photos.walk import Skipped, walk

TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def portraits(tmp_path_factory) -> list[Path]:
    """The packaged person's portraits, as files."""
    return people.album(tmp_path_factory.mktemp("album"))


def cloak(source: Path, out: Path, attack: Attack | None = None, **settings):
    return folders.cloak_folder(source, out, attack or Tint(), **(TOYS | settings))


def write(path: Path, image: Image.Image | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image if isinstance(image, bytes) else content(image))


# Faces


@pytest.mark.parametrize("degrees", TURNS)
def test_a_portrait_that_lies_is_found_in_its_own_turn(portraits, degrees):
    for file in portraits[::6]:
        with Image.open(file) as opened:
            upright = opened.convert("RGB")
        expected, width, height = detect_landmarks(upright)[0], *upright.size
        x, y = expected.T
        lying = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[degrees]
        (found,) = detect_landmarks(upright.transpose(TURNS[degrees]))
        error = np.linalg.norm(found - np.stack(lying, axis=1), axis=1).mean()
        assert error < 0.05 * np.linalg.norm(expected[1] - expected[0])


def test_a_small_face_in_a_panorama_is_found(portraits):
    with Image.open(portraits[0]) as opened:
        face = opened.convert("RGB").resize((330, 330))
    panorama = Image.effect_noise((8000, 2000), 20).convert("RGB")
    panorama.paste(face, (5200, 1100))
    (found,) = detect_landmarks(panorama)
    (expected,) = detect_landmarks(face)
    error = np.linalg.norm(found - expected - (5200, 1100), axis=1).mean()
    assert error < 0.2 * np.linalg.norm(expected[1] - expected[0])


def test_noise_shows_nobody():
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    assert detect_landmarks(Image.fromarray(noise)).shape == (0, 5, 2)


def uncached(image: Image.Image, content: bytes) -> np.ndarray:
    return detect_landmarks(image)


# The owner


def faces_of(*names: str) -> torch.Tensor:
    """Unit vectors, one direction for each name."""
    return torch.stack([torch.eye(4)["abcd".index(name)] for name in names])


def test_the_face_that_recurs_is_the_owners():
    assert recurring([faces_of("b", "a"), faces_of("a"), faces_of("c", "a")])[0] == 1
    assert recurring([faces_of("a"), faces_of("b")]) is None
    assert recurring([faces_of("a", "b")]) is None, "one photograph says nothing"


class Marks:
    """A recogniser of toys: the colour of a face."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(images.mean((2, 3)), dim=1)


def in_a_row(*colours: str, wide: int = 300) -> Image.Image:
    """Plain faces beside one another."""
    image = Image.new("RGB", (wide * len(colours), wide))
    for place, colour in enumerate(colours):
        image.paste(colour, (wide * place, 0, wide * (place + 1), wide))
    return image


def detect_row(image: Image.Image, content: bytes) -> np.ndarray:
    """A face in each square of a row."""
    side = image.size[1]
    one = landmarks_in((side, side))
    return np.stack([one + (side * place, 0) for place in range(image.size[0] // side)])


def test_the_owner_is_found_among_others_by_likeness(tmp_path):
    shown = (("red",), ("red",), ("blue", "lime", "red"), ("red", "lime"))
    files = [tmp_path / f"{number}.png" for number in range(len(shown))]
    for file, colours in zip(files, shown, strict=True):
        write(file, in_a_row(*colours))
    owner = Owner(files, within=tmp_path, detect=detect_row, recognise=Marks())
    for file, colours in zip(files, shown, strict=True):
        (face,) = find_faces(decode(file.read_bytes()), detect=detect_row, owner=owner)
        at = int(face.landmarks[:, 0].mean() // 300)
        assert colours[at] == "red"
        assert bool(face.note) == (len(colours) > 1)
    stranger = decode(content(in_a_row("blue", "lime", "blue")))
    (face,) = find_faces(stranger, detect=detect_row, owner=owner)
    assert 300 < face.landmarks[:, 0].mean() < 600 and "most central" in face.note


def test_of_two_rendered_people_the_owner_is_taken(portraits, tmp_path):
    """A stranger in the middle, the owner at the side."""
    stranger = people.load("users").of("p00010")[0]
    other = Image.fromarray((stranger * 255).byte().permute(1, 2, 0).numpy()).resize((224, 224))
    for file in portraits[:6]:
        shutil.copy(file, tmp_path)
    group = Image.new("RGB", (672, 224))
    with Image.open(portraits[7]) as opened:
        group.paste(opened.convert("RGB"), (448, 0))
    group.paste(other, (224, 0))
    write(tmp_path / "group.png", group)
    owner = Owner(sorted(tmp_path.iterdir()), within=tmp_path, detect=uncached)
    picture = decode((tmp_path / "group.png").read_bytes())
    (face,) = find_faces(picture, detect=uncached, owner=owner)
    assert face.landmarks[:, 0].mean() > 448 and "the one most like" in face.note


def test_all_faces_can_be_cloaked(tmp_path):
    write(tmp_path / "in" / "a.png", in_a_row("gray", "silver"))
    for which, expected in (("owner", {True, False}), ("all", {True})):
        out = tmp_path / which
        report = cloak(tmp_path / "in", out, which=which, detect=detect_row)
        assert report.cloaked == 1
        change = np.abs(
            np.asarray(Image.open(out / "a.png"), int)
            - np.asarray(Image.open(tmp_path / "in" / "a.png"), int)
        )
        assert {bool(half.max() > 10) for half in np.split(change, 2, axis=1)} == expected


# Colour


@pytest.mark.parametrize(
    ("mode", "format", "stored"),
    [
        ("L", "JPEG", "L"),
        ("L", "PNG", "L"),
        ("1", "PNG", "L"),
        ("LA", "PNG", "LA"),
        ("L", "TIFF", "L"),
        ("L", "BMP", "L"),
        ("RGB", "PNG", "RGB"),
        ("RGB", "WEBP", "RGB"),
    ],
)
def test_what_has_no_colour_gets_none(tmp_path, mode, format, stored):
    grey = picture(3).convert("L")
    image = grey.convert(mode)
    if mode == "LA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    name = f"a.{format.lower()}"
    options = {"lossless": True} if format == "WEBP" else {}
    write(tmp_path / "in" / name, content(image, format, **options))
    report = cloak(tmp_path / "in", tmp_path / "out")
    assert report.cloaked == 1
    with Image.open(tmp_path / "out" / name) as copy:
        assert copy.mode == stored
        red, green, blue = np.moveaxis(np.asarray(copy.convert("RGB"), int), -1, 0)
    assert (red == green).all() and (red == blue).all()
    assert np.abs(red - np.asarray(image.convert("RGB"), int)[..., 0]).max() > 5, "not cloaked"
    assert any("levels of grey" in note.reason for note in report.notes) is (mode == "1")


def test_that_16_bits_became_8_is_noted_in_colour_too():
    values = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) * 5

    def chunk(name: bytes, data: bytes) -> bytes:
        whole = name + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
    assert decode(png + chunk(b"IEND", b"")).notes == ("its 16 bits became 8",)
    assert decode(content(picture(1))).notes == ()


# Layouts


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("Ada/1.jpg", "Ben/1.jpg"), {"Ada": 1, "Ben": 1}),
        (("Ada/2001/1.jpg", "Ada/2002/1.jpg", "Ben/1.jpg"), {"Ada": 2, "Ben": 1}),
        (("2001/1.jpg", "2002-07/1.jpg", "2003-07-01 beach/1.jpg"), {"": 3}),
        (("DCIM/100APPLE/1.jpg",), {"": 1}),
        (("1.jpg", "2.jpg"), {"": 2}),
        (("1.jpg", "Ada/1.jpg"), {"": 1, "Ada": 1}),
        (("2001/1.jpg", "Ada/1.jpg"), {"2001": 1, "Ada": 1}),
    ],
)
def test_whose_photographs_lie_where(tmp_path, files, expected):
    for file in files:
        write(tmp_path / file, b"")
    album = read_album(tmp_path)
    assert {name: len(own) for name, own in album.people.items()} == expected
    assert sorted(map(str, album.files)) == sorted(files)
    one = read_album(tmp_path, layout="one")
    assert list(one.people) == [""] and sorted(one.files) == sorted(album.files)


def test_cloak_and_background_read_a_folder_alike(tmp_path, monkeypatch):
    for number, name in enumerate(("Ada/2001/a.png", "Ada/b.png", "Ben/c.png")):
        write(tmp_path / "in" / name, picture(number))
    monkeypatch.setattr("workbench.photos.files.cached_landmarks", detect)
    monkeypatch.setitem(find_faces.__kwdefaults__, "detect", detect)
    background = from_folder(tmp_path / "in")
    report = cloak(tmp_path / "in", tmp_path / "out")
    assert background.album == report.album
    assert report.album.endswith("in: 2 people (Ada, Ben), 3 files")
    assert background.labels.tolist() == [0, 0, 1] and report.cloaked == 3


def test_what_stands_for_a_photograph_elsewhere_is_named(tmp_path):
    for name in (".IMG_7.HEIC.icloud", ".DS_Store", "Thumbs.db", LOG, "a.png"):
        write(tmp_path / name, b"")
    left, file = walk(tmp_path)
    if isinstance(file, Skipped):
        left, file = file, left
    assert file == tmp_path / "a.png" and left.file == Path(".IMG_7.HEIC.icloud")
    assert "IMG_7.HEIC, which is in iCloud and not on this machine; download it" in left.reason


# A tool that does nothing, or has been at work before


class Nothing(Tint):
    """A tool that finds no cloak."""

    def _perturb(self, images, seed, progress):
        return images


def test_a_photograph_without_a_cloak_is_no_success(tmp_path, album):
    out = tmp_path / "out"
    for _ in range(2):  # the second time from the log
        report = cloak(album, out, Nothing())
        assert report.cloaked == report.cloaked_before == 0 and report.problems == ()
        assert len(report.uncloaked) == 5
        assert all("a stronger --mode" in left.reason for left in report.uncloaked)
        assert not any(path.is_file() for path in out.rglob("*.*g")), "a copy like the original"


def test_photographs_that_look_cloaked_are_named(tmp_path, album):
    report = cloak(album, tmp_path / "out", looks_cloaked=lambda images: ~never(images))
    noted = [note for note in report.notes if "looks cloaked already" in note.reason]
    assert report.cloaked == len(noted) == 5


# Pairs that do not belong together


def paired(tmp_path, change, count: int = 6):
    """Photographs, and what a tool that changes them in some way writes."""
    for number in range(count):
        clean = picture(number, size=(200, 200))
        write(tmp_path / "clean" / f"{number}.png", clean)
        if (copy := change(number, clean)) is not None:
            write(tmp_path / "cloaked" / f"{number}.png", copy)
    return folders.pair(tmp_path / "clean", tmp_path / "cloaked")


@pytest.mark.parametrize("degrees", TURNS)
def test_copies_that_lie_turned_are_turned_back(portraits, tmp_path, degrees):
    """A tool that drops the camera's note on how to hold it changes nothing else."""
    (tmp_path / "clean").mkdir()
    for file in portraits[:3]:
        shutil.copy(file, tmp_path / "clean")
        with Image.open(file) as opened:
            write(tmp_path / "cloaked" / f"{file.stem}.png", opened.transpose(TURNS[degrees]))
    read = folders.read_pairs(
        folders.pair(tmp_path / "clean", tmp_path / "cloaked"), detect=uncached
    )
    turned = 180 if degrees == 180 else 90
    assert len(read) == 3 and read.problems == ()
    assert all(f"turned by {turned} degrees" in "; ".join(notes) for notes in read.notes)
    assert (read.cloaked - read.clean).abs().mean() < 0.05


def test_somebody_elses_pictures_under_the_same_names_are_left_out(tmp_path):
    def foreign(number, clean):
        return picture(number + 50, size=(200, 200)) if number < 2 else clean

    found = paired(tmp_path, foreign)
    read = folders.read_pairs(found, detect=detect)
    assert [str(pair.name) for pair in read.pairs] == ["2.png", "3.png", "4.png", "5.png"]
    reasons = [problem.reason for problem in read.problems]
    assert len(reasons) == 2 and all("shows another picture" in reason for reason in reasons)
    found = paired(tmp_path / "more", lambda number, clean: picture(number + 50, size=(200, 200)))
    with pytest.raises(ValueError, match="nothing can be said about a cloak"):
        folders.read_pairs(found, detect=detect)


def test_every_tool_of_the_book_leaves_the_same_picture():
    shipped = people.load("users", only=pairs.names(cloaks.PACKAGED))
    stored = pairs.read(cloaks.PACKAGED, shipped)
    likeness = (thumbnails(stored.clean) * thumbnails(stored.cloaked)).sum(1)
    assert float(likeness.min()) > SAME


# What is one thing counted often


def test_near_duplicates_count_once(portraits):
    def aligned(image: Image.Image) -> np.ndarray:
        return align(image, detect_landmarks(image)[0])

    def saved(image: Image.Image, quality: int) -> Image.Image:
        return Image.open(io.BytesIO(content(image, "JPEG", quality=quality))).convert("RGB")

    faces, expected = [], []
    for number, file in enumerate(portraits[:4]):
        with Image.open(file) as opened:
            image = opened.convert("RGB")
        again = [
            image,
            *(saved(image, quality) for quality in (30, 60, 90)),
            ImageEnhance.Brightness(image).enhance(0.8),
            image.crop((6, 4, 220, 218)),
        ]
        faces += map(aligned, again)
        expected += [number * len(again)] * len(again)
    assert first_of_its_kind(to_tensor(faces)) == expected


def test_a_small_shift_is_no_other_picture():
    one = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8), size=(120, 120), mode="bicubic")
    one = one.clamp(0, 1)
    assert best_correlation(one[0, :, 2:114, 2:114], one[0, :, 4:116, 3:115]) > 0.98
    assert best_correlation(one[0, :, :112, :112], one[0, :, :112, :112].rot90(1, (1, 2))) < 0.9

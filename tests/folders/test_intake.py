"""Whatever lies in a folder: it is a picture, or there is a reason why not."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.folders.toys import CROWD, NOBODY, content, detect, landmarks_in, picture
from workbench.photos import pictures
from workbench.photos.faces import find_faces
from workbench.photos.owner import most_central
from workbench.photos.pictures import decode, read
from workbench.photos.walk import Skipped, printable, walk

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
COLOUR = picture(size=(64, 80))
SAMPLES = {format: content(COLOUR, format) for format in FORMATS} | {
    "progressive JPEG": content(COLOUR, "JPEG", progressive=True),
    "CMYK": content(COLOUR.convert("CMYK"), "JPEG"),
    "palette": content(COLOUR.quantize(200), "PNG", transparency=3),
    "moving GIF": content(COLOUR, "GIF", save_all=True, append_images=[picture(1, size=(64, 80))]),
    "moving WEBP": content(COLOUR, "WEBP", save_all=True, append_images=[COLOUR.rotate(90)]),
    "EXIF": content(COLOUR, "JPEG", exif=Image.Exif()),
    "LZW TIFF": content(COLOUR, "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data())
def test_damaged_bytes_give_a_picture_or_a_reason(name, data):
    damaged = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1) | st.integers(0, 63))
        damaged[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(damaged)) | st.integers(0, len(damaged)))
    tail = data.draw(st.just(b"") | st.binary(max_size=40))
    try:
        found = decode(bytes(damaged[:end]) + tail)
    except ValueError as problem:
        assert str(problem)
    else:
        assert found.image.mode == "RGB" and found.format in FORMATS
        assert np.asarray(found.image).shape == (*found.image.size[::-1], 3)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise_anything_else(anything):
    with pytest.raises(ValueError, match="."):
        decode(anything)


@pytest.mark.parametrize("name", SAMPLES)
def test_whole_samples_are_read(name):
    found = decode(SAMPLES[name])
    assert found.image.size == (64, 80) and found.image.info == {}
    assert any("first of its pictures" in note for note in found.notes) == ("moving" in name)


def bomb(side: int) -> bytes:
    """A PNG whose header states a square of so many pixels; there is nothing behind it."""
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + head
        + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    )  # fmt: skip


@pytest.mark.parametrize("side", [11_000, 13_000, 60_000, 2**31 - 1])
def test_a_bomb_is_known_by_its_header(side, monkeypatch):
    def exploded(self):
        raise AssertionError("it was decode")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", exploded)
    with pytest.raises(ValueError, match="its header states .* 120 million .* not decode"):
        decode(bomb(side))


def test_the_most_pixels_are_still_read(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 64 * 80)
    assert decode(SAMPLES["JPEG"]).image.size == (64, 80)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 64 * 80 - 1)
    with pytest.raises(ValueError, match="its header states 64 x 80 pixels"):
        decode(SAMPLES["JPEG"])


def test_files_that_no_photograph_fills_are_not_read(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(pictures.MOST_BYTES + 1)  # a hole, which takes no room on the disk
    with pytest.raises(ValueError, match="larger than 750 MB"):
        read(tmp_path / "huge.jpg")


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../escaped.png", SAMPLES["PNG"])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"", "an empty file"),
        (zipped(), "archives are never opened"),
        (b"\x1f\x8b\x08" + bytes(99), "archives are never opened"),
        (bytes(257) + b"ustar" + bytes(99), "archives are never opened"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a document or a drawing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a document or a drawing"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC photograph, .*save it as JPEG"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "an AVIF photograph, .*save it as JPEG"),
        (b"\0\0\0\x18ftypisom" + bytes(99), "a film"),
        (b"\x80\x04\x95cos\nsystem\n(S'touch pwned'\ntR.", "of no known format"),
        (b"P6 2 2 255\n" + bytes(12), "of no known format"),  # Pillow could, we do not
        (b"hello", "of no known format"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_photograph_is_named(tmp_path, start, reason):
    (tmp_path / "holiday.jpg").write_bytes(start)
    with pytest.raises(ValueError, match=reason):
        read(tmp_path / "holiday.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_only_regular_files_are_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    monkeypatch.setattr(os, "open", lambda *given: pytest.fail(f"opened {given}"))
    for name, reason in (("pipe.jpg", "not a file"), ("folder.jpg", "a folder")):
        with pytest.raises(ValueError, match=f"^{reason}$"):
            read(tmp_path / name)
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="^not a file$"):
        read(tmp_path / "device.jpg")


def test_a_file_that_may_not_be_read_is_reported(tmp_path, monkeypatch):
    (tmp_path / "secret.png").write_bytes(SAMPLES["PNG"])

    def refuse(*given):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # as root, a mode would not keep us out
    with pytest.raises(ValueError, match=r"a file that cannot be read \(Permission denied\)"):
        read(tmp_path / "secret.png")


def test_links_stay_in_the_folder(tmp_path):
    inside, outside = tmp_path / "album", tmp_path / "elsewhere"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.png").write_bytes(SAMPLES["PNG"])
    (inside / "near.png").symlink_to("a.png")
    (inside / "far.png").symlink_to(outside / "a.png")
    (inside / "up.png").symlink_to("../elsewhere/a.png")
    (inside / "self.png").symlink_to("self.png")
    (inside / "gone.png").symlink_to("nothing")
    (inside / "around").symlink_to(inside)
    (inside / "out").symlink_to(outside)
    assert read(inside / "near.png", within=inside).image.size == (64, 80)
    for name, reason in (
        ("far.png", "leads out of the folder"),
        ("up.png", "leads out of the folder"),
        ("self.png", "a link to itself"),
        ("gone.png", "a link to nothing"),
    ):
        with pytest.raises(ValueError, match=reason):
            read(inside / name, within=inside)
    found = list(walk(inside))
    assert [str(one) for one in found if isinstance(one, Skipped)] == [
        "around: a link to a folder; it is not followed",
        "out: a link to a folder; it is not followed",
    ]
    assert sum(not isinstance(one, Skipped) for one in found) == 6


def test_folders_are_walked_to_the_bottom_in_the_order_of_names(tmp_path):
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    (deep / "last.png").touch()
    (tmp_path / "a.jpg").mkdir()
    for name in ("a.jpg/2", "a.jpg/1", "b", ".hidden"):
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in walk(tmp_path)]
    assert found == ["a.jpg/1", "a.jpg/2", "b", "d/" * 300 + "last.png"]


def test_a_detector_that_fails_costs_one_picture():
    def fails(image, content):
        raise RuntimeError("expected a non-empty list of Tensors")

    with pytest.raises(ValueError, match=r"the face detector failed \(expected a non-empty list"):
        find_faces(decode(SAMPLES["PNG"]), detect=fails)


def test_a_file_whose_kind_is_not_readable_is_listed(tmp_path, monkeypatch):
    (tmp_path / "a.png").touch()

    def refuse(*given, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(os, "lstat", refuse)
    assert list(walk(tmp_path)) == [tmp_path / "a.png"]
    with pytest.raises(ValueError, match=r"a file that cannot be read \(Permission denied\)"):
        read(tmp_path / "a.png")


def test_every_name_can_be_read_and_printed(tmp_path):
    names = [b"\xff\xfe.png", "Zoë 李.png".encode(), b"two\nlines.png", b"\x1b[31mred.png"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(SAMPLES["PNG"])
    found = list(walk(tmp_path))
    assert len(found) == 4 and all(read(path).image.size == (64, 80) for path in found)
    printed = {printable(path.name) for path in found}
    assert printed == {r"\udcff\udcfe.png", "Zoë 李.png", r"two\nlines.png", r"\x1b[31mred.png"}
    "".join(printed).encode()


def test_transparency_and_colour_profiles_are_read():
    clear = COLOUR.copy()
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert decode(content(clear)).alpha.getextrema() == (1, 254)
    assert decode(content(COLOUR.convert("RGBA"))).alpha is None, "wholly opaque"
    profile = bytes(16) + b"RGB " + bytes(200)
    assert decode(content(COLOUR, "PNG", icc_profile=profile)).profile == profile
    printing = content(COLOUR.convert("CMYK"), "JPEG", icc_profile=bytes(16) + b"CMYK" + bytes(200))
    assert decode(printing).profile == b""
    assert any("CMYK" in note for note in decode(printing).notes)


def test_a_damaged_exif_block_does_not_cost_the_picture():
    whole = bytearray(
        content(COLOUR, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01" * 50)
    )
    assert decode(bytes(whole)).image.size == (64, 80)


def test_of_several_faces_the_most_central_is_meant_even_if_another_is_larger():
    size = (1000, 800)
    middle = landmarks_in(size)
    corner = (middle - middle.mean(0)) * 2 + (150, 150)
    assert most_central(np.stack([corner, middle]), size) == 1


def test_nobody_and_crowds():
    with pytest.raises(ValueError, match="^no face found$"):
        find_faces(decode(content(picture(corner=NOBODY))), detect=detect)
    crowd = decode(content(picture(corner=CROWD)))
    (face,) = find_faces(crowd, detect=detect)
    assert np.allclose(face.landmarks, landmarks_in((160, 200)))
    assert face.note == "2 faces in it; the most central one was taken"
    small, large = find_faces(crowd, detect=detect, which="all")
    assert np.allclose(large.landmarks, face.landmarks)
    assert np.allclose(small.landmarks, face.landmarks / 4)
    with pytest.raises(ValueError, match="2 faces in it, and .* skipped"):
        find_faces(crowd, detect=detect, which="skip")
    with pytest.raises(ValueError, match="smaller than 40 pixels"):
        find_faces(decode(content(picture(size=(39, 200)))), detect=detect)

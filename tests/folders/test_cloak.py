"""A folder cloaked: every file reported, originals untouched, the copies as they should be."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from poisonlib.alignment import align
from poisonlib.attacks import Attack, FawkesV03
from tests.folders.toys import (
    CROWD,
    NOBODY,
    TOYS,
    Tint,
    content,
    copies,
    detect,
    landmarks_in,
    picture,
    snapshot,
)
from tests.toys import PooledLinear, people
from workbench import folders
from workbench.folders import paste
from workbench.folders.cloaking import LOG
from workbench.photos.faces import Face
from workbench.photos.owner import to_tensor


def run(source, out, attack=None, **settings):
    settings = TOYS | settings
    return folders.cloak_folder(source, out, attack or Tint(), **settings)


def lines(out):
    return [json.loads(line) for line in (out / LOG).read_text().splitlines()]


def reasons(report):
    return {str(problem.file): problem.reason for problem in report.problems}


def test_each_photograph_gets_a_copy_under_its_name(album, tmp_path):
    before, steps = snapshot(album), []
    out = tmp_path / "out"
    report = run(album, out, progress=lambda *step: steps.append(step))
    assert report.cloaked == 5 and report.cloaked_before == 0 and report.problems == ()
    assert sorted(copies(out)) == ["Ada/0.png", "Ada/1.jpg", "Ada/2.png", "Ben/0.png", "Ben/1.jpg"]
    assert steps[-1] == (5, 5, "Ben/1.jpg") and len(steps) == 5
    for name in copies(out):
        clean, copy = (Image.open(io.BytesIO((side / name).read_bytes())) for side in (album, out))
        assert copy.format == clean.format and copy.size == clean.size
        change = np.abs(np.asarray(copy, float) - np.asarray(clean.convert("RGB"), float))
        assert change.max() > 20, "not cloaked"
        assert change[:10].max() < 12, "changed far from the face"
    assert snapshot(album) == before
    assert min(report.retained) > 0.8
    header, *files = lines(out)
    assert header["seed"] == 0 and "Tint" in header["attack"]
    assert [file for file, _ in files] == [entry["copy"] for _, entry in files]
    assert [entry["copy"] for _, entry in files] == sorted(copies(out))
    assert [entry["retained"] for _, entry in files] == list(report.retained)


def test_the_change_arrives_in_the_photograph_and_nowhere_else():
    image = picture(3, size=(900, 700))
    face = Face(landmarks_in(image.size), 1)
    smooth = np.random.default_rng(0).uniform(-0.1, 0.1, (14, 14, 3)).repeat(8, 0).repeat(8, 1)
    carried = paste.paste_back(image, face, smooth)
    clean, cloaked = (to_tensor(align(one, face.landmarks)) for one in (image, carried))
    inside = slice(8, -8)
    wanted = torch.tensor(smooth).permute(2, 0, 1)[:, inside, inside]
    arrived = (cloaked - clean)[:, inside, inside].double()
    assert (arrived - wanted).abs().median() < 0.004, "shifted, or of another strength"
    away = np.asarray(carried)[:, :100] == np.asarray(image)[:, :100]
    assert away.all() and carried.size == image.size


@pytest.mark.parametrize("shift", [-300, 0, 300])
def test_a_face_over_the_border_is_changed_as_far_as_it_goes(shift):
    image = picture(3, size=(400, 300))
    face = Face(landmarks_in(image.size) + (shift, -shift / 2), 1)
    carried = paste.paste_back(image, face, np.full((112, 112, 3), 0.1))
    changed = np.asarray(carried, int) - np.asarray(image, int)
    assert carried.size == image.size and 0 <= changed.min() and 20 < changed.max() <= 28


def test_strips_make_no_difference(monkeypatch):
    image, change = (
        picture(3, size=(300, 260)),
        np.random.default_rng(0).normal(0, 0.1, (112, 112, 3)),
    )
    face = Face(landmarks_in(image.size), 1)
    whole = np.asarray(paste.paste_back(image, face, change))
    monkeypatch.setattr(paste, "STRIP", 7)
    assert np.abs(np.asarray(paste.paste_back(image, face, change), int) - whole).max() <= 1


def test_what_is_retained_is_measured_along_the_shift():
    clean, cloaked = torch.rand(2, 1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    nets = [PooledLinear(), PooledLinear(seed=1)]
    assert paste.retained_share(nets, clean, cloaked, cloaked) == pytest.approx(1)
    assert paste.retained_share(nets, clean, cloaked, clean) == pytest.approx(0)
    assert paste.retained_share(nets, clean, clean, cloaked) is None
    assert paste.retained_share([], clean, cloaked, cloaked) is None
    half = paste.retained_share(nets, clean, cloaked, (clean + cloaked) / 2)
    assert 0.2 < half < 0.8


def odd(folder, elsewhere):
    """A folder of all kinds of files, and why each has no copy."""
    folder.mkdir()
    elsewhere.write_bytes(content(picture(9)))
    files = {
        "empty.jpg": (b"", "an empty file"),
        "text.jpg": (b"hello", "not a readable picture (of no known format)"),
        "half.jpg": (content(picture(1), "JPEG")[:900], "not a readable picture"),
        "nobody.png": (content(picture(2, corner=NOBODY)), "no face found"),
        "tiny.png": (content(picture(3, size=(30, 30))), "smaller than 40 pixels"),
        "float.tif": (
            content(picture(3).convert("F"), "TIFF"),
            "not a readable picture (values of 32 bits",
        ),
        "album.zip": (b"PK\x03\x04 and so on", "an archive"),
    }
    for name, (made, _) in files.items():
        (folder / name).write_bytes(made)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "out.png").symlink_to(elsewhere)
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "around").symlink_to(folder)
    return {name: reason for name, (_, reason) in files.items()} | {
        "pipe.jpg": "not a file",
        "out.png": "a link that leads out of the folder",
        "loop.png": "a link to itself",
        "around": "a link to a folder",
    }


def readable(folder):
    """Files that are cloaked, and the name and format of each one's copy."""
    moving = {"save_all": True, "append_images": [picture(30)]}
    grey = np.asarray(picture(3).convert("L")).astype(np.uint16) * 257
    clear = picture(4).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    made = {
        "a.jpg": (content(picture(0), "JPEG"), "a.jpg", "JPEG"),
        "b.gif": (content(picture(1), "GIF", **moving), "b.gif.png", "PNG"),
        "c.webp": (content(picture(2), "WEBP"), "c.webp", "WEBP"),
        "d.tiff": (content(picture(2), "TIFF"), "d.tiff", "TIFF"),
        "e.bmp": (content(picture(2), "BMP"), "e.bmp", "BMP"),
        "deep.png": (content(Image.fromarray(grey)), "deep.png", "PNG"),
        "clear.png": (content(clear), "clear.png", "PNG"),
        "palette.png": (content(picture(4).quantize(99)), "palette.png", "PNG"),
        "print.JPG": (content(picture(5).convert("CMYK"), "JPEG"), "print.JPG", "JPEG"),
        "lying.png": (content(picture(6), "JPEG"), "lying.png.jpg", "JPEG"),
        "nameless": (content(picture(7)), "nameless.png", "PNG"),
        "crowd.png": (content(picture(8, corner=CROWD)), "crowd.png", "PNG"),
        "Zoë 李\n.png": (content(picture(9)), "Zoë 李\n.png", "PNG"),
        os.fsdecode(b"\xff.png"): (content(picture(9)), os.fsdecode(b"\xff.png"), "PNG"),
        "dir.jpg/deeper/f.png": (content(picture(10)), "dir.jpg/deeper/f.png", "PNG"),
    }
    for name, (bytes_, _, _) in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes_)
    return {copy: format for _, copy, format in made.values()}


def test_odd_files_are_cloaked_or_reported_and_the_run_continues(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    refused = odd(source, tmp_path / "elsewhere.png")
    expected = readable(source)
    before = snapshot(tmp_path)
    report = run(source, out)
    skipped = reasons(report)
    assert skipped.keys() == refused.keys()
    assert all(skipped[name].startswith(reason) for name, reason in refused.items()), skipped
    written = copies(out)
    assert {name: Image.open(io.BytesIO(made)).format for name, made in written.items()} == expected
    assert Image.open(io.BytesIO(written["clear.png"])).getchannel("A").getextrema() == (0, 255)
    notes = {str(note.file): note.reason for note in report.notes}
    assert notes["b.gif"] == "only the first of its pictures is used"
    assert notes["deep.png"] == "its 16 bits became 8"
    assert notes["crowd.png"].startswith("2 faces in it; the ")
    str(report.problems[0]).encode(), [str(note).encode() for note in report.notes]
    left = {name: what for name, what in snapshot(tmp_path).items() if not name.startswith("out")}
    assert left == before, "something outside the out folder was touched"
    again = run(source, out)
    assert (
        again.cloaked == 0 and again.cloaked_before == len(expected) and reasons(again) == skipped
    )
    assert again.notes == report.notes and copies(out) == written


def test_pictures_of_crowds_can_be_skipped(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "crowd.png").write_bytes(content(picture(8, corner=CROWD)))
    report = run(tmp_path / "in", tmp_path / "out", which="skip")
    assert "2 faces in it" in reasons(report)["crowd.png"] and copies(tmp_path / "out") == {}


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.DateTime] = "2024:05:06 07:08:09"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.01
    exif.get_ifd(ExifTags.IFD.Exif)[0x927C] = b"maker's notes: at 48.1 N, 11.5 E"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 1.0, 2.0)
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("keep", [False, True])
def test_a_copy_says_nothing_of_where(tmp_path, format, keep):
    (tmp_path / "in").mkdir()
    profile = bytes(16) + b"RGB " + bytes(200)
    also = {"JPEG": {"comment": b"at home"}, "PNG": {}, "WEBP": {"xmp": b"<x>at home</x>"}}[format]
    made = content(picture(0), format, exif=gps(), icc_profile=profile, **also)
    name = f"a.{format.lower()}"
    (tmp_path / "in" / name).write_bytes(made)
    run(tmp_path / "in", tmp_path / "out", keep_metadata=keep)
    raw = (tmp_path / "out" / name).read_bytes()
    copy = Image.open(io.BytesIO(raw))
    exif = copy.getexif()
    assert copy.size == (200, 160), "not turned upright"
    assert copy.info.get("icc_profile") == profile
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo) and ExifTags.Base.Orientation not in exif
    assert b"48.1" not in raw and b"home" not in raw
    assert (exif.get(ExifTags.Base.Make) == "Camera") == keep
    exposure = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ExposureTime)
    assert (exposure == 0.01) == keep


def test_the_thumbnail_of_the_face_as_it_was_goes(tmp_path):
    thumbnail = content(picture(0).resize((32, 40)), "JPEG")
    block = (
        b"Exif\0\0II*\0\x08\0\0\0" + b"\0\0" + (14).to_bytes(4, "little")  # an empty first block,
        + b"\x02\0"  # and a second one with where the thumbnail lies and how long it is
        + b"\x01\x02\x04\0\x01\0\0\0" + (44).to_bytes(4, "little")
        + b"\x02\x02\x04\0\x01\0\0\0" + len(thumbnail).to_bytes(4, "little")
        + b"\0\0\0\0" + thumbnail
    )  # fmt: skip
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(content(picture(0), "JPEG", exif=block))
    assert thumbnail[20:200] in (tmp_path / "in" / "a.jpg").read_bytes()
    run(tmp_path / "in", tmp_path / "out", keep_metadata=True)
    assert (tmp_path / "out" / "a.jpg").read_bytes().count(b"\xff\xd8\xff") == 1


def test_folders_in_one_another_are_refused(album, tmp_path):
    (tmp_path / "alias").symlink_to(album)
    for out in (album, album / "out", tmp_path, tmp_path / "alias", tmp_path / "alias" / "out"):
        before = snapshot(tmp_path)
        with pytest.raises(ValueError, match="lie in one another; write to a folder apart"):
            run(album, out)
        assert snapshot(tmp_path) == before
    with pytest.raises(FileNotFoundError, match="no folder"):
        run(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file cannot be written to .*; use another folder"):
        run(album, tmp_path / "file")


def test_files_of_others_are_never_overwritten(album, tmp_path):
    out = tmp_path / "out"
    (out / "Ada").mkdir(parents=True)
    (out / "Ada" / "0.png").write_bytes(b"somebody else's")
    (out / "Ada" / "1.jpg").symlink_to(album / "Ada" / "1.jpg")
    os.link(album / "Ada" / "2.png", out / "Ada" / "2.png")
    before = snapshot(album)
    report = run(album, out)
    assert report.cloaked == 2
    assert all("exists and is not a copy of ours" in why for why in reasons(report).values())
    assert (out / "Ada" / "0.png").read_bytes() == b"somebody else's"
    assert (out / "Ada" / "1.jpg").is_symlink() and snapshot(album) == before


def test_a_link_in_the_out_folder_leads_nowhere(album, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Ada").symlink_to(tmp_path / "elsewhere")
    report = run(album, tmp_path / "out")
    assert report.cloaked == 2 and list((tmp_path / "elsewhere").iterdir()) == []
    assert all("leads out of the folder" in why for why in reasons(report).values())


def test_two_originals_never_share_a_copy(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.gif", "a.gif.png"):
        made = content(picture(0), "GIF" if name.endswith("gif") else "PNG")
        (tmp_path / "in" / name).write_bytes(made)
    report = run(tmp_path / "in", tmp_path / "out")
    assert reasons(report) == {
        "a.gif.png": "its copy could not be written (its copy would get the name of that of a.gif)"
    }
    assert reasons(run(tmp_path / "in", tmp_path / "out")).keys() == {"a.gif.png"}


def test_a_changed_original_is_cloaked_anew_and_a_changed_copy_is_left(album, tmp_path):
    out = tmp_path / "out"
    run(album, out)
    before = copies(out)
    (album / "Ada" / "0.png").write_bytes(content(picture(99)))
    (out / "Ada" / "1.jpg").write_bytes(b"retouched by hand")
    (out / "Ben" / "0.png").unlink()
    report = run(album, out)
    after = copies(out)
    assert report.cloaked == 2 and report.cloaked_before == 2
    assert list(reasons(report)) == ["Ada/1.jpg"]
    assert "was changed since it was written" in reasons(report)["Ada/1.jpg"]
    assert after["Ada/0.png"] != before["Ada/0.png"] and after["Ada/1.jpg"] == b"retouched by hand"
    assert after["Ben/0.png"] == before["Ben/0.png"]
    assert run(album, out).cloaked_before == 4


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"keep_metadata": True}, {"format": "png"}, {"attack": Tint(strength=0.2)}],
)
def test_other_settings_want_another_folder(album, tmp_path, changed):
    out = tmp_path / "out"
    run(album, out)
    before = snapshot(out)
    with pytest.raises(
        ValueError, match=f"log of another run .*{next(iter(changed))} was .*another place"
    ):
        run(album, out, **changed)
    assert snapshot(out) == before


def test_all_copies_can_be_png(album, tmp_path):
    run(album, tmp_path / "out", format="png")
    assert "Ada/1.jpg.png" in copies(tmp_path / "out")


def test_batches_are_bounded_and_even(album, tmp_path, monkeypatch):
    sizes = []
    call = Tint.__call__

    def counted(self, images, **keywords):
        sizes.append(len(images))
        return call(self, images, **keywords)

    monkeypatch.setattr(Tint, "__call__", counted)
    for number in range(4, 11):
        (album / "Ada" / f"{number}.png").write_bytes(content(picture(number)))
    (album / "loose.png").write_bytes(content(picture(50)))
    run(album, tmp_path / "out", batch=4)
    assert sizes == [3, 3, 4, 2, 1], "each person apart, loose files as one more"


def test_a_failing_attack_is_reported_and_the_next_batch_continues(album, tmp_path, monkeypatch):
    def fails(self, perturbed):
        if len(perturbed) == 3:
            raise ValueError("Tint reached NaN")

    monkeypatch.setattr(Attack, "_check_finite", fails)  # not Tint's own code, which says which run
    report = run(album, tmp_path / "out")
    assert report.cloaked == 2
    assert set(reasons(report).values()) == {"could not be cloaked (Tint reached NaN)"}
    monkeypatch.undo()
    assert run(album, tmp_path / "out").cloaked == 3, "it was not tried again"


def test_a_face_that_the_cloak_hides_is_noted(album, tmp_path):
    def fooled(image, content):
        seen = detect(image, content)
        return seen if content in originals else seen[:0]

    originals = {path.read_bytes() for path in album.rglob("*.*")}
    report = run(album, tmp_path / "out", detect=fooled)
    assert report.retained == (None,) * 5
    assert {note.reason for note in report.notes} == {
        "no face is found at its place in the copy any more"
    }


def test_an_original_that_changes_meanwhile_is_not_used(album, tmp_path, monkeypatch):
    call = Tint.__call__

    def meanwhile(self, images, **keywords):
        (album / "Ada" / "0.png").write_bytes(content(picture(77)))
        return call(self, images, **keywords)

    monkeypatch.setattr(Tint, "__call__", meanwhile)
    report = run(album, tmp_path / "out")
    assert "the original was changed meanwhile" in reasons(report)["Ada/0.png"]
    assert report.cloaked == 4


class Quick(FawkesV03):
    """Without the measures, which would take most of the time."""

    _measure = Tint._measure


def test_all_photographs_of_one_person_are_pulled_towards_the_same_other(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.png").write_bytes(content(picture(number)))
    others = people(30, 2, size=112)
    attack = Quick([PooledLinear()], targets=others, steps=2)
    picked = []
    pick = FawkesV03.pick_target

    def noted(self, images, **keywords):
        picked.append((len(images), pick(self, images, **keywords)))
        return picked[-1][1]

    monkeypatch.setattr(FawkesV03, "pick_target", noted)
    run(tmp_path / "in", tmp_path / "out", attack, batch=2)
    first, *each = picked
    assert first[0] == 4 and [rows for rows, _ in each] == [2, 2, 2]
    assert {target for _, target in each} == {first[1]}
    (entry,) = (line[1] for line in lines(tmp_path / "out")[1:] if "target" in line[1])
    assert entry == {"target": others.names[first[1]]}
    (tmp_path / "in" / "new.png").write_bytes(content(picture(50)))
    picked.clear()
    run(tmp_path / "in", tmp_path / "out", attack, batch=2)
    assert {target for _, target in picked} == {first[1]}, "a new photograph, another target"


def test_reports_are_frozen(album, tmp_path):
    report = run(album, tmp_path / "out")
    assert replace(report, cloaked=0).cloaked_before == report.cloaked_before
    with pytest.raises(AttributeError):
        report.cloaked = 3
    with pytest.raises(AttributeError):
        report.uncloaked = ()

"""Packing, loading, the contact sheet and the data card, without rendering anything."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from poisonlib import people
from poisonlib.people import packaged
from studio.people import aligned, card, identity, pack, store
from studio.people.describe import describe
from tests.people.conftest import PEOPLE, PHOTOS


@pytest.fixture
def data(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose data are the three drawn people, in both splits."""
    folder = tmp_path / "package" / "data"
    for split in packaged.SPLITS:
        pack.pack(rendered, folder / f"people-{split}.zip")
    monkeypatch.setattr(packaged.resources, "files", lambda name: tmp_path / "package")
    packaged._listing.cache_clear()
    yield folder
    packaged._listing.cache_clear()


def test_aligned_reads_a_rendered_folder(rendered):
    photos = aligned(rendered)
    assert photos.images.shape == (PEOPLE * PHOTOS, 3, 112, 112)
    assert photos.images.dtype == torch.float32
    assert photos.names == ("p00000", "p00001", "p00002")
    assert photos.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    fewer = aligned(rendered, identities=2, photos=3)
    assert len(fewer) == 6 and torch.equal(fewer.of("p00001"), photos.of("p00001")[:3])


def test_people_are_ordered_by_number_not_by_text(rendered):
    (rendered / "p00002").rename(rendered / "p100002")
    names = [place.name for place, _, _ in pack.people_in(rendered)]
    assert names == ["p00000", "p00001", "p100002"]


def test_packing_gives_the_same_bytes_and_what_was_asked(rendered, tmp_path):
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    summary = pack.pack(rendered, first, identities=2, photos=3)
    pack.pack(rendered, second, identities=2, photos=3)
    assert first.read_bytes() == second.read_bytes()
    assert (summary.people, summary.photographs) == (2, 6)
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        assert names[0] == "people.json" and "p00001/002.jpg" in names and len(names) == 7
        assert archive.getinfo("p00001/002.jpg").compress_type == zipfile.ZIP_STORED


def test_photographs_in_use_are_not_read_twice(data):
    first = people.load("users")
    assert people.load("users") is first
    assert people.load("public") is not first


def test_some_people_can_be_loaded_alone(data):
    everybody = people.load("users")
    some = everybody.names[1:]
    expected = everybody.of_people(some)
    in_use = people.load("users", only=some)
    path = packaged._archive("users")
    alone = packaged.read(path, only=some)
    for photos in (in_use, alone):
        assert photos.names == everybody.names
        assert torch.equal(photos.labels, expected.labels)
        assert torch.equal(photos.images, expected.images)


def test_nobody_and_unknown_people_are_refused(data):
    with pytest.raises(ValueError, match="no photographs of 'nobody'; names look like p0"):
        people.load("users", only=["nobody"])
    with pytest.raises(ValueError, match="nobody was asked for"):
        people.load("users", only=[])
    with pytest.raises(ValueError, match=r"only must be several names, got the text .*use \['p0"):
        people.load("users", only="p00000")
    with pytest.raises(ValueError, match="each must be at least 1 photograph, got 0"):
        people.load("users", each=0)


def test_the_first_photographs_of_each_can_be_loaded_alone(data):
    everybody, few = packaged.load("users"), packaged.load("users", each=1)
    assert few.labels.tolist() == list(everybody.people) and few.names == everybody.names
    for person in few.people:
        assert torch.equal(few.of(person), everybody.of(person)[:1])
    one = packaged.load("users", only=[everybody.names[1]], each=1)
    assert torch.equal(one.images, few.of(1))


def test_load_gives_what_was_packed(data, rendered):
    images, labels, names = people.load("users")
    direct = aligned(rendered)
    assert names == direct.names and torch.equal(labels, direct.labels)
    assert (images - direct.images).abs().mean() < 0.02  # one more JPEG


def test_unknown_split_and_name(data):
    with pytest.raises(ValueError, match="'public', 'users'.*got 'test'"):
        people.load("test")
    with pytest.raises(ValueError, match="nobody is called 'p99999'.*p00000"):
        people.attributes("p99999")


def test_attributes_of_a_packaged_person(data):
    assert people.attributes("p00001") == describe(identity.sample(1))


def test_missing_and_damaged_files(data):
    path = data / "people-users.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a whole file of packed people"):
        people.load("users")
    assert path.stat().st_size == len(whole) // 2  # nothing on disk was touched
    path.unlink()
    with pytest.raises(FileNotFoundError, match="reinstall the book"):
        people.load("users")


def test_packing_an_empty_or_unfinished_folder(rendered, tmp_path):
    with pytest.raises(FileNotFoundError, match="people render"):
        aligned(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="4 finished photographs, expected 9"):
        aligned(rendered, photos=9)
    with pytest.raises(ValueError, match="holds 3 people, expected 5"):
        aligned(rendered, identities=5)


def test_a_damaged_portrait_stops_packing_and_leaves_no_file(rendered, tmp_path):
    (rendered / "p00001" / "002.jpg").write_bytes(b"no picture")
    out = tmp_path / "out" / "people.zip"
    with pytest.raises(ValueError, match="002.jpg cannot be read"):
        pack.pack(rendered, out)
    assert list(out.parent.iterdir()) == []


def test_finished_photographs_are_those_that_are_whole(rendered):
    place = rendered / "p00000"
    settings = store.read_record(place)["settings"]
    assert sorted(store.finished(place, settings)) == ["0", "1", "2", "3"]
    (place / "001.jpg").write_bytes((place / "001.jpg").read_bytes()[:-40])
    (place / "003.jpg").unlink()
    assert sorted(store.finished(place, settings)) == ["0", "2"]
    assert store.finished(place, settings | {"level": 2.0}) == {}
    (place / store.RECORD).write_text('{"photographs": ')
    assert store.finished(place, settings) == {}


def test_contact_sheet_has_a_row_for_each_person(rendered):
    photos = aligned(rendered)
    sheet = people.contact_sheet(photos, people=2, per_person=3)
    assert sheet.size == (3 * 112, 2 * 112)
    corner = np.asarray(sheet)[112:224, 224:336] / 255
    expected = photos.of(1)[2].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(corner, expected, atol=0.5 / 255 + 1e-6)
    with pytest.raises(ValueError, match="people >= 1"):
        people.contact_sheet(photos, people=0)


def test_the_card_counts_everyone_and_says_how_to_remake_them(data):
    written = card.write(data, splits=packaged.SPLITS, realism={"portraits": 12})
    assert json.loads((data / "people-card.json").read_text()) == written
    users = written["splits"]["users"]
    assert users["people"] == PEOPLE and users["photographs"] == PEOPLE * PHOTOS
    for counts in users["balance over people"].values():
        assert sum(counts.values()) == PEOPLE
    assert users["commands"][0] == (
        "python -m poisonlib people render --identities 3 --photos 4 --out rendered/users"
    )
    text = (data / "people-card.md").read_text()
    assert users["sha256"] in text and "CC0" in text and "Mika Suominen" in text


def test_a_card_needs_people_that_one_command_can_remake(rendered, tmp_path):
    (rendered / "p00001" / store.RECORD).unlink()
    pack.pack(rendered, tmp_path / "people-users.zip")
    with pytest.raises(ValueError, match="cannot be remade by one command"):
        card.write(tmp_path, splits=("users",))
    with pytest.raises(FileNotFoundError, match="people-public.zip is missing"):
        card.write(tmp_path, splits=("public",))

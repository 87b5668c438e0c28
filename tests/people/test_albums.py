"""The album: whole portraits as files, which never replace what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from poisonlib import people
from poisonlib.people import albums
from studio.people.albums import pack_album


def test_the_album_is_portraits_of_the_packaged_size(tmp_path: Path) -> None:
    files = people.album(tmp_path / "me")
    assert files == sorted((tmp_path / "me").iterdir()) and len(files) == 24
    for file in files:
        with Image.open(file) as picture:
            assert picture.size == (224, 224)


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "000.jpg").write_bytes(b"mine")
    assert len(people.album(tmp_path)) == 24
    assert (tmp_path / "000.jpg").read_bytes() == b"mine"


def test_packing_gives_the_same_bytes_again(tmp_path: Path, rendered: Path) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    assert pack_album(rendered, first) == pack_album(rendered, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_missing_album_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums.resources, "files", lambda package: tmp_path)
    with pytest.raises(FileNotFoundError, match="people-album.zip is missing; reinstall"):
        people.album(tmp_path / "me")

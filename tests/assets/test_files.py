"""Where assets are searched, and the errors when they are not there."""

import dataclasses

import pytest

from poisonlib.caching import cache_folder
from tests.assets.conftest import CONTENT
from workbench import assets
from workbench.assets import files


def test_the_shared_folder_comes_first_and_is_only_read(toy, server, monkeypatch, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / toy.file).write_bytes(CONTENT)
    shared.chmod(0o555)
    cache_folder("assets").mkdir(parents=True)
    (cache_folder("assets") / toy.file).write_bytes(b"not looked at")
    monkeypatch.setenv("POISONLIB_ASSETS", str(shared))
    assert assets.find("toy") == shared / toy.file
    assert assets.is_available("toy")
    assert server.requests == []


def test_the_cache_folder_comes_next(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("POISONLIB_ASSETS", str(tmp_path / "nowhere"))
    cache_folder("assets").mkdir(parents=True)
    (cache_folder("assets") / toy.file).write_bytes(CONTENT)
    assert assets.find("toy") == tmp_path / "cache" / "assets" / toy.file


@pytest.mark.parametrize(
    ("variable", "place", "below"),
    [
        ("TORCH_HOME", "torch:checkpoints/a.pt", "checkpoints/a.pt"),
        ("XDG_CACHE_HOME", "torch:checkpoints/a.pt", "torch/checkpoints/a.pt"),
        ("HF_HUB_CACHE", "huggingface:models--a/a.bin", "models--a/a.bin"),
        ("HF_HOME", "huggingface:models--a/a.bin", "hub/models--a/a.bin"),
        ("XDG_CACHE_HOME", "huggingface:models--a/a.bin", "huggingface/hub/models--a/a.bin"),
    ],
)
def test_downloads_of_other_packages_are_used(toy, monkeypatch, tmp_path, variable, place, below):
    for other in ("TORCH_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr(
        files, "manifest", lambda: {"toy": dataclasses.replace(toy, cached_by=(place,))}
    )
    monkeypatch.setenv(variable, str(tmp_path / "other"))
    path = tmp_path / "other" / below
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert assets.find("toy") == path


def test_a_missing_asset_says_what_it_is_and_how_to_get_it(toy, server):
    with pytest.raises(assets.MissingAsset) as caught:
        assets.find("toy")
    message = str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)
    for part in ("a toy file", "1 MB", "CC0-1.0", "assets fetch toy", "toy.bin", "$POISONLIB_"):
        assert part in message
    assert not assets.is_available("toy")
    assert server.requests == [], "looking must not download"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CONTENT[:1000], r"has 1000 bytes, toy has 1048576.*assets fetch toy"),
        (CONTENT[::-1], r"is not toy: its SHA-256 is [0-9a-f]{64}"),
    ],
)
def test_truncated_and_wrong_files_are_refused(toy, content, says):
    cache_folder("assets").mkdir(parents=True)
    (cache_folder("assets") / toy.file).write_bytes(content)
    with pytest.raises(assets.DamagedAsset, match=says):
        assets.find("toy")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no asset 'vgg'.*there are: facenet-casia-2018"):
        assets.find("vgg")


def test_a_folder_that_may_not_be_looked_into_holds_nothing(toy, monkeypatch):
    def refused(path, *arguments, **settings):
        raise PermissionError(13, "Permission denied", str(path))

    (cache := cache_folder("assets")).mkdir(parents=True)
    (cache / toy.file).write_bytes(CONTENT)
    monkeypatch.setattr(files, "sha256_of_file", refused)
    with pytest.raises(assets.DamagedAsset, match="cannot be read .Permission denied.*fetch toy"):
        assets.find("toy")
    monkeypatch.setattr(files.Path, "is_file", refused)
    assert not assets.is_available("toy") and assets.locate(toy) is None
    with pytest.raises(assets.MissingAsset, match="is not on this machine"):
        assets.find("toy")


def test_a_file_where_the_cache_should_be_holds_nothing(toy, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    assert not assets.is_available("toy")
    with pytest.raises(assets.DownloadFailed, match="cannot be written.*POISONLIB_CACHE"):
        assets.fetch("toy")

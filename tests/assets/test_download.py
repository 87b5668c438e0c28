"""Fetching: resumed, checked, there all at once or not at all."""

import dataclasses
import errno
import socket

import pytest

from poisonlib.caching import cache_folder
from poisonlib.cli import main
from tests.assets.conftest import CONTENT
from workbench import assets
from workbench.assets import download, files


def left(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_fetched_once(toy, server):
    seen = []
    path = assets.fetch("toy", progress=lambda done, total, doing: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert left(path.parent) == ["toy.bin"]
    assert assets.find("toy") == path
    assets.fetch("toy")
    assert server.requests == [None]


def test_a_cut_connection_is_resumed(toy, server):
    server.cut = 300_000
    with pytest.raises(assets.DownloadFailed, match="run the same command again, it resumes"):
        assets.fetch("toy")
    with pytest.raises(assets.MissingAsset, match="is not on this machine"):
        assets.find("toy")
    server.cut = None
    assert assets.fetch("toy").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-"]


def test_a_server_without_ranges_starts_over(toy, server):
    server.cut, server.ranges = 300_000, False
    with pytest.raises(assets.DownloadFailed):
        assets.fetch("toy")
    server.cut = None
    assert assets.fetch("toy").read_bytes() == CONTENT


def test_after_ctrl_c_the_next_try_resumes(toy, server):
    def impatient(done: int, total: int, doing: str) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assets.fetch("toy", progress=impatient)
    folder = cache_folder("assets")
    assert left(folder) == [".toy.bin.partial"]
    received = (folder / ".toy.bin.partial").stat().st_size
    assets.fetch("toy")
    assert server.requests == [None, f"bytes={received}-"]


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"more"])
def test_another_file_is_thrown_away(toy, server, content):
    server.content = content
    with pytest.raises(assets.DamagedAsset, match="is not the toy of the manifest"):
        assets.fetch("toy")
    assert left(cache_folder("assets")) == []


def test_a_shorter_file_is_not_taken(toy, server):
    server.content = CONTENT[:1000]
    with pytest.raises(assets.DownloadFailed, match="after 1000 of 1048576 bytes"):
        assets.fetch("toy")
    with pytest.raises(assets.DownloadFailed, match="answered 416"):
        assets.fetch("toy")
    assert left(cache_folder("assets")) == [], "what belongs to another file is deleted"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_refusals_are_passed_on(toy, server, status):
    server.status = status
    with pytest.raises(assets.DownloadFailed, match=rf"answered {status}.*POISONLIB_ASSETS"):
        assets.fetch("toy")


def test_a_damaged_file_is_replaced(toy):
    folder = cache_folder("assets")
    folder.mkdir(parents=True)
    (folder / "toy.bin").write_bytes(b"damaged")
    assert assets.fetch("toy").read_bytes() == CONTENT


def test_offline_gives_one_clear_message(toy, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    alone = dataclasses.replace(toy, url=f"http://127.0.0.1:{port}/toy.bin")
    monkeypatch.setattr(files, "manifest", lambda: {"toy": alone})
    with pytest.raises(assets.DownloadFailed, match="check the network.*POISONLIB_ASSETS names"):
        assets.fetch("toy")


def test_a_full_disk_is_an_error_beforehand_and_in_the_middle(toy, server, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage(10, 10, 0))
    with pytest.raises(assets.DownloadFailed, match="needs 1 MB in .* 0 MB are free.*--folder"):
        assets.fetch("toy")
    assert server.requests == []
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage(10**9, 0, 10**9))

    def full(*arguments) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_receive", full)
    with pytest.raises(assets.DownloadFailed, match="needs 1 MB in"):
        assets.fetch("toy")


def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(assets.DownloadFailed, match="cannot be written.*POISONLIB_CACHE"):
        assets.fetch("toy", folder=tmp_path / "file")


def test_the_command_line(toy, server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(assets, "manifest", lambda: {"toy": toy})
    folder = tmp_path / "classroom"
    assert main(["assets", "fetch", "toy", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "toy.bin")
    assert main(["assets", "check"]) == 0
    assert capsys.readouterr().out == "toy: not here\n"
    monkeypatch.setenv("POISONLIB_ASSETS", str(folder))
    assert main(["assets", "list"]) == 0
    listed = capsys.readouterr().out
    assert "toy" in listed and "CC0-1.0" in listed and f"here: {folder}" in listed
    assert main(["assets", "check"]) == 0
    assert "toy: undamaged" in capsys.readouterr().out
    (folder / "toy.bin").write_bytes(CONTENT[:5])
    assert main(["assets", "check"]) == 2
    shown = capsys.readouterr()
    assert "toy: damaged" in shown.out and "has 5 bytes" in shown.err
    server.status = 500
    assert main(["assets", "fetch", "toy", "--folder", str(tmp_path / "other")]) == 2
    assert "answered 500" in capsys.readouterr().err

"""No test of this room reaches a network or the user's cache."""

from __future__ import annotations

import socket

import pytest

from tests.folders.toys import content, picture


@pytest.fixture(autouse=True)
def on_an_island(monkeypatch, tmp_path_factory):
    def refuse(*arguments, **keywords):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def album(tmp_path):
    """Two people's folders, five photographs."""
    folder = tmp_path / "album"
    for name, count in (("Ada", 3), ("Ben", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            format, ending = (("PNG", "png"), ("JPEG", "jpg"))[number % 2]
            made = content(picture(number + 10 * count), format)
            (folder / name / f"{number}.{ending}").write_bytes(made)
    return folder

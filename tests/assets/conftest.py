"""A server on loopback that can misbehave, and a manifest that points to it."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench import assets
from workbench.assets import files

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server(ThreadingHTTPServer):
    """Sends `content`; `cut` bytes of it at most in one answer, `status` instead of it if set."""

    daemon_threads = True
    content = CONTENT
    cut: int | None = None
    status: int | None = None
    ranges = True
    requests: list[str | None]

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if wanted and start >= len(self.server.content):
            self.send_error(416)
            return
        start = start if self.server.ranges else 0
        whole = self.server.content
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        end = len(whole) if self.server.cut is None else start + self.server.cut
        self.wfile.write(whole[start:end])

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def entry(name: str = "toy", content: bytes = CONTENT, **changes) -> assets.Asset:
    plain = assets.Asset(
        name=name,
        file=f"{name}.bin",
        what="a toy file",
        url="https://example.invalid/toy.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="CC0-1.0",
        training="not at all",
    )
    return dataclasses.replace(plain, **changes)


@pytest.fixture
def toy(server: Server, monkeypatch, tmp_path: Path) -> assets.Asset:
    """The only asset there is, at the server; no folders but empty ones."""
    toy = entry(url=f"http://127.0.0.1:{server.server_port}/toy.bin")
    monkeypatch.setattr(files, "manifest", lambda: {"toy": toy})
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("POISONLIB_ASSETS", raising=False)
    return toy

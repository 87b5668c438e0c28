"""Download a file of the manifest: resumed, checked, and complete or not there at all."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from poisonlib.caching import cache_folder
from poisonlib.progress import Progress, no_progress
from workbench.assets.files import Asset, DamagedAsset, MissingAsset, by_name, check

CHUNK = 1 << 18


class DownloadFailed(MissingAsset):
    """An asset could not be fetched; the message says why and what to do."""


def fetch(
    name: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Download an asset, resuming where an earlier try was cut off.

    What has been received so far is beside the target under another name. Only when its size and
    its hash are right is it renamed.

    Args:
        name: in the manifest.
        folder: for the file; the cache folder if not given.
        progress: called with (bytes received, bytes in all, the name) after each piece.
        timeout: seconds without an answer after which to give up.

    Returns:
        the file. If it is there already and undamaged, nothing is downloaded.

    Raises:
        DownloadFailed: no network, a server's refusal, a cut connection, a full disk. What has
            been received stays for the next try.
        DamagedAsset: the server has another file than the manifest says; it is deleted.
        ValueError: no such asset.
    """
    asset = by_name(name)
    folder = cache_folder("assets") if folder is None else Path(folder)
    target = folder / asset.file
    partial = folder / f".{asset.file}.partial"
    with _as_download_failed(asset, folder):
        if target.is_file():
            with contextlib.suppress(DamagedAsset):
                check(target, asset)
                return target
        folder.mkdir(parents=True, exist_ok=True)
        if partial.is_file() and partial.stat().st_size > asset.bytes:
            partial.unlink()
        _check_disk_space(asset, folder, partial)
        if not partial.is_file() or partial.stat().st_size < asset.bytes:
            _receive(asset, partial, progress or no_progress, timeout)
        _check_received(asset, partial)
        os.replace(partial, target)
    return target


def _receive(asset: Asset, partial: Path, progress: Progress, timeout: float) -> None:
    """Append to what is there if the server sends the rest, else start over."""
    start = partial.stat().st_size if partial.is_file() else 0
    headers = {"User-Agent": "poisonlib", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(asset.url, headers=headers)
    with _open(request, partial, timeout) as answer:
        resumes = answer.status == 206
        expected = f"bytes {start}-"
        if resumes and not answer.headers.get("Content-Range", "").startswith(expected):
            partial.unlink()
            raise DownloadFailed(
                f"the server of {asset.name} sent another part than requested; run the same "
                "command again, which starts over"
            )
        done = start if resumes else 0
        with partial.open("ab" if resumes else "wb") as file:
            progress(done, asset.bytes, asset.name)
            while done <= asset.bytes and (piece := answer.read(CHUNK)):
                file.write(piece)
                done += len(piece)
                progress(done, asset.bytes, asset.name)


def _open(request: urllib.request.Request, partial: Path, timeout: float):
    try:
        return urllib.request.build_opener(_HttpsOnly).open(request, timeout=timeout)
    except urllib.error.HTTPError as problem:
        if problem.code == 416:  # no such part: what was received belongs to another file
            partial.unlink()
        raise


def _check_received(asset: Asset, partial: Path) -> None:
    size = partial.stat().st_size
    if size < asset.bytes:
        raise DownloadFailed(
            f"the connection ended after {size} of {asset.bytes} bytes of {asset.name}; run the "
            "same command again, it resumes from there"
        )
    try:
        check(partial, asset)
    except DamagedAsset as problem:
        partial.unlink()
        raise DamagedAsset(
            f"what {asset.url} sends is not the {asset.name} of the manifest and was deleted "
            f"({problem}). If that happens again, its publisher has replaced the file, or a proxy "
            "changes it"
        ) from problem


def _check_disk_space(asset: Asset, folder: Path, partial: Path) -> None:
    missing = asset.bytes - (partial.stat().st_size if partial.is_file() else 0)
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise DownloadFailed(_no_disk_space(asset, folder, free))


def _no_disk_space(asset: Asset, folder: Path, free: int) -> str:
    return (
        f"{asset.name} needs {asset.megabytes:.0f} MB in {folder}, where {free / 1e6:.0f} MB are "
        "free; make room, or choose another place with POISONLIB_CACHE or --folder"
    )


@contextlib.contextmanager
def _as_download_failed(asset: Asset, folder: Path) -> Iterator[None]:
    """Turn errors of the network and the disk into one message with a remedy."""
    by_hand = (
        f"or get {asset.url} in another way and put it as {asset.file} into a folder that "
        "$POISONLIB_ASSETS names"
    )
    try:
        yield
    except (DownloadFailed, DamagedAsset):
        raise
    except urllib.error.HTTPError as problem:
        problem.close()
        raise DownloadFailed(
            f"the server of {asset.name} answered {problem.code} {problem.reason}; "
            f"try again later, {by_hand}"
        ) from problem
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as why:
        reason = getattr(why, "reason", None) or why or type(why).__name__
        raise DownloadFailed(
            f"{asset.name} could not be downloaded ({reason}); check the network and run the same "
            f"command again, which resumes, {by_hand}"
        ) from why
    except OSError as problem:
        if problem.errno == errno.ENOSPC:
            free = shutil.disk_usage(folder).free
            raise DownloadFailed(_no_disk_space(asset, folder, free)) from problem
        raise DownloadFailed(
            f"{folder} cannot be written ({problem.strerror}); choose another place with "
            "POISONLIB_CACHE or --folder"
        ) from problem


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirection from https only to https."""

    def redirect_request(self, request, *arguments):
        onward = super().redirect_request(request, *arguments)
        if onward is not None and request.type == "https" and onward.type != "https":
            raise DownloadFailed(f"{request.full_url} leads to an address that is not https")
        return onward

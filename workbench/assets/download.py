"""Fetch a file of the manifest: resumable, checked, and there all at once or not at all."""

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
from workbench.assets.locations import DamagedAsset, MissingAsset, asset, check
from workbench.assets.manifest import Asset

CHUNK = 1 << 18


class DownloadFailed(MissingAsset):
    """An asset could not be fetched; the message says why and what to do.

    Example:
        >>> from workbench import assets
        >>> issubclass(assets.DownloadFailed, assets.MissingAsset)
        True
    """


def fetch(
    name: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Download an asset, going on where an earlier try was cut off.

    What has come so far lies beside the target under another name. Only when its size and its
    hash are right is it given the asset's name.

    Args:
        name: in the manifest.
        folder: where to put it; the cache folder if not given.
        progress: called with (bytes here, bytes in all, the name) after each piece.
        timeout: seconds without an answer after which to give up.

    Returns:
        the file. If it is there already and whole, nothing is downloaded.

    Raises:
        DownloadFailed: no network, a server's refusal, a cut connection, too little disk. What has
            come is kept for the next try.
        DamagedAsset: the server holds another file than the manifest says; nothing is kept.
        ValueError: no such asset.

    Example:
        >>> from workbench import assets
        >>> assets.fetch("no-such-network")
        Traceback (most recent call last):
        ValueError: no asset 'no-such-network' in the manifest; there are: ...
    """
    wanted = asset(name)
    folder = cache_folder("assets") if folder is None else Path(folder)
    target = folder / wanted.file
    if target.is_file():
        with contextlib.suppress(DamagedAsset):
            check(target, wanted)
            return target
    partial = folder / f".{wanted.file}.partial"
    with _in_words(wanted, folder):
        folder.mkdir(parents=True, exist_ok=True)
        if partial.is_file() and partial.stat().st_size > wanted.bytes:
            partial.unlink()
        _check_room(wanted, folder, partial)
        if not partial.is_file() or partial.stat().st_size < wanted.bytes:
            _receive(wanted, partial, progress or no_progress, timeout)
        _check_whole(wanted, partial)
        os.replace(partial, target)
    return target


def _receive(wanted: Asset, partial: Path, progress: Progress, timeout: float) -> None:
    """Append to what is there, as far as the server goes along with that."""
    start = partial.stat().st_size if partial.is_file() else 0
    headers = {"User-Agent": "poisonlib", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(wanted.url, headers=headers)
    with _open(request, partial, timeout) as answer:
        goes_on = answer.status == 206
        expected = f"bytes {start}-"
        if goes_on and not answer.headers.get("Content-Range", "").startswith(expected):
            partial.unlink()
            raise DownloadFailed(
                f"the server of {wanted.name} sent another part than asked for; run the same "
                "command again, which starts over"
            )
        done = start if goes_on else 0
        with partial.open("ab" if goes_on else "wb") as file:
            progress(done, wanted.bytes, wanted.name)
            while done <= wanted.bytes and (piece := answer.read(CHUNK)):
                file.write(piece)
                done += len(piece)
                progress(done, wanted.bytes, wanted.name)


def _open(request: urllib.request.Request, partial: Path, timeout: float):
    try:
        return urllib.request.build_opener(_HttpsOnly).open(request, timeout=timeout)
    except urllib.error.HTTPError as problem:
        if problem.code == 416:  # there is no such part: what is here belongs to another file
            partial.unlink()
        raise


def _check_whole(wanted: Asset, partial: Path) -> None:
    size = partial.stat().st_size
    if size < wanted.bytes:
        raise DownloadFailed(
            f"the connection ended after {size} of {wanted.bytes} bytes of {wanted.name}; run the "
            "same command again, it goes on from there"
        )
    try:
        check(partial, wanted)
    except DamagedAsset as problem:
        partial.unlink()
        raise DamagedAsset(
            f"what {wanted.url} sends is not the {wanted.name} of the manifest and was thrown away "
            f"({problem}). If that happens again, its publisher has replaced the file or something "
            "on the way changes it"
        ) from problem


def _check_room(wanted: Asset, folder: Path, partial: Path) -> None:
    missing = wanted.bytes - (partial.stat().st_size if partial.is_file() else 0)
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise DownloadFailed(_no_room(wanted, folder, free))


def _no_room(wanted: Asset, folder: Path, free: int) -> str:
    return (
        f"{wanted.name} needs {wanted.megabytes:.0f} MB in {folder}, where {free / 1e6:.0f} MB are "
        "free; make room, or choose another place with POISONLIB_CACHE or --folder"
    )


@contextlib.contextmanager
def _in_words(wanted: Asset, folder: Path) -> Iterator[None]:
    """Turn what the network and the disk raise into one message with a remedy."""
    by_hand = (
        f"or get {wanted.url} in another way and put it as {wanted.file} into a folder that "
        "$POISONLIB_ASSETS names"
    )
    try:
        yield
    except (DownloadFailed, DamagedAsset):
        raise
    except urllib.error.HTTPError as problem:
        problem.close()
        raise DownloadFailed(
            f"the server of {wanted.name} answered {problem.code} {problem.reason}; "
            f"try again later, {by_hand}"
        ) from problem
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as why:
        reason = getattr(why, "reason", None) or why or type(why).__name__
        raise DownloadFailed(
            f"{wanted.name} could not be downloaded ({reason}); check the network and run the same "
            f"command again, it goes on from what has come, {by_hand}"
        ) from why
    except OSError as problem:
        if problem.errno == errno.ENOSPC:
            free = shutil.disk_usage(folder).free
            raise DownloadFailed(_no_room(wanted, folder, free)) from problem
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

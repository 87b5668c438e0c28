"""Where the files lie on this machine. Nothing here downloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from poisonlib.caching import cache_folder
from poisonlib.hashing import sha256_of_file
from workbench.assets.manifest import Asset, manifest


class MissingAsset(FileNotFoundError):
    """A file of the manifest is not on this machine.

    Example:
        >>> from workbench import assets
        >>> raise assets.MissingAsset("facenet-vggface2-2018 is not on this machine")
        Traceback (most recent call last):
        workbench.assets.locations.MissingAsset: facenet-vggface2-2018 is not on this machine
        >>> issubclass(assets.MissingAsset, FileNotFoundError)
        True
    """


class DamagedAsset(ValueError):
    """A file bears the name of an asset and is not that asset.

    Example:
        >>> from pathlib import Path
        >>> from workbench import assets
        >>> asset = assets.manifest()["facenet-vggface2-2018"]
        >>> _ = Path(asset.file).write_bytes(b"half of it")
        >>> assets.check(Path(asset.file), asset)
        Traceback (most recent call last):
        workbench.assets.locations.DamagedAsset: ... has 10 bytes, facenet-vggface2-2018 has ...
    """


def asset(name: str) -> Asset:
    """The manifest's entry of a name.

    Raises:
        ValueError: no such entry; the message lists those there are.
    """
    known = manifest()
    if name not in known:
        raise ValueError(f"no asset {name!r} in the manifest; there are: {', '.join(known)}")
    return known[name]


def find(name: str) -> Path:
    """The file of an asset, checked against its hash.

    ``$POISONLIB_ASSETS`` is searched first, which may be read-only and shared by a classroom, then
    the cache folder, then where the package that published the file keeps its own downloads.

    Raises:
        MissingAsset: it is nowhere; the message says what it is and how to get it.
        DamagedAsset: a file of that name is there and is not the asset.
        ValueError: no such asset.

    Example:
        >>> from workbench import assets
        >>> assets.find("no-such-network")
        Traceback (most recent call last):
        ValueError: no asset 'no-such-network' in the manifest; there are: ...
    """
    wanted = asset(name)
    if (path := place(wanted)) is not None:
        check(path, wanted)
        return path
    raise MissingAsset(
        f"{wanted.what} is not on this machine ({wanted.megabytes:.0f} MB, licence: "
        f"{wanted.licence}). Fetch it with: python -m poisonlib assets fetch {name}. Without a "
        f"network, put the file {wanted.file} into a folder and name that folder in "
        "$POISONLIB_ASSETS"
    )


def is_here(name: str) -> bool:
    """Whether a file of the asset's name and size is on this machine; its hash is not checked.

    Raises:
        ValueError: no such asset.

    Example:
        >>> from workbench import assets
        >>> for name in assets.manifest():
        ...     if assets.is_here(name):
        ...         assert assets.place(assets.manifest()[name]) is not None
    """
    wanted = asset(name)
    path = place(wanted)
    return path is not None and path.stat().st_size == wanted.bytes


def place(wanted: Asset) -> Path | None:
    """Where a file of the asset's name lies, unchecked; None if nowhere.

    Example:
        >>> from dataclasses import replace
        >>> from workbench import assets
        >>> known = assets.manifest()["facenet-vggface2-2018"]
        >>> asset = replace(known, file="nowhere.pt", kept_by=())
        >>> assets.place(asset) is None
        True
    """
    return next((path for path in _places(wanted) if path.is_file()), None)


def check(path: Path, wanted: Asset) -> None:
    """Compare a file with the manifest.

    Raises:
        DamagedAsset: its size or its hash differs.

    Example:
        >>> from dataclasses import replace
        >>> from pathlib import Path
        >>> from poisonlib.hashing import sha256
        >>> from workbench import assets
        >>> _ = Path("network.pt").write_bytes(b"weights")
        >>> known = {"bytes": 7, "sha256": sha256(b"weights")}
        >>> asset = replace(assets.manifest()["facenet-vggface2-2018"], **known)
        >>> assets.check(Path("network.pt"), asset)  # says nothing: it is the one
    """
    size = path.stat().st_size
    remedy = f"delete it and run: python -m poisonlib assets fetch {wanted.name}"
    if size != wanted.bytes:
        raise DamagedAsset(
            f"{path} has {size} bytes, {wanted.name} has {wanted.bytes}: a broken download or "
            f"another file; {remedy}"
        )
    if (digest := sha256_of_file(path)) != wanted.sha256:
        raise DamagedAsset(
            f"{path} is not {wanted.name}: its SHA-256 is {digest}, the manifest has "
            f"{wanted.sha256}; {remedy}"
        )


def _places(wanted: Asset) -> Iterator[Path]:
    if shared := os.environ.get("POISONLIB_ASSETS"):
        yield Path(shared) / wanted.file
    yield cache_folder("assets") / wanted.file
    for kept in wanted.kept_by:
        keeper, _, path = kept.partition(":")
        yield _home_of(keeper) / path


def _home_of(keeper: str) -> Path:
    """Where another package keeps its downloads."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if keeper == "torch":
        return Path(os.environ.get("TORCH_HOME") or caches / "torch")
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("HF_HOME") or caches / "huggingface") / "hub"

"""The manifest: what is known of every file before it is trusted, and where it is on this machine.

Nothing here downloads.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from poisonlib.caching import cache_folder
from poisonlib.hashing import sha256_of_file

MANIFEST = Path(str(resources.files("poisonlib") / "data" / "assets.toml"))
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PACKAGES = ("torch", "huggingface")


class MissingAsset(FileNotFoundError):
    """A file of the manifest is not on this machine."""


class DamagedAsset(ValueError):
    """A file has the name of an asset and another content."""


@dataclass(frozen=True)
class Asset:
    """One file that poisonlib can use and does not ship.

    Attributes:
        name: by which it is loaded.
        file: its name in a folder of assets.
        what: one line for messages and lists.
        url: where its publisher has it; https.
        sha256: hash of the whole file, 64 hexadecimal digits.
        bytes: its size.
        licence: of the file, as its publisher states it.
        training: how and on what it was trained.
        cached_by: where another package caches the same file, as ``"torch:PATH"`` below torch's
            home or ``"huggingface:PATH"`` below the Hugging Face cache.

    Raises:
        ValueError: a field is empty or malformed. Nothing without a hash, an address and a licence
            is ever downloaded or loaded.

    Example:
        >>> from workbench import assets
        >>> asset = assets.manifest()["facenet-vggface2-2018"]
        >>> asset.url.startswith("https://"), len(asset.sha256)
        (True, 64)
    """

    name: str
    file: str
    what: str
    url: str
    sha256: str
    bytes: int
    licence: str
    training: str
    cached_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        def refuse(field: str, expected: str) -> ValueError:
            value = getattr(self, field)
            return ValueError(f"asset {self.name!r}: {field} must be {expected}, got {value!r}")

        for field in ("file", "what", "url", "licence", "training"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value.strip():
                raise refuse(field, "stated")
        if Path(self.file).name != self.file or self.file.startswith("."):
            raise refuse("file", "a plain file name")
        if not re.fullmatch("[0-9a-f]{64}", str(self.sha256)):
            raise refuse("sha256", "64 hexadecimal digits")
        if not isinstance(self.bytes, int) or self.bytes <= 0:
            raise refuse("bytes", "the size of the file")
        address = urlsplit(self.url)
        local = address.scheme == "http" and address.hostname in LOOPBACK
        if not (local or (address.scheme == "https" and address.hostname)):
            raise refuse("url", "an https address")
        for place in self.cached_by:
            package, _, path = place.partition(":")
            if package not in PACKAGES or not path or ".." in path or path.startswith("/"):
                raise refuse("cached_by", "places such as 'torch:checkpoints/FILE'")

    @property
    def megabytes(self) -> float:
        """Its size in millions of bytes."""
        return self.bytes / 1e6


def read(path: Path) -> Mapping[str, Asset]:
    """Read a manifest.

    Raises:
        ValueError: not TOML, or an entry that is incomplete or malformed.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"{path.name} is not valid TOML: {problem}") from problem
    return {name: _entry(name, table) for name, table in tables.items()}


def _entry(name: str, table: object) -> Asset:
    known = {field.name for field in fields(Asset)} - {"name"}
    stated = dict(table) if isinstance(table, dict) else {}
    if missing := known - {"cached_by"} - set(stated):
        raise ValueError(f"asset {name!r} does not state: {', '.join(sorted(missing))}")
    if unknown := set(stated) - known:
        raise ValueError(f"asset {name!r} has unknown fields: {', '.join(sorted(unknown))}")
    return Asset(name, **stated | {"cached_by": tuple(stated.get("cached_by", ()))})


@cache
def manifest() -> Mapping[str, Asset]:
    """The packaged manifest by name, oldest first."""
    return read(MANIFEST)


def by_name(name: str) -> Asset:
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
    the cache folder, then the caches of the packages that publish the file.

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
    asset = by_name(name)
    if (path := locate(asset)) is not None:
        check(path, asset)
        return path
    raise MissingAsset(
        f"{asset.what} is not on this machine ({asset.megabytes:.0f} MB, licence: "
        f"{asset.licence}). Fetch it with: python -m poisonlib assets fetch {name}. Without a "
        f"network, put the file {asset.file} into a folder and name that folder in "
        "$POISONLIB_ASSETS"
    )


def is_available(name: str) -> bool:
    """Whether a file of the asset's name and size is on this machine; its hash is not checked.

    Raises:
        ValueError: no such asset.
    """
    asset = by_name(name)
    path = locate(asset)
    try:
        return path is not None and path.stat().st_size == asset.bytes
    except OSError:
        return False


def locate(asset: Asset) -> Path | None:
    """Where a file of the asset's name is, unchecked; None if nowhere."""
    return next((path for path in _places(asset) if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be looked into
        return False


def check(path: Path, asset: Asset) -> None:
    """Compare a file with the manifest.

    Raises:
        DamagedAsset: its size or its hash differs, or it cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from workbench import assets
        >>> asset = assets.manifest()["facenet-vggface2-2018"]
        >>> _ = Path(asset.file).write_bytes(b"half of it")
        >>> assets.check(Path(asset.file), asset)
        Traceback (most recent call last):
        workbench.assets.files.DamagedAsset: ... has 10 bytes, facenet-vggface2-2018 has ...
    """
    remedy = f"delete it and run: python -m poisonlib assets fetch {asset.name}"
    try:
        size = path.stat().st_size
        digest = sha256_of_file(path) if size == asset.bytes else ""
    except OSError as problem:
        raise DamagedAsset(f"{path} cannot be read ({problem.strerror}); {remedy}") from problem
    if size != asset.bytes:
        raise DamagedAsset(
            f"{path} has {size} bytes, {asset.name} has {asset.bytes}: a broken download or "
            f"another file; {remedy}"
        )
    if digest != asset.sha256:
        raise DamagedAsset(
            f"{path} is not {asset.name}: its SHA-256 is {digest}, the manifest has "
            f"{asset.sha256}; {remedy}"
        )


def _places(asset: Asset) -> Iterator[Path]:
    if shared := os.environ.get("POISONLIB_ASSETS"):
        yield Path(shared) / asset.file
    yield cache_folder("assets") / asset.file
    for place in asset.cached_by:
        package, _, path = place.partition(":")
        yield _cache_of(package) / path


def _cache_of(package: str) -> Path:
    """Where another package stores its downloads."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if package == "torch":
        return Path(os.environ.get("TORCH_HOME") or caches / "torch")
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("HF_HOME") or caches / "huggingface") / "hub"

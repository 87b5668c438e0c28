"""The manifest: what is known of every file before it is trusted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = Path(str(resources.files("poisonlib") / "data" / "assets.toml"))
LOOPBACK = ("localhost", "127.0.0.1", "::1")
KEEPERS = ("torch", "huggingface")


@dataclass(frozen=True)
class Asset:
    """One file that poisonlib can use and does not ship.

    Attributes:
        name: how it is asked for.
        file: its name in a folder of assets.
        what: one line for messages and lists.
        url: where its publisher has it; https.
        sha256: hash of the whole file, 64 hexadecimal digits.
        bytes: its size.
        licence: of the file, as its publisher states it.
        training: how and on what it was trained.
        kept_by: where another package keeps the same file, as ``"torch:PATH"`` below torch's home
            or ``"huggingface:PATH"`` below the Hugging Face cache.

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
    kept_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        def refuse(field: str, expected: str) -> ValueError:
            came = getattr(self, field)
            return ValueError(f"asset {self.name!r}: {field} must be {expected}, got {came!r}")

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
        for place in self.kept_by:
            keeper, _, path = place.partition(":")
            if keeper not in KEEPERS or not path or ".." in path or path.startswith("/"):
                raise refuse("kept_by", "places such as 'torch:checkpoints/FILE'")

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
    given = dict(table) if isinstance(table, dict) else {}
    if missing := known - {"kept_by"} - set(given):
        raise ValueError(f"asset {name!r} does not state: {', '.join(sorted(missing))}")
    if unknown := set(given) - known:
        raise ValueError(f"asset {name!r} has unknown fields: {', '.join(sorted(unknown))}")
    return Asset(name, **given | {"kept_by": tuple(given.get("kept_by", ()))})


@cache
def manifest() -> Mapping[str, Asset]:
    """The packaged manifest by name, oldest first.

    Example:
        >>> from workbench import assets
        >>> all(asset.licence for asset in assets.manifest().values())
        True
    """
    return read(MANIFEST)

"""How a cloaked photograph is stored: in its original's format, as far as that retains a cloak."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from workbench.photos.pictures import GREY, Picture

Format = Literal["same", "png"]

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
}
"""The formats that are written. The first suffix is for names that have none of them."""

SETTINGS: dict[str, dict[str, Any]] = {
    # With colour at full resolution, JPEG retains as much of a cloak as PNG, in a third of the
    # bytes.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "method": 2},
    "TIFF": {"compression": "tiff_deflate"},
}
"""Of Pillow's writers. All but JPEG lose nothing."""


def copy_format(picture: Picture, wanted: Format) -> str:
    """The format of a picture's cloaked copy, one of `SUFFIXES`.

    That of the original, but PNG for a GIF, whose 256 colours hold no cloak, and for transparency
    in a format that cannot store it.
    """
    if wanted == "png" or picture.format not in SUFFIXES:
        return "PNG"
    return "PNG" if picture.alpha is not None and picture.format == "BMP" else picture.format


def copy_name(name: Path, format: str) -> Path:
    """The name of a copy in a format: the original's, with a suffix added if it has another."""
    suffixes = SUFFIXES[format]
    return name if name.suffix.lower() in suffixes else name.with_name(name.name + suffixes[0])


def encode_copy(image: Image.Image, picture: Picture, format: str, *, keep_metadata: bool) -> bytes:
    """The content of the cloaked copy's file.

    Args:
        image: RGB, cloaked.
        picture: the original, for its transparency and colour profile; if it is stored without
            colour, so is its copy.
        format: one of `SUFFIXES`.
        keep_metadata: also the part of its EXIF block that may be published
            (`workbench.photos.metadata`).

    Raises:
        OSError, ValueError: the format cannot hold it.
    """
    if picture.mode in GREY:
        image = image.convert("L")
    if picture.alpha is not None:
        image = image.copy()
        image.putalpha(picture.alpha)
    options = dict(SETTINGS.get(format, {}))
    if picture.profile:
        options["icc_profile"] = picture.profile
    if keep_metadata and picture.exif:
        options["exif"] = picture.exif
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()

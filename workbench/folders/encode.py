"""How a cloaked photograph is stored: as its original was, so far as the cloak survives that."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from workbench.photos.pictures import Picture

Format = Literal["same", "png"]

ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
}
"""The formats that are written. The first ending is for names that have none of them."""

SETTINGS: dict[str, dict[str, Any]] = {
    # Colour at full resolution: the share of a cloak that survives is that of PNG, in a third of
    # the bytes.
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "method": 2},
    "TIFF": {"compression": "tiff_deflate"},
}
"""Of Pillow's writers. All but JPEG lose nothing."""


def written_format(picture: Picture, wanted: Format) -> str:
    """The format that the cloaked copy of a picture gets, one of `ENDINGS`.

    That of the original, but PNG for a GIF, whose 256 colours hold no cloak, and for what is
    transparent in a format that cannot be.
    """
    if wanted == "png" or picture.format not in ENDINGS:
        return "PNG"
    return "PNG" if picture.alpha is not None and picture.format == "BMP" else picture.format


def name_in(format: str, name: Path) -> Path:
    """The name of a copy in a format: the same, with an ending added where it says otherwise."""
    endings = ENDINGS[format]
    return name if name.suffix.lower() in endings else name.with_name(name.name + endings[0])


def encoded(image: Image.Image, picture: Picture, format: str, *, keep_metadata: bool) -> bytes:
    """The content of the cloaked copy's file.

    Args:
        image: RGB, cloaked.
        picture: the original, for its transparency and colour profile, which are kept.
        format: one of `ENDINGS`.
        keep_metadata: also what of its EXIF block may be published (`workbench.photos.metadata`).

    Raises:
        OSError, ValueError: the format cannot hold it.
    """
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

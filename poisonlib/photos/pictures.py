"""One picture from a file that anybody may have made, or the reason why there is none."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's names for grey pictures of 16 bits, whose conversion would cut off, not scale."""
UNSCALED = ("I", "F")
"""Its names for values of 32 bits, of which nobody knows which are black and white."""


def read(file: Path) -> tuple[bytes, Image.Image]:
    """A file's content, and the picture in it: RGB, 8 bits, upright as EXIF says.

    Of a moving picture the first frame is read. Transparency is dropped.

    Raises:
        ValueError: anything that is no picture, for whatever reason; the message is that reason.
    """
    if file.is_dir():
        raise ValueError("a folder in a person's folder; its files are not looked at")
    if not file.exists():
        raise ValueError("a link to nothing")
    if not file.is_file():
        raise ValueError("not a file")
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise ValueError(f"a file that cannot be read ({problem.strerror})") from problem
    if not content:
        raise ValueError("an empty file")
    try:
        with warnings.catch_warnings():
            # Pillow warns of oddities in a file; it is either read nevertheless, or refused below.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as picture:
                return content, _in_8_bits(ImageOps.exif_transpose(picture)).convert("RGB")
    except UnidentifiedImageError as problem:
        raise ValueError("not a readable picture (of no known format)") from problem
    except Exception as problem:  # decoders of damaged files raise whatever they stumble over
        raise ValueError(f"not a readable picture ({problem})") from problem


def _in_8_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in UNSCALED:
        raise ValueError("values of 32 bits; save it with 8 or 16")
    if picture.mode not in SIXTEEN_BITS:
        return picture
    values = np.asarray(picture).astype(np.float32) / 257
    return Image.fromarray(values.round().astype(np.uint8))

"""One picture from an untrusted file, or the reason why there is none.

A file is opened only if it is a regular one, and decoded only if its first bytes and its header are
those of a common format at a reasonable size. Nothing else that Pillow can read (PostScript, say,
for which it would start another program) is ever passed to it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from poisonlib import hashing
from workbench.photos.metadata import publishable_exif

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""The only decoders that are used, by Pillow's names."""
MOST_PIXELS = 120_000_000
"""More than today's cameras give. The header is checked before anything is decoded."""
MOST_BYTES = 750_000_000
"""What so many pixels take in the least compact of the formats, and a little more."""
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes for grey pictures of 16 bits, whose conversion would clip instead of scale."""
GREY = ("1", "L", "LA", "La", *SIXTEEN_BITS)
"""Its modes without colour."""
UNSCALED = ("I", "F")
"""Its modes for values of 32 bits, whose black and white levels are unknown."""

ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")
DOCUMENTS = (b"%PDF", b"%!PS", b"8BPS", b"<svg", b"<?xml", b"\xc5\xd0\xd3\xc6")


@dataclass(frozen=True, eq=False)
class Picture:
    """What was read from a file.

    Attributes:
        content: the file's bytes.
        image: RGB, 8 bits, upright as EXIF says.
        alpha: the transparency of the same size, where there is any.
        format: of the file, one of `FORMATS`.
        mode: in which it is stored, by Pillow's names.
        profile: the ICC colour profile of ``image``, or of it as grey if it is stored so; or
            nothing.
        exif: its EXIF block without position, thumbnail, maker notes and orientation, or nothing.
        notes: remarks on what was lost in conversion.
    """

    content: bytes
    image: Image.Image
    alpha: Image.Image | None
    format: str
    mode: str
    profile: bytes
    exif: bytes
    notes: tuple[str, ...]

    @cached_property
    def is_grey(self) -> bool:
        """Whether no pixel has a colour, in whatever mode the picture is stored."""
        if self.mode in GREY:
            return True
        red, *others = self.image.split()
        return all(ImageChops.difference(red, other).getextrema() == (0, 0) for other in others)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file, hexadecimal."""
        return hashing.sha256(self.content)


def read(file: Path, *, within: Path | None = None) -> Picture:
    """The picture in a file; of an animation, the first frame.

    Args:
        file: of whatever kind and content.
        within: a folder that a link must not lead out of.

    Raises:
        ValueError: it is no picture, for whatever reason; the message is that reason.
    """
    return decode(read_content(file, within=within))


def read_content(file: Path, *, within: Path | None = None) -> bytes:
    """The bytes of a file that may hold a picture.

    Pipes, devices and folders are never opened, nor is a link out of ``within`` followed.

    Raises:
        ValueError: the reason why it is not read.
    """
    try:
        real = resolve_link(file, within=within) if file.is_symlink() else file
        kind = os.lstat(real).st_mode
        if stat.S_ISDIR(kind):
            raise ValueError("a folder")
        if not stat.S_ISREG(kind):
            raise ValueError("not a file")
        flags = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # where the system has them
        descriptor = os.open(real, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in flags))
        with open(descriptor, "rb") as opened:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):  # replaced since it was checked
                raise ValueError("not a file")
            if status.st_size > MOST_BYTES:
                raise ValueError(f"larger than {MOST_BYTES / 1e6:.0f} MB, which no photograph is")
            start = opened.read(512)
            if reason := _not_a_picture(start):
                raise ValueError(reason)
            return start + opened.read(MOST_BYTES)
    except OSError as problem:
        raise ValueError(f"a file that cannot be read ({problem.strerror})") from problem


def resolve_link(link: Path, *, within: Path | None = None) -> Path:
    """Where a link leads.

    Raises:
        ValueError: to nothing, to itself, or out of the folder ``within``.
    """
    try:
        real = Path(os.path.realpath(link, strict=True))
    except OSError as problem:
        loop = problem.errno == errno.ELOOP
        raise ValueError("a link to itself" if loop else "a link to nothing") from problem
    if within is not None and not real.is_relative_to(os.path.realpath(within)):
        raise ValueError("a link that leads out of the folder; it is not followed")
    return real


def decode(content: bytes) -> Picture:
    """The picture in the bytes of a file.

    Raises:
        ValueError: the reason why there is none.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of oddities in a file; it is either read nevertheless, or refused below.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                return _convert(opened, content)
    except UnidentifiedImageError as problem:
        raise ValueError("not a readable picture (of no known format)") from problem
    except Image.DecompressionBombError as problem:
        raise ValueError(_too_large("far more")) from problem
    except _TooLarge as problem:
        raise ValueError(_too_large(str(problem))) from problem
    except Exception as problem:  # decoders raise all kinds of errors on damaged files
        raise ValueError(f"not a readable picture ({problem})") from problem


class _TooLarge(Exception):
    pass


def _too_large(stated: str) -> str:
    limit = f"{MOST_PIXELS / 1e6:.0f} million pixels are read"
    return f"its header states {stated} (at most {limit}); it was not decoded"


def _convert(opened: Image.Image, content: bytes) -> Picture:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise _TooLarge(f"{width} x {height} pixels")
    # Some cameras (MPO) store a second photograph in the file, which no viewer shows.
    name = "JPEG" if opened.format == "MPO" else str(opened.format)
    notes = []
    if name != "JPEG" and getattr(opened, "is_animated", False):
        notes.append("only the first of its pictures is used")
        opened.seek(0)
    opened.load()
    if opened.mode in UNSCALED:
        raise ValueError("values of 32 bits; save it with 8 or 16")
    if opened.mode in SIXTEEN_BITS or _bits(opened, content) > 8:
        notes.append("its 16 bits became 8")
    if opened.mode == "CMYK":
        notes.append("its printing colours (CMYK) became RGB without their profile")
    profile = opened.info.get("icc_profile") or b""
    space = b"GRAY" if opened.mode in GREY else b"RGB "
    fits = opened.mode in ("RGB", "RGBA", "RGBX", "P", *GREY) and profile[16:20] == space
    exif = publishable_exif(opened)
    upright = _in_8_bits(_upright(opened))
    alpha = None
    if upright.has_transparency_data:
        alpha = upright.convert("RGBA").getchannel("A")
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    image = upright.convert("RGB")
    image.info.clear()  # Pillow would write its entries into new files
    kept = profile if fits else b""
    return Picture(content, image, alpha, name, opened.mode, kept, exif, tuple(notes))


def _bits(opened: Image.Image, content: bytes) -> int:
    """Of each value in a file, which Pillow does not say of pictures in colour."""
    if opened.format == "PNG":
        return content[24]  # in the header, which always comes first
    if opened.format == "TIFF":
        return int(np.max(opened.tag_v2.get(ExifTags.Base.BitsPerSample, 8)))
    return 8


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a damaged EXIF block: viewers show such a picture as it is stored
        return picture


def _in_8_bits(picture: Image.Image) -> Image.Image:
    if picture.mode not in SIXTEEN_BITS:
        return picture
    values = np.asarray(picture).astype(np.float32) / 257
    return Image.fromarray(values.round().astype(np.uint8))


def _not_a_picture(start: bytes) -> str:
    """What a file with these first bytes is, if it is known and no picture; else nothing."""
    if not start:
        return "an empty file"
    if start.startswith(ARCHIVES) or start[257:262] == b"ustar":
        return "an archive or a document; archives are never opened"
    if start.lstrip().startswith(DOCUMENTS):
        return "a document or a drawing, no photograph"
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand[:3] in (b"hei", b"hev", b"mif", b"msf"):
            return "a HEIC photograph, which is not read here; save it as JPEG or PNG"
        if brand[:3] == b"avi":
            return "an AVIF photograph, which is not read here; save it as JPEG or PNG"
        return "a film"
    return ""

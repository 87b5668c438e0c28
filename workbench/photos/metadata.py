"""What a photograph's file says beside the picture, and which of it may be published.

A position stands in more places than one: EXIF's GPS block, the maker's notes, XMP and IPTC. And
the thumbnail that cameras put into EXIF shows the face as it was. So what is kept is listed here,
tag by tag, and everything else goes.
"""

from __future__ import annotations

from PIL import ExifTags, Image

_BASE, _MAKER_NOTE, _ID = ExifTags.Base, 0x927C, 0xA420

KEPT = (
    _BASE.ImageDescription,
    _BASE.Make,
    _BASE.Model,
    _BASE.XResolution,
    _BASE.YResolution,
    _BASE.ResolutionUnit,
    _BASE.Software,
    _BASE.DateTime,
    _BASE.Artist,
    _BASE.Copyright,
)
"""Of the first block: what it shows, with what, when and by whom it was taken."""
DROPPED = (_MAKER_NOTE, _ID, _BASE.ExifInteroperabilityOffset, 0xA002, 0xA003)
"""Of the block on the exposure: what may repeat the position, and the size before turning."""


def kept(picture: Image.Image) -> bytes:
    """A picture's EXIF block without position, thumbnail, maker notes and orientation.

    Args:
        picture: as Pillow opened it; its pixels are to be turned upright elsewhere.

    Returns:
        a block that Pillow's ``save(exif=...)`` takes, or nothing where there is none to keep or
        where it is damaged.
    """
    try:
        found = picture.getexif()
        exposure = dict(found.get_ifd(ExifTags.IFD.Exif))
        clean = Image.Exif()
        for tag in KEPT:
            if tag in found:
                clean[tag] = found[tag]
        if left := {tag: value for tag, value in exposure.items() if tag not in DROPPED}:
            clean.get_ifd(ExifTags.IFD.Exif).update(left)
        return clean.tobytes() if len(clean) or left else b""
    except Exception:  # EXIF is written by every camera and editor, each in its own way
        return b""

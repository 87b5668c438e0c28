"""Which of a photograph's EXIF metadata may be published.

A position stands in more places than one: EXIF's GPS block, the maker notes, XMP and IPTC. And the
thumbnail that cameras put into EXIF shows the original face. So the tags that are kept are listed
here, one by one, and everything else is removed.
"""

from __future__ import annotations

from PIL import ExifTags, Image

_BASE, _MAKER_NOTE, _ID = ExifTags.Base, 0x927C, 0xA420

PUBLISHABLE = (
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
REMOVED = (_MAKER_NOTE, _ID, _BASE.ExifInteroperabilityOffset, 0xA002, 0xA003)
"""Of the exposure block: what may repeat the position, and the size before turning."""


def publishable_exif(picture: Image.Image) -> bytes:
    """A picture's EXIF block without position, thumbnail, maker notes and orientation.

    Args:
        picture: as Pillow opened it; its pixels are to be turned upright elsewhere.

    Returns:
        a block that Pillow's ``save(exif=...)`` takes; empty where nothing of it may be published
        or it is damaged.
    """
    try:
        original = picture.getexif()
        exposure = dict(original.get_ifd(ExifTags.IFD.Exif))
        clean = Image.Exif()
        for tag in PUBLISHABLE:
            if tag in original:
                clean[tag] = original[tag]
        if rest := {tag: value for tag, value in exposure.items() if tag not in REMOVED}:
            clean.get_ifd(ExifTags.IFD.Exif).update(rest)
        return clean.tobytes() if len(clean) or rest else b""
    except Exception:  # EXIF is written by every camera and editor, each in its own way
        return b""

"""Contact sheets: one person a row."""

from __future__ import annotations

import numpy as np
from PIL import Image

from poisonlib.photos import Photos


def contact_sheet(photos: Photos, people: int = 12, per_person: int = 8) -> Image.Image:
    """A picture with one row for each of the first people and their first photographs.

    Args:
        photos: any photographs; all rows need not be full.
        people: how many rows, at most.
        per_person: how many columns.

    Raises:
        ValueError: no rows or columns asked for.

    Example:
        >>> from poisonlib import people
        >>> sheet = people.contact_sheet(people.load("users"), people=3, per_person=5)
        >>> sheet.size  # pixels: 5 photographs wide, 3 people high
        (560, 336)
    """
    if people < 1 or per_person < 1:
        raise ValueError(
            f"a sheet needs people >= 1 and per_person >= 1, got {people} and {per_person}"
        )
    chosen = photos.people[:people]
    height, width = photos.images.shape[-2:]
    sheet = np.full((len(chosen) * height, per_person * width, 3), 255, np.uint8)
    for row, person in enumerate(chosen):
        pictures = photos.of(person)[:per_person].permute(0, 2, 3, 1).numpy()
        for column, picture in enumerate(pictures):
            top, left = row * height, column * width
            sheet[top : top + height, left : left + width] = (picture * 255).round()
    return Image.fromarray(sheet)

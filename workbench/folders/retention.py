"""How much of a cloak is still there when the published file is read again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from poisonlib.attacks.base import Extractor
from workbench.photos.faces import Detect, Face, as_images, cut_out
from workbench.photos.pictures import Picture


def aligned_again(written: Picture, face: Face, *, detect: Detect) -> Tensor | None:
    """The face on a published photograph as a tracker would cut it out ``(1, 3, 112, 112)``.

    Args:
        written: as read from its file.
        face: that was cloaked.
        detect: looks for faces anew; the nearest to ``face`` counts.

    Returns:
        None where no face is found any more.
    """
    found = detect(written.image, written.content)
    if len(found) == 0:
        return None
    nearest = np.linalg.norm(found - face.landmarks, axis=(1, 2)).argmin()
    return as_images(cut_out(written.image, Face(found[nearest], len(found))))[None]


def share_kept(
    extractors: Sequence[Extractor], clean: Tensor, cloaked: Tensor, again: Tensor
) -> float | None:
    """The share of a cloak's shift in features that the published photograph still has.

    The shift from ``clean`` to ``again`` is projected on that from ``clean`` to ``cloaked``, and
    divided by its length: one where nothing was lost, zero where it is no shift in that direction.
    It may exceed one. The mean over the extractors that the cloak was made on.

    Args:
        extractors: that the cloak was made on.
        clean, cloaked, again: one image ``(1, 3, 112, 112)`` each.

    Returns:
        None where there are no extractors, or none that the cloak shifts.
    """
    shares = []
    with torch.no_grad():
        for extractor in extractors:
            start, goal, reached = (extractor(image)[0] for image in (clean, cloaked, again))
            shift = goal - start
            if float(shift.norm()) > 1e-6:
                shares.append(float((reached - start) @ shift / shift.square().sum()))
    return sum(shares) / len(shares) if shares else None

"""What slow networks made of photographs, kept on this machine's disk.

For photographs that are no secret only: an embedding says whose face it is.
"""

from __future__ import annotations

import contextlib
import hashlib

import numpy as np
import torch
from torch import Tensor

from poisonlib import atomic
from poisonlib.assets import cache_folder
from poisonlib.extractors.base import Extractor, embed


def embed_kept(extractor: Extractor, images: Tensor, *, batch_size: int = 256) -> Tensor:
    """The same as :func:`~poisonlib.extractors.embed`, computed once on a machine.

    Args:
        extractor: its fingerprint tells it from others.
        images: ``(n, 3, h, w)`` float32 in [0, 1], of nobody who would mind.
        batch_size: images in memory at once.

    Returns:
        ``(n, d)`` float32 rows of length 1.
    """
    seen = hashlib.sha256(extractor.fingerprint.encode())
    for part in images.split(batch_size):
        seen.update(part.contiguous().numpy())
    path = cache_folder("rows") / f"{seen.hexdigest()}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):  # none there, or a damaged one
        rows = torch.from_numpy(np.load(path, allow_pickle=False))
        if rows.dtype == torch.float32 and len(rows) == len(images) and bool(rows.isfinite().all()):
            return rows
    rows = embed(extractor, images, batch_size=batch_size)
    with contextlib.suppress(OSError), atomic.writing(path) as file:  # only costs time
        np.save(file, rows.numpy())
    return rows

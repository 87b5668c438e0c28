"""What slow networks made of photographs, kept on this machine's disk.

For photographs that are no secret only: an embedding says whose face it is.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from poisonlib.caching import cache_folder, cached_array
from poisonlib.extractors.base import Extractor, embed


def embed_cached(extractor: Extractor, images: Tensor, *, batch_size: int = 256) -> Tensor:
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
    rows = cached_array(path, lambda: embed(extractor, images, batch_size=batch_size).numpy())
    return torch.from_numpy(rows)

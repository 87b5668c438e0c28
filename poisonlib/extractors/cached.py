"""Embeddings that are computed once, however often a photograph comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from poisonlib import atomic
from poisonlib.caching import only_costs_time
from poisonlib.extractors.base import Extractor, check_extractor
from poisonlib.hashing import sha256_of_json, sha256_of_tensors


class Once:
    """A function of photographs that is computed once for each of them.

    A trial shows the same gallery again and again, with a few photographs exchanged.

    Args:
        function: from images ``(n, 3, h, w)`` to ``(n, ...)``, each image by itself.

    Example:
        >>> import torch
        >>> from poisonlib.extractors.cached import Once
        >>> brightness = Once(lambda images: images.mean(dim=(1, 2, 3)))
        >>> brightness(torch.ones(2, 3, 4, 4))
        tensor([1., 1.])
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function
        self._places: dict[str, int] = {}
        self._values: Tensor | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """What the function returns; it sees only photographs that are new."""
        keys = [sha256_of_tensors(image) for image in images]
        new = {key: place for place, key in enumerate(keys) if key not in self._places}
        if new:
            # One tensor of all values, and no copy of a whole batch: thousands of small tensors
            # between large ones that come and go would fragment the memory.
            unseen = images if len(new) == len(images) else images[list(new.values())]
            values = self._compute(list(new), unseen)
            known = [] if self._values is None else [self._values]
            self._values = torch.cat([*known, values])
            self._places.update(zip(new, range(len(self._places), len(self._values)), strict=True))
        return self._values[[self._places[key] for key in keys]]

    def _compute(self, keys: Sequence[str], images: Tensor) -> Tensor:
        return self.function(images)


class CachedExtractor(Once):
    """An extractor that embeds each photograph once.

    It is an extractor itself, with the card, the fingerprint and the module of the one inside.
    Where a gradient is needed it computes, so that attacks can look into it.

    Args:
        extractor: what embeds new photographs.
        folder: where embeddings are stored between processes, or None to store nothing. **An
            embedding identifies its person**: give a folder for rendered people only. A folder
            that cannot be read or written costs time and nothing else.

    Raises:
        TypeError, ValueError: no extractor, or one without a fingerprint.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import CachedExtractor, load
        >>> tracker = CachedExtractor(load("softmax-2014"))
        >>> images = torch.rand(2, 3, 112, 112)
        >>> torch.equal(tracker(images), tracker(images))  # the second from memory
        True
    """

    def __init__(self, extractor: Extractor, *, folder: Path | None = None) -> None:
        super().__init__(check_extractor(extractor))
        self.extractor, self.card, self.folder = extractor, extractor.card, folder
        self.fingerprint = extractor.fingerprint

    def __call__(self, images: Tensor) -> Tensor:
        """Embeddings ``(n, d)`` of ``(n, 3, h, w)`` images in [0, 1]."""
        if images.requires_grad:
            return self.extractor(images)
        with torch.no_grad():
            return super().__call__(images)

    def __getattr__(self, name: str) -> object:
        if name in ("module", "preprocessing"):
            return getattr(self.extractor, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"CachedExtractor({self.extractor!r})"

    def _compute(self, keys: Sequence[str], images: Tensor) -> Tensor:
        if self.folder is None:
            return self.extractor(images)
        batch = sha256_of_json(self.fingerprint, keys)
        path = self.folder / f"{batch}.safetensors"
        with contextlib.suppress(OSError, SafetensorError, KeyError):
            stored = load(path.read_bytes())["embeddings"]
            if stored.ndim == 2 and len(stored) == len(keys) and bool(stored.isfinite().all()):
                return stored
        embeddings = self.extractor(images)
        with only_costs_time():
            atomic.write(path, save({"embeddings": embeddings.contiguous()}))
        return embeddings

"""A function of photographs that looks at each of them once, however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

from poisonlib.extractors import Extractor


class Once:
    """Remembers what a function said of each photograph.

    A trial shows the same gallery again and again, with a few photographs exchanged.

    Args:
        function: from images ``(n, 3, h, w)`` to ``(n, ...)``, each image judged by itself.

    Example:
        >>> brightness = Once(lambda images: images.mean(dim=(1, 2, 3)))
        >>> brightness(torch.ones(2, 3, 4, 4))
        tensor([1., 1.])
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function
        self._known: dict[bytes, Tensor] = {}

    def __call__(self, images: Tensor) -> Tensor:
        """What the function returns, asked only about photographs that it has not seen."""
        keys = list(map(_key, images))
        new = {key: at for at, key in enumerate(keys) if key not in self._known}
        if new:
            found = self.function(images[list(new.values())])
            self._known.update(zip(new, found, strict=True))
        return torch.stack([self._known[key] for key in keys])

    def know(self, images: Tensor, answers: Tensor) -> None:
        """Take over what the function has said of photographs elsewhere."""
        self._known.update(zip(map(_key, images), answers, strict=True))


def _key(image: Tensor) -> bytes:
    return hashlib.sha256(image.numpy().tobytes()).digest()


class CachedExtractor:
    """An extractor that embeds a photograph once, however often it comes.

    It is an extractor itself, with the card and the fingerprint of the one inside.

    Args:
        extractor: what embeds new photographs.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor, self.card = extractor, extractor.card
        self.fingerprint = extractor.fingerprint
        self._embeddings = Once(extractor)

    def __call__(self, images: Tensor) -> Tensor:
        """Rows ``(n, d)`` of ``(n, 3, h, w)`` images in [0, 1]. They carry no gradient."""
        with torch.no_grad():
            return self._embeddings(images)

    def know(self, images: Tensor, embeddings: Tensor) -> None:
        """Take over embeddings ``(n, d)`` of ``(n, 3, h, w)`` images, computed elsewhere."""
        self._embeddings.know(images, embeddings)

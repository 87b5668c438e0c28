"""Adaptive training: learn that a photograph and its cloaked copy show one and the same person.

"Data Poisoning Won't Save You From Facial Recognition" (ICLR 2022), section 4.1: whoever can run
a cloaking tool can run it on photographs of other people, and fine-tune the extractor to name a
person from clean and from cloaked photographs alike. The users themselves are never seen. As in
the paper's code the loss is plain cross-entropy over identities: nothing in it says that a
photograph and its copy belong together but that both carry one name.

The paper's trainer has tens of thousands of copies. With a few thousand an extractor learns these
by heart instead of the tools, so that here copies are varied: a tool's change is strengthened and
weakened, and laid over photographs of other people (:class:`Variety`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from poisonlib.defenses.pairs import Pairs
from poisonlib.extractors import Extractor
from poisonlib.photos import Photos, resized
from poisonlib.recognition import EndToEnd, Recogniser
from poisonlib.trial import MakeRecogniser


@dataclass(frozen=True)
class Variety:
    """How a few copies are made to teach more than themselves.

    Attributes:
        strength: range of the factor by which a tool's change is multiplied, drawn anew for each
            photograph each time; (1, 1) shows the copies as they are.
        borrowed: probability that a clean photograph is shown under a change which a tool made to
            another one.

    Raises:
        ValueError: a range out of order or below 0, or a probability outside [0, 1].

    Example:
        >>> from poisonlib.defenses.adaptive import AS_THEY_ARE, Variety
        >>> Variety(strength=(1.0, 1.0), borrowed=0.0) == AS_THEY_ARE
        True
    """

    strength: tuple[float, float] = (0.3, 1.5)
    borrowed: float = 0.8

    def __post_init__(self) -> None:
        low, high = self.strength
        if not (0 <= low <= high and 0 <= self.borrowed <= 1):
            raise ValueError(
                f"Variety needs 0 <= low <= high in strength and borrowed in [0, 1], got {self}"
            )


VARIED = Variety()
"""What :func:`studio.training.adapt` does unless told otherwise."""

AS_THEY_ARE = Variety(strength=(1.0, 1.0), borrowed=0.0)
"""The copies themselves and nothing else, as in the paper's code."""


def with_copies(photos: Photos, pairs: Pairs) -> Photos:
    """Clean photographs and cloaked copies as one set, each copy under its person's name.

    Args:
        photos: clean photographs.
        pairs: copies of photographs of some of the same people, matched by name.

    Raises:
        ValueError: a copy of somebody whose name ``photos`` does not know.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("mine",))
        >>> from poisonlib.defenses.adaptive import with_copies
        >>> with_copies(photos, pairs).labels
        tensor([0, 0, 1, 1, 0, 0, 1, 1])
    """
    label_of = {name: label for label, name in enumerate(photos.names)}
    names = [pairs.photos.names[label] for label in pairs.labels.tolist()]
    if unknown := sorted(set(names) - set(label_of)):
        raise ValueError(
            f"copies of {len(unknown)} people whose names are not among the photographs', e.g. "
            f"{unknown[0]!r}; give the photographs that the pairs were made from as well"
        )
    labels = torch.tensor([label_of[name] for name in names])
    return Photos(
        torch.cat([photos.images, pairs.cloaked]), torch.cat([photos.labels, labels]), photos.names
    )


class VariedCopies:
    """What a batch of clean photographs and copies shows, in the order of :func:`with_copies`."""

    def __init__(self, photos: Photos, pairs: Pairs, variety: Variety, *, size: int) -> None:
        self.clean, self.variety = resized(photos.images, size), variety
        self.originals = resized(pairs.photos.images, size)[pairs.source]
        self.changes = resized(pairs.cloaked, size).short() - self.originals.short()

    def __call__(self, batch: Tensor, generator: Generator) -> Tensor:
        """``(k, 3, size, size)`` in [0, 1] for ``(k,)`` indices."""
        low, high = self.variety.strength
        is_copy = batch >= len(self.clean)
        factor = low + (high - low) * torch.rand(len(batch), 1, 1, 1, generator=generator)
        borrows = torch.rand(len(batch), generator=generator) < self.variety.borrowed
        others = torch.randint(len(self.changes), (len(batch),), generator=generator)
        factor[~is_copy & ~borrows] = 0
        place = (batch - len(self.clean)).clamp_min(0)
        change = self.changes[torch.where(is_copy, place, others)]
        under = torch.where(
            is_copy[:, None, None, None],
            self.originals[place],
            self.clean[batch.clamp_max(len(self.clean) - 1)],
        )
        return (under + factor * change).div(255).clamp(0, 1)


@dataclass(frozen=True)
class WithCopies:
    """A recogniser that also learns cloaked copies of people in its gallery, under their names.

    The end-to-end form of the adaptive defence (``eval_e2e.py --robust`` of the paper's code): the
    trainer adds copies of *other* people's photographs to their training sets, the attacker's own
    set stays as it came. Goes where a recogniser goes: ``Trial(attack, robust,
    WithCopies(pairs))``.

    Attributes:
        pairs: the copies; their people must be in the gallery under the same labels, and must not
            include those who are protected in the trial.
        recogniser: what learns from photographs and copies together.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("mine",))
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import WithCopies
        >>> from poisonlib.recognition import Linear
        >>> robust = WithCopies(pairs, Linear)(extractors.load("softmax-2014"))
        >>> robust.fit(photos.images, photos.labels).predict(louder)
        tensor([0, 0, 1, 1])
    """

    pairs: Pairs
    recogniser: MakeRecogniser = EndToEnd

    @property
    def __name__(self) -> str:
        return f"{getattr(self.recogniser, '__name__', self.recogniser)} with copies"

    def __call__(self, extractor: Extractor) -> Recogniser:
        """The recogniser, not yet fitted."""
        return _Copying(self.recogniser(extractor), self.pairs)


class _Copying(Recogniser):
    def __init__(self, inner: Recogniser, pairs: Pairs) -> None:
        super().__init__(inner.extractor)
        self.inner, self.pairs = inner, pairs

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        if unknown := set(self.pairs.labels.tolist()) - set(labels.tolist()):
            raise ValueError(
                f"copies of {len(unknown)} people who are not in the gallery, e.g. label "
                f"{min(unknown)}; use pairs.of_people(...)"
            )
        everything = torch.cat([images, self.pairs.cloaked])
        self.inner.fit(everything, torch.cat([labels, self.pairs.labels]))

    def _predict(self, images: Tensor) -> Tensor:
        return self.inner.predict(images)

    def _candidates(self, images: Tensor) -> Tensor:
        return self.inner.candidates(images)

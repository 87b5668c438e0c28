"""Adaptive training: the training set that makes an extractor robust to cloaks.

"Data Poisoning Won't Save You From Facial Recognition" (ICLR 2022), section 4.1: anybody who can
run a cloaking tool can run it on photographs of other people, and fine-tune an extractor to name a
person from clean and cloaked photographs alike. No photograph of a protected user is needed. As in
the paper's code, the loss is plain cross-entropy over identities; a photograph and its cloaked copy
have nothing in common but their label.

The paper's trainer has tens of thousands of copies. With a few thousand, an extractor memorises
the copies instead of learning what the tools do. Here copies are therefore varied: a tool's
perturbation is scaled, and added to photographs of other people (:class:`Variety`). The training
loop is :func:`studio.training.adapt`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from poisonlib.defenses.pairs import Pairs, numbers
from poisonlib.extractors import Extractor
from poisonlib.photos import Photos, resized
from poisonlib.recognition import EndToEnd, Recogniser
from poisonlib.trial import MakeRecogniser


@dataclass(frozen=True)
class Variety:
    """How cloaked copies are augmented.

    Attributes:
        strength: range of the factor that scales a tool's perturbation, drawn anew for each
            photograph in each batch; (1, 1) leaves the copies unchanged.
        borrowed: probability that the perturbation of another photograph is added to a clean one.

    Raises:
        ValueError: a range out of order or below 0, or a probability outside [0, 1].
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
"""The default of :func:`studio.training.adapt`."""

UNVARIED = Variety(strength=(1.0, 1.0), borrowed=0.0)
"""The copies as the tool made them, as in the paper's code."""


def with_copies(photos: Photos, pairs: Pairs) -> Photos:
    """The clean photographs, then the cloaked copies, each copy labelled with its person.

    Args:
        photos: clean photographs.
        pairs: copies of photographs of some of the same people, matched by name.

    Raises:
        ValueError: a copy of a person whose name is not in ``photos.names``.

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
    labels = torch.cat([photos.labels, copy_labels(photos, pairs)])
    return Photos(torch.cat([photos.images, pairs.cloaked]), labels, photos.names)


def copy_labels(photos: Photos, pairs: Pairs) -> Tensor:
    """The label ``(n,)`` of each copy among ``photos``; see :func:`with_copies`."""
    label_of = {name: label for label, name in enumerate(photos.names)}
    names = [pairs.photos.names[label] for label in pairs.labels.tolist()]
    if unknown := sorted(set(names) - set(label_of)):
        raise ValueError(
            f"{len(unknown)} people have copies but no name in photos.names, e.g. "
            f"{unknown[0]!r}; give the photographs that the copies were made from as well"
        )
    return torch.tensor([label_of[name] for name in names])


class VariedCopies:
    """Batches of clean photographs and copies, augmented anew each time.

    Args:
        photos, pairs: as in :func:`with_copies`, which fixes the order of the indices.
        variety: how copies are augmented.
        size: side of the network's input in pixels.

    Attributes:
        labels: ``(n,)``, the person on each photograph and copy.
    """

    def __init__(self, photos: Photos, pairs: Pairs, variety: Variety, *, size: int) -> None:
        self.clean, self.variety = resized(photos.images, size), variety
        self.labels = torch.cat([photos.labels, copy_labels(photos, pairs)])
        self.originals = resized(pairs.photos.images, size)[pairs.source]
        self.changes = resized(pairs.cloaked, size).short() - self.originals.short()

    def __call__(self, batch: Tensor, generator: Generator) -> Tensor:
        """Images ``(k, 3, size, size)`` in [0, 1] for indices ``(k,)``."""
        low, high = self.variety.strength
        is_copy = batch >= len(self.clean)
        factor = low + (high - low) * torch.rand(len(batch), 1, 1, 1, generator=generator)
        borrows = torch.rand(len(batch), generator=generator) < self.variety.borrowed
        lender = torch.randint(len(self.changes), (len(batch),), generator=generator)
        factor[~is_copy & ~borrows] = 0
        place = (batch - len(self.clean)).clamp_min(0)
        change = self.changes[torch.where(is_copy, place, lender)]
        return (self.originals_of(batch) + factor * change / 255).clamp(0, 1)

    def originals_of(self, batch: Tensor) -> Tensor:
        """The photographs behind indices ``(k,)`` without any cloak, ``(k, 3, size, size)``."""
        clean = self.clean[batch.clamp_max(len(self.clean) - 1)]
        copied = self.originals[(batch - len(self.clean)).clamp_min(0)]
        is_copy = (batch >= len(self.clean))[:, None, None, None]
        return torch.where(is_copy, copied, clean) / 255


LEAKED = 3
"""Clean photographs of each user who leaks; see :func:`unwitting_training_set`."""


def unwitting_training_set(
    photos: Photos, pairs: Pairs, *, leaks: float, seed: int
) -> tuple[Photos, Pairs]:
    """The training set of a trainer who runs no tool: some users cloak, and some of these leak.

    Everybody with copies counts as a user of *one* of the tools, drawn by the seed, and publishes
    that tool's copies; all others publish clean photographs. A share of the users leaks
    :data:`LEAKED` clean photographs each, none of which is the original of a copy. The users who
    leak at one share are among those who leak at a larger one.

    Args:
        photos: clean photographs.
        pairs: cloaked copies of some of them.
        leaks: share of the users who leak, in [0, 1].
        seed: of who uses which tool, and who leaks.

    Returns:
        the clean photographs and the copies in the set.
    """
    generator = torch.Generator().manual_seed(seed)
    users = torch.tensor([photos.names.index(pairs.photos.names[p]) for p in pairs.photos.people])
    order = torch.randperm(len(users), generator=generator)
    leaking = users[order[: round(leaks * len(users))]]
    place = torch.tensor(numbers(photos))
    copied = torch.unique(torch.tensor(numbers(pairs.photos))).numel()
    is_user, leaks_too = torch.isin(photos.labels, users), torch.isin(photos.labels, leaking)
    leaked = leaks_too & (place >= copied) & (place < copied + LEAKED)
    own_tool = torch.randint(len(pairs.tools), (len(pairs.photos.names),), generator=generator)
    return photos.subset(~is_user | leaked), pairs.subset(own_tool[pairs.labels] == pairs.tool)


@dataclass(frozen=True)
class WithCopies:
    """A recogniser that is also trained on cloaked copies of other people in its gallery.

    The end-to-end form of the adaptive defence (``eval_e2e.py --robust`` of the paper's code): the
    trainer adds copies of *other* people's photographs to the gallery and leaves the protected
    user's photographs as they are. Use it as the recogniser of a trial: ``Trial(attack, extractor,
    WithCopies(pairs))``.

    Attributes:
        pairs: the copies. Their people must be in the gallery under the same labels, and must not
            include the users who are protected in the trial.
        recogniser: trained on photographs and copies together.

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
        """An unfitted recogniser."""
        return _RecogniserWithCopies(self.recogniser(extractor), self.pairs)


class _RecogniserWithCopies(Recogniser):
    def __init__(self, inner: Recogniser, pairs: Pairs) -> None:
        super().__init__(inner.extractor)
        self.inner, self.pairs = inner, pairs

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        if unknown := set(self.pairs.labels.tolist()) - set(labels.tolist()):
            raise ValueError(
                f"{len(unknown)} people have copies but no photograph in the gallery, e.g. label "
                f"{min(unknown)}; choose those who have with pairs.of_people(...)"
            )
        images = torch.cat([images, self.pairs.cloaked])
        self.inner.fit(images, torch.cat([labels, self.pairs.labels]))

    def _predict(self, images: Tensor) -> Tensor:
        return self.inner.predict(images)

    def _candidates(self, images: Tensor) -> Tensor:
        return self.inner.candidates(images)

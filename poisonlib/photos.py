"""A set of aligned face photographs with the person each one shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import checks


@dataclass(frozen=True)
class Photos:
    """Aligned photographs, the person on each, and the people's names.

    Attributes:
        images: ``(n, 3, h, w)`` float32 in [0, 1].
        labels: ``(n,)`` int64; ``names[labels[i]]`` is the person on image i.
        names: one name for each label. A subset keeps all names, so that labels stay comparable.

    Unpacks as ``images, labels, names = photos``.

    Example:
        >>> import torch
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(3, 3, 8, 8), torch.tensor([0, 0, 1]), ("Ada", "Ben"))
        >>> photos.of("Ada").shape
        torch.Size([2, 3, 8, 8])
        >>> photos.of_people(["Ben"]).labels
        tensor([1])
    """

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        checks.images(self.images)
        checks.labels(self.labels, len(self.images))
        if int(self.labels.max()) >= len(self.names):
            raise ValueError(
                f"labels must index names, got label {int(self.labels.max())} "
                f"for {len(self.names)} names; give one name for each label"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator:
        return iter((self.images, self.labels, self.names))

    @cached_property
    def is_8_bit(self) -> bool:
        """Whether every value is one that an 8-bit file can hold; looked at once."""
        # A few at a time stay in the processor's cache, which makes the look eight times as fast.
        parts = self.images.split(16)
        return all(torch.equal(part.mul(255).round().div(255), part) for part in parts)

    @property
    def people(self) -> tuple[int, ...]:
        """The labels present, ascending."""
        return tuple(torch.unique(self.labels).tolist())

    def label(self, person: int | str) -> int:
        """The label of a person given by label or by name.

        Raises:
            ValueError: nobody of that label or name has a photograph here.
        """
        found = self.names.index(person) if person in self.names else person
        if found not in self.people:
            raise ValueError(
                f"no photographs of {person!r} in this set of {len(self.people)} people; "
                f"known are e.g. {', '.join(self.names[label] for label in self.people[:3])}"
            )
        return int(found)

    def of(self, person: int | str) -> Tensor:
        """All images ``(k, 3, h, w)`` of one person, in their order in the set."""
        return self.images[self.labels == self.label(person)]

    def subset(self, which: Tensor | Sequence[int]) -> Photos:
        """The photographs picked by a boolean mask ``(n,)`` or by indices, names kept."""
        index = torch.as_tensor(which)
        return Photos(self.images[index], self.labels[index], self.names)

    def of_people(self, people: Sequence[int | str]) -> Photos:
        """The photographs of some people only, names kept."""
        wanted = torch.tensor([self.label(person) for person in people])
        return self.subset(torch.isin(self.labels, wanted))

    def joined(self, other: Photos) -> Photos:
        """These photographs and those of other people as one set.

        Labels of the first set stay as they are. New names of the other one are appended in their
        order; a name that is known already, of somebody without a photograph in the first set,
        keeps the label it has there.

        Raises:
            ValueError: somebody of one name has photographs in both, or two people of one set have
                one name; or photographs of two sizes.
        """
        here, there = ([side.names[label] for label in side.people] for side in (self, other))
        for names in (here, there):
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise ValueError(f"two people are called {twice!r}; give each a name of their own")
        if twice := set(here) & set(there):
            raise ValueError(
                f"two sets of different people can be joined; {len(twice)} of them occur in both, "
                f"e.g. {sorted(twice)[0]!r}"
            )
        if self.images.shape[1:] != other.images.shape[1:]:
            raise ValueError(
                "photographs to be joined must have one size, got "
                f"{tuple(self.images.shape[1:])} and {tuple(other.images.shape[1:])}"
            )
        names = list(self.names)
        place = {name: label for label, name in reversed(list(enumerate(names)))}
        place |= dict(zip(here, self.people, strict=True))
        new = torch.zeros(len(other.names), dtype=torch.int64)
        for label, name in enumerate(other.names):
            if name not in place:
                place[name] = len(names)
                names.append(name)
            new[label] = place[name]
        labels = torch.cat([self.labels, new[other.labels]])
        return Photos(torch.cat([self.images, other.images]), labels, tuple(names))


def resized(images: Tensor, size: int) -> Tensor:
    """Photographs at the network's own size, as bytes to save memory.

    Example:
        >>> import torch
        >>> from poisonlib.photos import resized
        >>> small = resized(torch.rand(2, 3, 112, 112), 64)
        >>> small.shape, small.dtype
        (torch.Size([2, 3, 64, 64]), torch.uint8)
    """
    small = torch.empty(*images.shape[:2], size, size, dtype=torch.uint8)
    for batch, out in zip(images.split(64), small.split(64), strict=True):
        values = F.interpolate(batch, (size, size), mode="bilinear", antialias=True)
        out.copy_(values.mul(255).round_().clamp_(0, 255))
    return small

"""Gallery growth: a tracker that adds every photograph it recognises to its gallery.

DynTracker (Fan et al., "DivTrackee versus DynTracker: Promoting Diversity in Anti-Facial
Recognition against Dynamic FR Strategy", 2025, arXiv:2501.06533) adds newly recognised photographs
to its gallery, so that each recognition helps the next. There the photographs to be recognised are
protected. Here, as in the rest of this package, the *gallery* is poisoned and the photographs that
arrive later are clean. The rule is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.extractors import Extractor, embed
from poisonlib.extractors.base import check_extractor
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour

NOT_ADDED = -1
"""The label that :meth:`DynamicGallery.observe` returns for a photograph that is not added."""
#: Shares of strangers' photographs that a threshold may admit: a cautious and a bold tracker's.
FALSE_ADDS = (0.01, 0.1)


class DynamicGallery(NearestNeighbour):
    """A nearest neighbour whose gallery grows by what it recognises with confidence.

    ``fit`` and ``predict`` are those of :class:`~poisonlib.recognition.NearestNeighbour`. Only
    ``observe`` changes the gallery.

    Args:
        extractor: turns photographs into embeddings.
        threshold: a photograph is added if its nearest neighbour is at most this far away,
            Euclidean between unit embeddings, in [0, 2]; see :func:`choose_threshold`.

    Attributes:
        embeddings_, labels_: ``(n, d)`` and ``(n,)``, the gallery, added photographs last.
        added_: how many photographs were added since ``fit``.

    Raises:
        ValueError: a threshold out of range.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import DynamicGallery
        >>> tracker = DynamicGallery(extractors.load("softmax-2014"), threshold=0.3)
        >>> gallery, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])
        >>> tracker = tracker.fit(gallery, labels)
        >>> tracker.observe(torch.cat([0.99 * gallery[2:3], torch.zeros(1, 3, 64, 64)]))
        tensor([ 1, -1])
        >>> tracker.added_
        1
    """

    def __init__(self, extractor: Extractor, *, threshold: float) -> None:
        if not 0 <= threshold <= 2:
            raise ValueError(
                f"threshold is a distance between unit embeddings, in [0, 2], got {threshold}; "
                "pick one with poisonlib.defenses.choose_threshold"
            )
        super().__init__(extractor)
        self.threshold = threshold

    def _fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> None:
        super()._fit_embeddings(embeddings, labels)
        self.added_ = 0

    def observe(self, images: Tensor) -> Tensor:
        """Add the photographs that are recognised with confidence, labelled as recognised.

        All photographs of a call are compared with the gallery before the call, so that their order
        does not matter: one call is one round.

        Args:
            images: ``(n, 3, h, w)`` float32 in [0, 1].

        Returns:
            ``(n,)`` int64: the label of each added photograph, -1 for those that were not added.
        """
        checks.images(images)
        return self.observe_embeddings(embed(self.extractor, images))

    def observe_embeddings(self, embeddings: Tensor) -> Tensor:
        """Like :meth:`observe`, from embeddings ``(n, d)`` that the extractor made."""
        index, distance = self.neighbours(embeddings)
        labels = self.labels_[index]
        is_near = distance <= self.threshold
        self.embeddings_ = torch.cat([self.embeddings_, embeddings[is_near]])
        self.labels_ = torch.cat([self.labels_, labels[is_near]])
        self.added_ += int(is_near.sum())
        return labels.masked_fill(~is_near, NOT_ADDED)


@dataclass(frozen=True, eq=False)
class Growing:
    """Makes galleries that have grown, for use as the recogniser of a trial.

    ``Trial(attack, extractor, Growing(rounds, threshold=0.5))`` fits a gallery, lets it observe the
    rounds, and tests each user after the last one.

    Attributes:
        rounds: the photographs of each round, each ``(n, 3, h, w)`` in [0, 1]. None of them may be
            among the photographs of the trial.
        threshold: see :class:`DynamicGallery`.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Growing
        >>> rounds = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
        >>> grown = Growing(rounds, threshold=2.0)(extractors.load("softmax-2014"))
        >>> grown.fit(torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])).added_
        4
    """

    rounds: tuple[Tensor, ...]
    threshold: float
    _embeddings: dict[str, list[Tensor]] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, extractor: Extractor) -> DynamicGallery:
        """A recogniser that observes all rounds when it is fitted."""
        if check_extractor(extractor).fingerprint not in self._embeddings:
            self._embeddings[extractor.fingerprint] = [
                embed(extractor, each) for each in self.rounds
            ]
        return _Grown(extractor, self.threshold, self._embeddings[extractor.fingerprint])

    def __str__(self) -> str:
        observed = sum(len(each) for each in self.rounds)
        return (
            f"DynamicGallery(threshold={self.threshold:.3g}), {observed} photographs in "
            f"{len(self.rounds)} rounds"
        )


class _Grown(DynamicGallery):
    def __init__(self, extractor: Extractor, threshold: float, rounds: list[Tensor]) -> None:
        super().__init__(extractor, threshold=threshold)
        self._rounds = rounds

    def fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> Self:
        super().fit_embeddings(embeddings, labels)
        return self._observe_rounds()

    def fit(self, images: Tensor, labels: Tensor) -> Self:
        super().fit(images, labels)
        return self._observe_rounds()

    def _observe_rounds(self) -> Self:
        for embeddings in self._rounds:
            self.observe_embeddings(embeddings)
        return self


def choose_threshold(
    extractor: Extractor,
    photos: Photos,
    *,
    false_adds: float = 0.01,
    embeddings: Tensor | None = None,
) -> float:
    """The distance at which a given share of strangers' photographs would be added.

    Every photograph is compared with those of all *other* people, none of whom is the right answer:
    whatever lies below the threshold would be added under a wrong name. The share falls with the
    number of people, so choose on as many people as the gallery will hold, and never on those who
    are tested. An extractor separates the people it was trained on better than others, for whom the
    share may be larger than given.

    Args:
        extractor: turns photographs into embeddings.
        photos: of public people.
        false_adds: the share of strangers' photographs that may be added, in (0, 1).
        embeddings: ``(n, d)``, what ``embed(extractor, photos.images)`` returns, if known.

    Returns:
        a Euclidean distance between unit embeddings, in [0, 2].

    Raises:
        ValueError: a share out of range, fewer than two people, or too few photographs for so
            small a share.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import choose_threshold
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(8, 3, 64, 64), torch.arange(8) // 2, ("A", "B", "C", "D"))
        >>> tracker = extractors.load("softmax-2014")
        >>> cautious = choose_threshold(tracker, photos, false_adds=0.2)
        >>> cautious < choose_threshold(tracker, photos, false_adds=0.6)
        True
    """
    if not 0 < false_adds < 1:
        raise ValueError(f"false_adds must be between 0 and 1, got {false_adds}")
    if len(photos.people) < 2:
        raise ValueError(
            f"a threshold needs photographs of at least two people, got {len(photos.people)}"
        )
    if len(photos) * false_adds < 1:
        raise ValueError(
            f"a share of {false_adds} of {len(photos)} photographs is less than one; "
            "give more photographs or a larger share"
        )
    embeddings = embed(extractor, photos.images) if embeddings is None else embeddings
    return float(torch.quantile(distances_to_others(embeddings, photos.labels), false_adds))


def distances_to_others(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Distance ``(n,)`` from each photograph to the nearest photograph of another person.

    Args:
        embeddings: ``(n, d)`` unit embeddings.
        labels: ``(n,)``, the person on each.
    """
    nearest = []
    for part, own in zip(embeddings.split(1024), labels.split(1024), strict=True):
        cosine = part @ embeddings.T
        cosine[own[:, None] == labels] = -1.0
        nearest.append(cosine.max(dim=1).values)
    return (2 - 2 * torch.cat(nearest)).clamp_min(0).sqrt()

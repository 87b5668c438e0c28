"""Gallery growth: a tracker that keeps every photograph it recognises.

DynTracker (Fan et al., "DivTrackee versus DynTracker: Promoting Diversity in Anti-Facial
Recognition against Dynamic FR Strategy", 2025, arXiv:2501.06533) adds newly recognised photographs
to its gallery, so that each recognition helps the next. The setting there is another: the
photographs to be recognised are the protected ones. Here, as in the rest of this package, the
*gallery* is poisoned and the photographs that come later are clean. The rule is the same, and so is
its strength: one photograph let in opens the door to those that resemble it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour

NOT_ADDED = -1
"""What :meth:`DynamicGallery.observe` says of a photograph that it does not keep."""
#: Shares of photographs of unknown people that the threshold may let in: a cautious tracker's, and
#: a bold one's.
FALSE_ADDS = (0.01, 0.1)


class DynamicGallery(NearestNeighbour):
    """A nearest neighbour whose gallery grows by what it recognises with confidence.

    ``fit`` and ``predict`` are those of :class:`~poisonlib.recognition.NearestNeighbour`, and
    asking for a name never changes the gallery. ``observe`` does.

    Args:
        extractor: what turns photographs into embeddings.
        threshold: a photograph is kept if its nearest neighbour is at most this far away,
            Euclidean between unit embeddings, in [0, 2]. :func:`choose_threshold` picks one.

    Attributes:
        embeddings_, labels_: ``(n, d)`` and ``(n,)``, the gallery, what was added at the end.
        added_: how many of them were added since ``fit``.

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
        """See new photographs, keep those recognised with confidence under the name they got.

        All of a call are compared with the gallery as it stood before the call, so that their order
        does not matter: one call is one round.

        Args:
            images: ``(n, 3, h, w)`` float32 in [0, 1].

        Returns:
            ``(n,)`` int64: the label under which each one was kept, -1 where it was not.
        """
        checks.images(images)
        return self.observe_embeddings(embed(self.extractor, images))

    def observe_embeddings(self, embeddings: Tensor) -> Tensor:
        """Like :meth:`observe`, from embeddings ``(n, d)`` that the extractor made."""
        index, distance = self.neighbours(embeddings)
        names = self.labels_[index]
        known = distance <= self.threshold
        self.embeddings_ = torch.cat([self.embeddings_, embeddings[known]])
        self.labels_ = torch.cat([self.labels_, names[known]])
        self.added_ += int(known.sum())
        return names.masked_fill(~known, NOT_ADDED)


@dataclass(frozen=True, eq=False)
class Growing:
    """A way to make a recogniser: fit a gallery, then let it see photographs, round by round.

    It fits where a trial takes a recogniser, so that a trial of gallery growth is one line:
    ``Trial(attack, extractor, Growing(rounds, threshold=0.5))``. The trial asks about each user's
    test photographs after the last round.

    Attributes:
        rounds: the photographs of each round, each ``(n, 3, h, w)`` in [0, 1]. They should be
            none of the trial's own: leave some out of the photographs that it runs on.
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
        """A recogniser that has seen all rounds as soon as it is fitted."""
        if extractor.fingerprint not in self._embeddings:
            self._embeddings[extractor.fingerprint] = [
                embed(extractor, each) for each in self.rounds
            ]
        return _Grown(extractor, self.threshold, self._embeddings[extractor.fingerprint])

    def __str__(self) -> str:
        seen = sum(len(each) for each in self.rounds)
        return (
            f"DynamicGallery(threshold={self.threshold:.3g}), {seen} photographs in "
            f"{len(self.rounds)} rounds"
        )


class _Grown(DynamicGallery):
    def __init__(self, extractor: Extractor, threshold: float, rounds: list[Tensor]) -> None:
        super().__init__(extractor, threshold=threshold)
        self._rounds = rounds

    def fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> Self:
        super().fit_embeddings(embeddings, labels)
        return self._watch()

    def fit(self, images: Tensor, labels: Tensor) -> Self:
        super().fit(images, labels)
        return self._watch()

    def _watch(self) -> Self:
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
    """The distance below which a stranger is mistaken for somebody only so often.

    Every photograph is held against those of all *other* people: nobody of them is the right
    answer, so whatever lies below the threshold would be a wrong addition. It grows rarer the
    fewer people there are to be mistaken for, so choose on as many people as the gallery will
    hold, and never on those who are tested. An extractor knows the people it was trained on better
    than others, for whom the rate may be higher than asked for.

    Args:
        extractor: what turns photographs into embeddings.
        photos: of public people.
        false_adds: the share of photographs of strangers that may be let in, in (0, 1).
        embeddings: ``(n, d)``, what ``embed(extractor, photos.images)`` returns, if it is at hand.

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
        raise ValueError(f"strangers need at least two people, got {len(photos.people)}")
    if len(photos) * false_adds < 1:
        raise ValueError(
            f"a share of {false_adds} of {len(photos)} photographs is less than one; "
            "give more photographs or a larger share"
        )
    embeddings = embed(extractor, photos.images) if embeddings is None else embeddings
    return float(torch.quantile(distances_to_others(embeddings, photos.labels), false_adds))


def distances_to_others(embeddings: Tensor, labels: Tensor) -> Tensor:
    """How far ``(n,)`` each photograph is from the nearest one of anybody else.

    Args:
        embeddings: ``(n, d)`` unit embeddings.
        labels: ``(n,)`` whom they show.
    """
    nearest = []
    for part, names in zip(embeddings.split(1024), labels.split(1024), strict=True):
        cosine = part @ embeddings.T
        cosine[names[:, None] == labels] = -1.0
        nearest.append(cosine.max(dim=1).values)
    return (2 - 2 * torch.cat(nearest)).clamp_min(0).sqrt()

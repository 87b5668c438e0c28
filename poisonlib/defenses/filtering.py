"""Filtering: the trainer removes what a detector flags from the gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.defenses.detector import check_threshold
from poisonlib.extractors import Extractor
from poisonlib.extractors.cached import Once
from poisonlib.recognition import NearestNeighbour, Recogniser
from poisonlib.trial import MakeRecogniser


class Scores(Protocol):
    """Anything with :meth:`poisonlib.defenses.Detector.scores`."""

    def scores(self, images: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Filtered:
    """A recogniser that is fitted only to photographs that a detector does not flag.

    Used in place of a recogniser: ``Trial(attack, extractor, Filtered(detector))``. This is a
    second response of the trainer in the paper (Radiya-Dixit et al., ICLR 2022): cloaks that can be
    detected can be removed, and a single photograph taken by somebody else is enough to recognise
    the user.

    A person whose photographs are *all* flagged is removed from the gallery. The alternative,
    retaining the least suspicious photograph, would mean trusting a photograph that the detector
    has just classified as misleading, and that might attract other people's photographs. The price
    is that the trainer cannot name that person, who counts as an error in a trial; in effect they
    have opted out, and the trainer has a list of those who did.

    Test photographs are not filtered.

    Args:
        detector: has ``scores(images)``.
        recogniser: is fitted to the remaining photographs.
        threshold: photographs that score this much or more are removed.

    Raises:
        ValueError: a threshold outside [0, 1].

    Example:
        A detector that suspects every photograph brighter than the middle:

        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Filtered
        >>> class Bright:
        ...     def scores(self, images):
        ...         return images.mean(dim=(1, 2, 3))
        >>> images = torch.rand(6, 3, 64, 64) * 0.8
        >>> images[:2] += 0.2  # all photographs of person 0
        >>> careful = Filtered(Bright())(extractors.load("softmax-2014"))
        >>> careful.fit(images, torch.tensor([0, 0, 1, 1, 2, 2])).people_
        tensor([1, 2])
    """

    detector: Scores
    recogniser: MakeRecogniser = NearestNeighbour
    threshold: float = 0.5
    _once: Once = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        object.__setattr__(self, "_once", Once(self.detector.scores))

    def __call__(self, extractor: Extractor) -> FilteredRecogniser:
        """The recogniser on top of an extractor."""
        return FilteredRecogniser(extractor, self)

    def __str__(self) -> str:
        return f"Filtered {getattr(self.recogniser, '__name__', self.recogniser)}"

    def scores(self, images: Tensor) -> Tensor:
        """The detector's scores ``(n,)``; each photograph is scored once and then remembered."""
        return self._once(images)


class FilteredRecogniser(Recogniser):
    """The recogniser that :class:`Filtered` builds on an extractor.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Filtered, TraceDetector
        >>> clean = torch.rand(8, 3, 64, 64) * 0.9
        >>> careful = Filtered(TraceDetector(bands=4).fit(clean, clean + 0.1))
        >>> careful(extractors.load("softmax-2014"))
        <poisonlib.defenses.filtering.FilteredRecogniser object at ...>
    """

    def __init__(self, extractor: Extractor, settings: Filtered) -> None:
        super().__init__(extractor)
        self.settings = settings

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        keep = clean_enough(self.settings.scores(images), labels, threshold=self.settings.threshold)
        self.people_ = torch.unique(labels[keep])
        self.inner_ = self.settings.recogniser(self.extractor).fit(images[keep], labels[keep])

    def _predict(self, images: Tensor) -> Tensor:
        return self.inner_.predict(images)

    def _candidates(self, images: Tensor) -> Tensor:
        return self.inner_.candidates(images)


def clean_enough(scores: Tensor, labels: Tensor, *, threshold: float = 0.5) -> Tensor:
    """``(n,)`` bool, which photographs stay in a gallery: those that score below the threshold.

    Args:
        scores: ``(n,)`` in [0, 1].
        labels: ``(n,)`` people on them.

    Raises:
        ValueError: fewer than two people would remain.
    """
    check_threshold(threshold)
    checks.labels(labels, len(scores))
    keep = scores < threshold
    left = len(torch.unique(labels[keep]))
    if left < 2:
        raise ValueError(
            f"a gallery needs at least two people; at a threshold of {threshold} the detector "
            f"leaves {left} of {len(torch.unique(labels))}; raise the threshold, add background "
            "people, or check why clean photographs score high"
        )
    return keep

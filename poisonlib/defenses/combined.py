"""Two models: one that is accurate, and a robust one for the photographs that it cannot answer.

A robust extractor may be less accurate on clean photographs than the best there is, so a trainer
seems to have to choose. "Data Poisoning Won't Save You From Facial Recognition" (ICLR 2022) keeps
both. Either a person compares a photograph with the answers of both models (:class:`Top2`), as
people who work with face search do anyway, or the distance to the accurate model's nearest
neighbour decides which model answers (:class:`ConfidenceThreshold`). A cloak moves the user's
gallery photographs away from the clean ones, so that to a model that it fools a protected person
looks like one who is not in the gallery at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from poisonlib import checks, extractors
from poisonlib.defenses import denoiser
from poisonlib.defenses.purify import Purified
from poisonlib.extractors import Extractor, embed
from poisonlib.extractors.cached import CachedExtractor
from poisonlib.recognition import EmbeddingRecogniser, NearestNeighbour, Recogniser
from poisonlib.tools import ADAPTED, LATER
from poisonlib.trial import MakeRecogniser

UNKNOWN = -1
"""The answer "nobody in the gallery"."""

#: The share of absent people's photographs that the accurate model may answer, from which its
#: threshold follows. Two models err where the robust one does, and besides at most where the
#: accurate one answers wrongly. To a model that is fooled, somebody whose gallery is cloaked is as
#: good as absent from it. So this is about what the threshold may add to the robust model's error,
#: which is to be two points.
SHARE = 0.02


#: The accurate model, and the robust one behind it. The first two are the paper's pairs.
PAIRS: Mapping[str, tuple[str, str]] = {
    "MagFace + CLIP": ("magface-2021", "robust-clip-2021"),
    "MagFace + adapted": ("magface-2021", ADAPTED),
    "ArcFace + itself, denoised": (LATER, f"{LATER}, denoised"),
}
#: Of the packaged public people the first so many choose thresholds, the rest are strangers.
CHOOSERS = 100

Accept = Callable[[Tensor, Tensor | None], Tensor]
"""Says which of the labels ``(n,)``, with the distances ``(n,)`` of the photographs they were read
from, or None where the model has none, are accepted: ``(n,)`` bool."""


@dataclass(frozen=True)
class Review:
    """The result of showing a person one candidate after the other.

    Attributes:
        labels: ``(n,)`` int64, the accurate model's answer if it was accepted, otherwise the robust
            one's.
        consulted: ``(n,)`` bool, whether the robust model had to be queried.
        comparisons: ``(n,)`` int64, how many different people each photograph was compared with.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Review
        >>> seen = Review(torch.tensor([3, 5]), torch.tensor([False, True]), torch.tensor([1, 2]))
        >>> seen.labels[seen.consulted]  # where the robust model had to be asked
        tensor([5])
    """

    labels: Tensor
    consulted: Tensor
    comparisons: Tensor


class Top2(Recogniser):
    """The answers of two models, for a person who looks at both and picks.

    Both use the same gallery. ``predict`` is the accurate one's answer; ``candidates`` are both, so
    that a :class:`~poisonlib.trial.Trial`, which counts an error if the right name is not among the
    candidates, gives the error of an ideal person who never errs. The extractor of a trial is the
    accurate one: ``Trial(attack, accurate, Top2.over(robust))``.

    Args:
        accurate: answers first.
        robust: answers second.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Top2
        >>> from poisonlib.recognition import NearestNeighbour
        >>> old, new = extractors.load("softmax-2014"), extractors.load("magface-2021")
        >>> gallery, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])
        >>> both = Top2(NearestNeighbour(new), NearestNeighbour(old)).fit(gallery, labels)
        >>> both.candidates(gallery[:1])
        tensor([[0, 0]])
    """

    def __init__(self, accurate: Recogniser, robust: Recogniser) -> None:
        super().__init__(accurate.extractor)
        self.accurate, self.robust = accurate, robust

    @staticmethod
    def over(robust: Extractor, *, recogniser: MakeRecogniser = NearestNeighbour) -> TwoModels:
        """Where a recogniser goes: the trial's extractor is the accurate one, this the other.

        Args:
            robust: the second extractor.
            recogniser: how the trainer builds on either of them.
        """
        return TwoModels(robust, Top2, recogniser, f"Top2 with {robust.card.name}")

    def review(self, images: Tensor, accept: Accept) -> Review:
        """The streamlined form: the robust model is queried only if the first answer is rejected.

        If both candidates are rejected, the second one is returned; the caller may treat that case
        as nobody found. A name that both models give is compared once.

        Args:
            images: ``(n, 3, h, w)`` float32 in [0, 1].
            accept: told the accurate model's labels ``(n,)`` and, if it is a nearest neighbour,
                their distances ``(n,)``, else None: a person, or a rule such as
                ``lambda labels, distances: distances <= 0.8``.

        Raises:
            ValueError: an ``accept`` that does not say yes or no of each photograph.
        """
        checks.images(images)
        self._require_fit()
        first, distances = _answers(self.accurate, images)
        accepted = accept(first.clone(), None if distances is None else distances.clone())
        if not isinstance(accepted, Tensor) or (accepted.dtype, accepted.shape) != (
            torch.bool,
            first.shape,
        ):
            raise ValueError(
                f"accept must return a bool tensor of shape ({len(first)},), one for each "
                f"photograph, got {_described(accepted)}"
            )
        labels, consulted = first.clone(), ~accepted
        if consulted.any():
            labels[consulted] = self.robust.predict(images[consulted])
        return Review(labels, consulted, 1 + (labels != first).long())

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        self.accurate.fit(images, labels)
        self.robust.fit(images, labels)

    def _predict(self, images: Tensor) -> Tensor:
        return self.accurate.predict(images)

    def _candidates(self, images: Tensor) -> Tensor:
        return torch.stack([self.accurate.predict(images), self.robust.predict(images)], dim=1)


class ConfidenceThreshold(Recogniser):
    """Two models, and no person: the accurate one answers if it is sure, otherwise the robust one.

    It is sure if its nearest neighbour is within ``threshold``. Both use the same gallery. The
    extractor of a trial is the accurate one:
    ``Trial(attack, accurate, ConfidenceThreshold.over(robust, threshold=0.9))``.

    Args:
        accurate: answers where its nearest neighbour is at most ``threshold`` away.
        robust: answers elsewhere.
        threshold: Euclidean between the accurate extractor's unit rows, in [0, 2]; choose it on
            people who are not tested, e.g. with :func:`poisonlib.defenses.choose_threshold`.
        reject: if given, a distance between the robust extractor's rows: a photograph that is also
            further than this from the robust model's nearest neighbour gets :data:`UNKNOWN`,
            "nobody in the gallery".

    Raises:
        TypeError: a model without distances.
        ValueError: a distance out of range.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import ConfidenceThreshold
        >>> from poisonlib.recognition import NearestNeighbour
        >>> old, new = extractors.load("softmax-2014"), extractors.load("magface-2021")
        >>> gallery, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])
        >>> models = NearestNeighbour(new), NearestNeighbour(old)
        >>> unsure = ConfidenceThreshold(*models, threshold=0.1).fit(gallery, labels)
        >>> unsure.consulted(torch.cat([gallery[:1], torch.zeros(1, 3, 64, 64)]))
        tensor([False,  True])
    """

    def __init__(
        self,
        accurate: NearestNeighbour,
        robust: Recogniser,
        *,
        threshold: float,
        reject: float | None = None,
    ) -> None:
        _check_distance(threshold, "threshold")
        _check_has_distances(accurate, "accurate")
        if reject is not None:
            _check_distance(reject, "reject")
            _check_has_distances(robust, "robust")
        super().__init__(accurate.extractor)
        self.accurate, self.robust = accurate, robust
        self.threshold, self.reject = threshold, reject

    @staticmethod
    def over(robust: Extractor, *, threshold: float, reject: float | None = None) -> TwoModels:
        """Where a recogniser goes: the trial's extractor is the accurate one, this the other.

        Args:
            robust: the second extractor; both are used by nearest neighbour.
            threshold, reject: see the class.
        """
        limits = {"threshold": threshold, "reject": reject}
        said = ", ".join(f"{key}={value:.3g}" for key, value in limits.items() if value is not None)
        name = f"ConfidenceThreshold({said}) with {robust.card.name}"
        return TwoModels(robust, partial(ConfidenceThreshold, **limits), NearestNeighbour, name)

    def consulted(self, images: Tensor) -> Tensor:
        """For which ``(n,)`` of ``(n, 3, h, w)`` images in [0, 1] the robust model answers."""
        checks.images(images)
        self._require_fit()
        return self._first(images)[1]

    def _first(self, images: Tensor) -> tuple[Tensor, Tensor]:
        labels, distances = _answers(self.accurate, images)
        return labels, distances > self.threshold

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        self.accurate.fit(images, labels)
        self.robust.fit(images, labels)

    def _predict(self, images: Tensor) -> Tensor:
        labels, consulted = self._first(images)
        if consulted.any():
            second, distances = _answers(self.robust, images[consulted])
            if self.reject is not None:
                second = second.masked_fill(distances > self.reject, UNKNOWN)
            labels[consulted] = second
        return labels


@dataclass(frozen=True, eq=False)
class TwoModels:
    """A way to build a recogniser of two models, for use as the recogniser of a trial.

    ``Top2.over`` and ``ConfidenceThreshold.over`` make it. A trial uses the same photographs many
    times; each extractor embeds each of them once.

    Attributes:
        robust: the second extractor; the first one is the trial's.
        combine: from two recognisers to one.
        recogniser: how the trainer builds on either extractor.
        name: what a table calls it.

    Example:
        >>> from poisonlib import extractors
        >>> from poisonlib.defenses import Top2
        >>> print(Top2.over(extractors.load("magface-2021")))
        Top2 with magface-2021
    """

    robust: Extractor
    combine: Callable[[Recogniser, Recogniser], Recogniser]
    recogniser: MakeRecogniser
    name: str
    _known: dict[str, Extractor] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, accurate: Extractor) -> Recogniser:
        """The recogniser, not yet fitted."""
        return self.combine(self._built_on(accurate), self._built_on(self.robust))

    def __str__(self) -> str:
        return self.name

    def _built_on(self, extractor: Extractor) -> Recogniser:
        made = self.recogniser(extractor)
        if isinstance(made, EmbeddingRecogniser):
            known = CachedExtractor(extractor)
            made.extractor = self._known.setdefault(known.fingerprint, known)
        return made


def _answers(recogniser: Recogniser, images: Tensor) -> tuple[Tensor, Tensor | None]:
    """Labels ``(n,)``, and distances ``(n,)`` where the recogniser has them."""
    if not isinstance(recogniser, NearestNeighbour):
        return recogniser.predict(images), None
    index, distances = recogniser.neighbours(embed(recogniser.extractor, images))
    return recogniser.labels_[index], distances


def _check_distance(value: float, name: str) -> None:
    if not 0 <= value <= 2:
        raise ValueError(
            f"{name} is a distance between unit rows, in [0, 2], got {value}; pick one with "
            "poisonlib.defenses.choose_threshold"
        )


def _check_has_distances(recogniser: Recogniser, name: str) -> None:
    if not isinstance(recogniser, NearestNeighbour):
        raise TypeError(
            f"the {name} model must be a NearestNeighbour, whose distance says how sure it is, "
            f"got {type(recogniser).__name__}; Top2 works with any recogniser"
        )


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__


def model(name: str) -> Extractor:
    """An extractor of :data:`PAIRS` by name."""
    if name.endswith(", denoised"):
        return Purified(extractors.load(name.removesuffix(", denoised")), denoiser.load())
    return extractors.load(name)

"""Recognisers: from a gallery of labelled photographs to a name for a new one.

Three ways to build one on top of an extractor, the three of the paper (Radiya-Dixit et al.,
ICLR 2022, section 3): nearest neighbour, a linear classifier on frozen features, and end-to-end
fine-tuning. All have one interface: ``fit``, ``predict``, ``score``.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import checks
from poisonlib.extractors import Extractor, ModuleExtractor, embed


class Recogniser(ABC):
    """A closed-set identifier over the people of its gallery.

    Args:
        extractor: what turns photographs into features.

    Attributes:
        people_: ``(k,)`` labels of the people in the gallery, after ``fit``.

    Example:
        A recogniser that goes by mean colour, for no good reason:

        >>> import torch
        >>> from poisonlib.recognition import Recogniser
        >>> class ByColour(Recogniser):
        ...     def _fit(self, images, labels):
        ...         means = images.mean(dim=(2, 3))
        ...         self.means_ = torch.stack([means[labels == p].mean(0) for p in self.people_])
        ...     def _predict(self, images):
        ...         return self.people_[torch.cdist(images.mean(dim=(2, 3)), self.means_).argmin(1)]
        >>> dark, light = torch.full((1, 3, 8, 8), 0.1), torch.full((1, 3, 8, 8), 0.9)
        >>> by_colour = ByColour(None).fit(torch.cat([dark, light]), torch.tensor([3, 5]))
        >>> by_colour.predict(light * 0.8)
        tensor([5])
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.people_: Tensor | None = None

    def fit(self, images: Tensor, labels: Tensor) -> Self:
        """Learn a gallery of ``(n, 3, h, w)`` images in [0, 1] with ``(n,)`` integer labels.

        Raises:
            ValueError: bad images or labels, or fewer than two people.
        """
        checks.images(images)
        self._remember_people(labels, len(images))
        self._fit(images, labels)
        return self

    def predict(self, images: Tensor) -> Tensor:
        """The label ``(n,)`` of the person that each of ``(n, 3, h, w)`` images shows."""
        checks.images(images)
        self._require_fit()
        return self._predict(images)

    def candidates(self, images: Tensor) -> Tensor:
        """The labels ``(n, k)`` that each of ``(n, 3, h, w)`` images is said to show, best first.

        Most recognisers give one answer. One that leaves the choice to a person, such as
        :class:`~poisonlib.defenses.Top2`, gives several, and its :meth:`predict` is the first.
        """
        checks.images(images)
        self._require_fit()
        return self._candidates(images)

    def score(self, images: Tensor, labels: Tensor) -> float:
        """The share of images whose predicted label is the given one, in [0, 1]."""
        checks.labels(labels, len(images))
        return float((self.predict(images) == labels).float().mean())

    @abstractmethod
    def _fit(self, images: Tensor, labels: Tensor) -> None: ...

    @abstractmethod
    def _predict(self, images: Tensor) -> Tensor: ...

    def _candidates(self, images: Tensor) -> Tensor:
        return self._predict(images)[:, None]

    def _remember_people(self, labels: Tensor, n: int) -> None:
        checks.labels(labels, n)
        self.people_ = torch.unique(labels)
        if len(self.people_) < 2:
            raise ValueError(
                f"a gallery needs at least two people to tell apart, got {len(self.people_)}; "
                "add background people, e.g. poisonlib.people.load('users')"
            )

    def _require_fit(self) -> None:
        if self.people_ is None:
            raise ValueError(f"{type(self).__name__} has no gallery yet; call fit first")


class EmbeddingRecogniser(Recogniser):
    """A recogniser that sees photographs only as embeddings of a frozen extractor.

    ``fit_embeddings``, ``predict_embeddings`` and ``candidates_of_embeddings`` take embeddings
    ``(n, d)`` computed before, so that an experiment that changes a few photographs of a gallery
    need not embed all the others again.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.recognition import NearestNeighbour
        >>> tracker = extractors.load("softmax-2014")
        >>> embeddings = extractors.embed(tracker, torch.rand(4, 3, 64, 64))
        >>> labels = torch.tensor([0, 0, 1, 1])
        >>> nearest = NearestNeighbour(tracker).fit_embeddings(embeddings, labels)
        >>> nearest.predict_embeddings(embeddings)
        tensor([0, 0, 1, 1])
    """

    def fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> Self:
        """Like ``fit``, from embeddings ``(n, d)`` that the extractor made."""
        self._remember_people(labels, len(embeddings))
        self._fit_embeddings(embeddings, labels)
        return self

    def predict_embeddings(self, embeddings: Tensor) -> Tensor:
        """Like ``predict``, from embeddings ``(n, d)``: labels ``(n,)``."""
        self._require_fit()
        return self._predict_embeddings(embeddings)

    def candidates_of_embeddings(self, embeddings: Tensor) -> Tensor:
        """Like ``candidates``, from embeddings ``(n, d)``: labels ``(n, k)``."""
        return self.predict_embeddings(embeddings)[:, None]

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        self._fit_embeddings(embed(self.extractor, images), labels)

    def _predict(self, images: Tensor) -> Tensor:
        return self._predict_embeddings(embed(self.extractor, images))

    def _candidates(self, images: Tensor) -> Tensor:
        return self.candidates_of_embeddings(embed(self.extractor, images))

    @abstractmethod
    def _fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> None: ...

    @abstractmethod
    def _predict_embeddings(self, embeddings: Tensor) -> Tensor: ...


@torch.no_grad()
def closest(
    embeddings: Tensor, gallery: Tensor, *, block: tuple[int, int] = (512, 2048)
) -> tuple[Tensor, Tensor]:
    """The gallery embedding with the largest inner product, by looking at every one of them.

    The products are made and looked through block by block, each small enough to stay in the
    processor's cache, so that a gallery of a million takes no more memory than its embeddings and
    hardly more time than the bare matrix product. Of equal ones the first is taken.

    Args:
        embeddings: ``(n, d)`` queries.
        gallery: ``(m, d)``, at least one row.
        block: how many queries and how many gallery embeddings at once.

    Returns:
        index ``(n,)`` into the gallery, and inner product ``(n,)``.

    Example:
        >>> import torch
        >>> from poisonlib.recognition import closest
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> closest(torch.tensor([[0.6, 0.8]]), gallery)
        (tensor([1]), tensor([0.8000]))
    """
    index = torch.zeros(len(embeddings), dtype=torch.int64)
    best = torch.full((len(embeddings),), -torch.inf)
    queries, candidates = block
    for start in range(0, len(embeddings), queries):
        part = slice(start, start + queries)
        for offset in range(0, len(gallery), candidates):
            products = embeddings[part] @ gallery[offset : offset + candidates].T
            # torch's argmax takes ten times as long as NumPy's, a third of the product.
            top = torch.from_numpy(products.numpy().argmax(axis=1))
            value = products.gather(1, top[:, None])[:, 0]
            better = value > best[part]
            index[part] = torch.where(better, top + offset, index[part])
            best[part] = torch.where(better, value, best[part])
    return index, best


class NearestNeighbour(EmbeddingRecogniser):
    """The label of the closest photograph in the gallery (1-NN).

    Rows have length 1, so the largest cosine is the smallest Euclidean distance. The paper's
    code does the same with scikit-learn's ``KNeighborsClassifier(1)``.

    Example:
        >>> from poisonlib import extractors, people
        >>> from poisonlib.recognition import NearestNeighbour
        >>> photos = people.load("users").of_people(range(5))
        >>> nearest = NearestNeighbour(extractors.load("magface-2021"))
        >>> nearest = nearest.fit(photos.images[::2], photos.labels[::2])
        >>> nearest.score(photos.images[1::2], photos.labels[1::2]) > 0.8
        True
    """

    def _fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> None:
        self.embeddings_, self.labels_ = embeddings.clone(), labels.clone()

    def neighbours(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Index and distance ``(n,)`` of the gallery embedding nearest to each of ``(n, d)``."""
        self._require_fit()
        index, cosine = closest(embeddings, self.embeddings_)
        return index, (2 - 2 * cosine).clamp_min(0).sqrt()

    def _predict_embeddings(self, embeddings: Tensor) -> Tensor:
        return self.labels_[self.neighbours(embeddings)[0]]


class Linear(EmbeddingRecogniser):
    """Logistic regression on standardised frozen features, through scikit-learn.

    As in the paper's code, ``StandardScaler`` and ``LogisticRegression`` with C = 1, but run
    to convergence instead of being stopped after 100 iterations.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.recognition import Linear
        >>> gallery, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])
        >>> linear = Linear(extractors.load("softmax-2014")).fit(gallery, labels)
        >>> linear.predict(gallery)
        tensor([0, 0, 1, 1])
    """

    def __init__(self, extractor: Extractor, *, C: float = 1.0) -> None:
        super().__init__(extractor)
        self.C = C

    def _fit_embeddings(self, embeddings: Tensor, labels: Tensor) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        regression = LogisticRegression(C=self.C, max_iter=2000, tol=1e-3)
        self.classifier_ = make_pipeline(StandardScaler(), regression)
        self.classifier_.fit(embeddings.double().numpy(), labels.numpy())

    def _predict_embeddings(self, embeddings: Tensor) -> Tensor:
        return torch.from_numpy(self.classifier_.predict(embeddings.double().numpy()))


class EndToEnd(Recogniser):
    """The whole network fine-tuned on the gallery, a softmax over its people on top.

    Every class is drawn equally often, as in the paper's ``eval_e2e.py``. That code trains for
    160,000 images from a random last layer; here the last layer starts at the mean feature of
    each person, which a few epochs then refine.

    Args:
        extractor: a :class:`~poisonlib.extractors.ModuleExtractor`; a copy of it is trained.
        epochs: passes over a gallery's worth of images.
        learning_rate: of Adam, for network and last layer alike.
        scale: multiplies the cosine to make logits.
        seed: of order and flips.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.recognition import EndToEnd
        >>> gallery, labels = torch.rand(4, 3, 64, 64), torch.tensor([0, 0, 1, 1])
        >>> tuned = EndToEnd(extractors.load("softmax-2014"), epochs=1, batch_size=4)
        >>> tuned.fit(gallery, labels).predict(gallery).shape
        torch.Size([4])
    """

    def __init__(
        self,
        extractor: ModuleExtractor,
        *,
        epochs: int = 4,
        learning_rate: float = 5e-4,
        batch_size: int = 64,
        scale: float = 16.0,
        seed: int = 0,
    ) -> None:
        if not isinstance(getattr(extractor, "module", None), torch.nn.Module):
            raise TypeError(
                f"EndToEnd fine-tunes a network, got {type(extractor).__name__}; "
                "wrap your torch.nn.Module in poisonlib.extractors.ModuleExtractor"
            )
        super().__init__(extractor)
        self.epochs, self.learning_rate = epochs, learning_rate
        self.batch_size, self.scale, self.seed = batch_size, scale, seed

    def _fit(self, images: Tensor, labels: Tensor) -> None:
        classes = torch.searchsorted(self.people_, labels)
        embeddings = embed(self.extractor, images)
        means = torch.zeros(len(self.people_), embeddings.shape[1]).index_add_(
            0, classes, embeddings
        )
        weight = torch.nn.Parameter(F.normalize(means))
        module = copy.deepcopy(self.extractor.module).requires_grad_(True)
        small = torch.cat([self.extractor.preprocessing(part) for part in images.split(512)])
        generator = torch.Generator().manual_seed(self.seed)
        sampling = 1.0 / torch.bincount(classes)[classes].double()
        optimiser = torch.optim.Adam([*module.parameters(), weight], lr=self.learning_rate)
        steps = max(1, self.epochs * len(images) // self.batch_size)
        for _ in range(steps):
            batch = torch.multinomial(sampling, self.batch_size, True, generator=generator)
            views = small[batch]
            flip = torch.rand(len(batch), 1, 1, 1, generator=generator) < 0.5
            views = torch.where(flip, views.flip(3), views)
            with torch.autocast("cpu", torch.bfloat16):
                features = module(views.contiguous(memory_format=torch.channels_last))
            cosine = F.normalize(features.float()) @ F.normalize(weight).T
            loss = F.cross_entropy(self.scale * cosine, classes[batch])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        self.network_ = ModuleExtractor(module, self.extractor.card, self.extractor.preprocessing)
        self.weight_ = F.normalize(weight.detach())

    def _predict(self, images: Tensor) -> Tensor:
        return self.people_[(embed(self.network_, images) @ self.weight_.T).argmax(dim=1)]


RECOGNISERS: Mapping[str, Callable[[Extractor], Recogniser]] = {
    "1-NN": NearestNeighbour,
    "linear": Linear,
    "end-to-end": EndToEnd,
}
"""How a trainer builds on an extractor, by the name that tables use."""

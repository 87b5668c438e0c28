"""How well extractors know real faces: pairs of photographs, and names within a closed set.

The protocol of pairs is that of Labeled Faces in the Wild (Huang et al., 2007): as many pairs of
one person as of two, ten folds without a common person, and of each fold the threshold that is best
on the other nine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib.extractors import embed
from poisonlib.photos import Photos
from poisonlib.statistics import wilson
from poisonlib.trial import split
from studio.studies import lfw
from studio.studies.real import FROM_PHOTOGRAPHS, line_up
from studio.studies.study import Run

if TYPE_CHECKING:
    import pandas

FOLDS, PAIRS = 10, 300
"""Folds, and pairs of either kind in each."""


def knowing_faces(run: Run) -> Iterator[dict]:
    """Each extractor on the real people: one row with its accuracy on pairs and its 1-NN error.

    All real people take part, those of the gallery and the public ones, except for an extractor
    that was trained on the public ones' photographs: it is tested on the gallery alone.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    gallery, everybody = lfw.gallery(), lfw.gallery().joined(lfw.public())
    for name, extractor in line_up(run).items():
        photos = gallery if name == FROM_PHOTOGRAPHS else everybody
        embeddings = embed(extractor, photos.images)
        right, n = told_apart(embeddings, photos.labels, seed=run.seed)
        wrong, tests = misnamed(embeddings, photos, seed=run.seed)
        pairs, error = wilson(right, n), wilson(wrong, tests)
        yield {
            "extractor": name,
            "people": len(photos.people),
            "pairs": n,
            "accuracy": round(pairs.value, 4),
            "accuracy_low": round(pairs.low, 4),
            "accuracy_high": round(pairs.high, 4),
            "n": tests,
            "error": round(error.value, 4),
            "low": round(error.low, 4),
            "high": round(error.high, 4),
        }


def told_apart(embeddings: Tensor, labels: Tensor, *, seed: int) -> tuple[int, int]:
    """How many pairs are judged rightly, of how many.

    Args:
        embeddings: unit vectors ``(n, d)``.
        labels: ``(n,)``, the person on each.
        seed: of folds and pairs.

    Example:
        >>> import torch
        >>> from studio.studies.knowing_faces import told_apart
        >>> people = torch.arange(40) // 2
        >>> perfect = torch.nn.functional.one_hot(people).float()
        >>> right, n = told_apart(perfect, people, seed=0)
        >>> right == n
        True
    """
    generator = torch.Generator().manual_seed(seed)
    known = labels.unique()
    people = known[torch.randperm(len(known), generator=generator)]
    likeness, same = [], []
    for fold in people.tensor_split(FOLDS):
        pairs = _pairs(torch.isin(labels, fold).nonzero()[:, 0], labels, generator)
        likeness.append((embeddings[pairs[:, 0]] * embeddings[pairs[:, 1]]).sum(1))
        same.append(labels[pairs[:, 0]] == labels[pairs[:, 1]])
    right = n = 0
    for fold in range(FOLDS):
        others = [number for number in range(FOLDS) if number != fold]
        threshold = _best_threshold(
            torch.cat([likeness[number] for number in others]),
            torch.cat([same[number] for number in others]),
        )
        right += int(((likeness[fold] >= threshold) == same[fold]).sum())
        n += len(same[fold])
    return right, n


def misnamed(embeddings: Tensor, photos: Photos, *, seed: int) -> tuple[int, int]:
    """How many test photographs get another's name by 1-NN, of how many; nobody cloaks."""
    test = split(photos.labels, seed=seed)
    nearest = (embeddings[test] @ embeddings[~test].T).argmax(1)
    wrong = photos.labels[~test][nearest] != photos.labels[test]
    return int(wrong.sum()), int(test.sum())


def _pairs(indices: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many pairs ``(k, 2)`` of one person as of two, each at most once."""
    every = torch.combinations(indices)
    same = labels[every[:, 0]] == labels[every[:, 1]]
    chosen = []
    few = min(PAIRS, int(same.sum()), int((~same).sum()))
    for kind in (every[same], every[~same]):
        chosen.append(kind[torch.randperm(len(kind), generator=generator)[:few]])
    return torch.cat(chosen)


def _best_threshold(likeness: Tensor, same: Tensor) -> float:
    """The threshold under which most pairs are judged rightly."""
    order = likeness.argsort()
    ordered = same[order]
    # At position k everything before it is called different, the rest the same.
    right = torch.cat([torch.zeros(1), (~ordered).cumsum(0)]) + torch.cat(
        [ordered.flip(0).cumsum(0).flip(0), torch.zeros(1)]
    )
    at = int(right.argmax())
    values = likeness[order]
    if at == 0:
        return float(values[0])
    return float(values[at - 1] if at == len(values) else (values[at - 1] + values[at]) / 2)


def by_accuracy(table: pandas.DataFrame) -> pandas.DataFrame:
    """The extractors in order of their accuracy."""
    return table.sort_values("accuracy", ascending=False, ignore_index=True)

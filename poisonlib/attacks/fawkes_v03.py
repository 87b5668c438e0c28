"""Fawkes v0.3: make the user's photographs look like somebody else to the recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from poisonlib.attacks import ssim, tanh_space
from poisonlib.attacks.base import (
    Attack,
    Extractor,
    check_extractors,
    clean_features,
    differentiable_features,
    resolve_mode,
)
from poisonlib.photos import Photos
from poisonlib.progress import Progress

MODES = {
    "min": dict(budget=0.002, steps=20, learning_rate=40.0),
    "low": dict(budget=0.003, steps=50, learning_rate=35.0),
    "mid": dict(budget=0.005, steps=200, learning_rate=20.0),
    "high": dict(budget=0.008, steps=500, learning_rate=10.0),
    "ultra": dict(budget=0.01, steps=1000, learning_rate=8.0),
}


@dataclass(frozen=True, eq=False, repr=False)
class FawkesV03(Attack):
    """Targeted cloak under a DSSIM budget.

    Shan, Wenger, Zhang, Li, Zheng and Zhao, "Fawkes: protecting privacy against unauthorized deep
    learning models", USENIX Security 2020, as released with version 0.3. It picks a person far from
    the user, and walks the photographs there in tanh space with Adadelta, minimising
    ``penalty * max(DSSIM - budget, 0)^2 + sum over extractors of |t - f(x')| / |t|`` with
    ``t = f(x) + 2 (mean f(target) - mean f(x))``.

    The released code is followed where it and the paper differ:

    * the target is drawn among the 20 candidates farthest from the user's features, where the
      distance of a candidate is that to the nearest of the user's photographs;
    * ``t`` overshoots the target by a factor of two, and its means are over the batch: call it with
      the photographs of *one* user, as results depend on what else is in the batch;
    * the image returned is the one with the least feature distance of all steps, whatever its
      DSSIM: the budget is only a penalty, and is exceeded a little;
    * the learning rate falls by a fifth at every third of the steps.

    Deliberately different: photographs arrive aligned and are not preprocessed, whereas the tool
    crops a detected box, pads it to a square with the mean colour and stretches its contrast to the
    full range. Every photograph in an experiment must go through one and the same path, or the
    recogniser learns the path. A candidate's features are the mean of its photographs', and those
    of the target the mean of its first ten. Rounding to 8 bits is to the nearest value.

    Args:
        extractors: one or several; the tool comes with one, adversarially trained.
        targets: photographs of people other than the user to choose the target from.
        mode: ``"high"`` is the tool's strongest for ordinary use (``"ultra"`` asks for a GPU).
        budget: DSSIM that is free of penalty; by default, like the next two, that of the mode.
        steps: number of steps.
        learning_rate: of Adadelta, in tanh units.
        penalty: weight of DSSIM over budget.
        farthest: among how many of the farthest candidates the target is drawn.

    Example:
        >>> from poisonlib import extractors, people
        >>> from poisonlib.attacks import FawkesV03
        >>> tracker, public = extractors.load("softmax-2014"), people.load("public")
        >>> tool = FawkesV03([tracker], targets=public.of_people(range(4)), mode="low")
        >>> tool.settings["mode"], tool.settings["targets"].split(",")[0]
        ('low', '48 photographs of 4 people')
    """

    extractors: Sequence[Extractor]
    _: KW_ONLY
    targets: Photos
    mode: Literal["min", "low", "mid", "high", "ultra"] = "high"
    budget: float | None = None
    steps: int | None = None
    learning_rate: float | None = None
    penalty: float = 1e6
    farthest: int = 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "extractors", check_extractors(self.extractors))
        resolve_mode(self, MODES)
        if not isinstance(self.targets, Photos):
            raise TypeError(
                f"targets must be Photos of other people, got {type(self.targets).__name__}; "
                "use e.g. poisonlib.people.load('public')"
            )

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        own = [clean_features(extractor, images) for extractor in self.extractors]
        target = self._mean_features(self.targets.of(self.pick_target(images, seed=seed))[:10])
        goals = [
            features + 2 * (mean - features.mean(dim=0))
            for features, mean in zip(own, target, strict=True)
        ]
        start = tanh_space.from_images(images)
        change = torch.full_like(images, 1e-6, requires_grad=True)
        optimiser = torch.optim.Adadelta([change], lr=self.learning_rate, rho=0.95, eps=1e-8)
        visibility = ssim.anchored(images, stride=ssim.INNER_LOOP_STRIDE)
        best = torch.full((len(images),), torch.inf)
        kept = images.clone()
        for step in range(self.steps):
            perturbed = tanh_space.to_images(start + change)
            distance = self._distance(perturbed, goals)
            if step > 0:
                best, kept = _keep_nearer(best, kept, distance, perturbed)
            excess = (visibility(perturbed) - self.budget).clamp(min=0)
            loss = self.penalty * excess.square() + distance
            (change.grad,) = torch.autograd.grad(loss.sum(), change)
            optimiser.step()
            if step > 0 and step % max(1, self.steps // 3) == 0:
                optimiser.param_groups[0]["lr"] *= 0.8
            progress(step + 1, self.steps, type(self).__name__)
        self._check_finite(change)
        perturbed = tanh_space.to_images(start + change)
        _, kept = _keep_nearer(best, kept, self._distance(perturbed, goals), perturbed)
        return kept

    def pick_target(self, images: Tensor, *, seed: int) -> int:
        """The label of the person that images ``(n, 3, h, w)`` will be pulled towards."""
        own = torch.cat([clean_features(extractor, images) for extractor in self.extractors], dim=1)
        nearest = torch.cdist(own, self._candidates).amin(dim=0)
        farthest = nearest.argsort(descending=True)[: self.farthest]
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randint(len(farthest), (), generator=generator)
        return self.targets.people[int(farthest[drawn])]

    @cached_property
    def _candidates(self) -> Tensor:
        """Mean features of each person among the targets, extractors side by side."""
        everybody = [self.targets.of(person) for person in self.targets.people]
        return torch.stack([torch.cat(self._mean_features(images)) for images in everybody])

    def _mean_features(self, images: Tensor) -> list[Tensor]:
        return [clean_features(extractor, images).mean(dim=0) for extractor in self.extractors]

    def _distance(self, images: Tensor, goals: Sequence[Tensor]) -> Tensor:
        total = torch.zeros(len(images))
        for extractor, goal in zip(self.extractors, goals, strict=True):
            features = differentiable_features(extractor, images)
            total = total + (goal - features).norm(dim=1) / goal.norm(dim=1)
        return total


def _keep_nearer(
    best: Tensor, kept: Tensor, distance: Tensor, images: Tensor
) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        nearer = distance < best
        best = torch.where(nearer, distance, best)
        return best, torch.where(nearer[:, None, None, None], images, kept)

"""Fawkes v1.0: make the user's photographs look unlike the user to the recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
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
    noise_like,
    resolve_mode,
)
from poisonlib.progress import Progress

MODES = {
    "low": dict(budget=0.004, steps=40, learning_rate=25.0),
    "mid": dict(budget=0.012, steps=75, learning_rate=20.0),
    "high": dict(budget=0.017, steps=150, learning_rate=15.0),
}


@dataclass(frozen=True, eq=False, repr=False)
class FawkesV1(Attack):
    """Untargeted cloak under a DSSIM budget and a hard bound on each pixel.

    The second generation of Fawkes (Shan et al., USENIX Security 2020), as released with version
    1.0.2. In tanh space, with Adadelta, it minimises for each image
    ``penalty * max(DSSIM - budget, 0)^2 - k * sum over extractors of |f(x') - f(x)|^2 / |f(x)|``.
    There is no paper on this version; the released code is followed:

    * the factor k doubles while DSSIM is under 0.9 budgets, halves while it is over 1.1, and goes
      back to 1 on a change of side, in between, and after it has left [1/129, 129];
    * the change of a pixel is clipped to 15 grey levels, which also stops its gradient;
    * after the first step there is another of 0.01 against the sign of the gradient, and the
      optimiser starts afresh (the code replaces the variable that it optimises);
    * the image returned is the one with the greatest feature distance among those with
      DSSIM <= 1.1 budgets. If that distance is under 0.3, the last image replaces it where its
      distance is greater and its DSSIM under 0.015.

    Deliberately different: photographs arrive aligned and are not preprocessed, whereas the tool
    crops a detected box, pads it with the mean colour and stretches its contrast to the full range
    (see ``FawkesV03``). Where no image within the budget was ever seen the tool returns black; here
    the photograph stays unprotected. The initial noise depends on seed and photograph, not on the
    place in the batch. Rounding to 8 bits is to the nearest value.

    Args:
        extractors: one or several; the tool comes with two, and uses both in mid and high.
        mode: ``"high"`` is full strength.
        budget: DSSIM that is free of penalty; by default, like the next two, that of the mode.
        steps: number of steps.
        learning_rate: of Adadelta, in tanh units.
        penalty: weight of DSSIM over budget.
        max_change: largest change of a value, in [0, 1] units.

    Example:
        >>> import torch
        >>> from poisonlib import extractors
        >>> from poisonlib.attacks import FawkesV1
        >>> tool = FawkesV1([extractors.load("softmax-2014")], steps=2)  # for a look at it
        >>> cloak = tool(torch.rand(1, 3, 48, 48), seed=0)
        >>> cloak.images.shape, cloak.steps
        (torch.Size([1, 3, 48, 48]), 2)
    """

    extractors: Sequence[Extractor]
    _: KW_ONLY
    mode: Literal["low", "mid", "high"] = "high"
    budget: float | None = None
    steps: int | None = None
    learning_rate: float | None = None
    penalty: float = 1e6
    max_change: float = 15 / 255

    def __post_init__(self) -> None:
        object.__setattr__(self, "extractors", check_extractors(self.extractors))
        resolve_mode(self, MODES)

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        anchors = [clean_features(extractor, images) for extractor in self.extractors]
        start = tanh_space.from_images(images)
        change = noise_like(images, seed=seed, radius=1e-4).requires_grad_(True)
        optimiser = torch.optim.Adadelta([change], lr=self.learning_rate, rho=0.95, eps=1e-7)
        visibility = ssim.anchored(images, stride=ssim.INNER_LOOP_STRIDE)
        bounds = (images - self.max_change, images + self.max_change)
        balance = torch.ones(len(images))
        side = torch.ones(len(images))
        best = torch.zeros(len(images))
        kept = images.clone()
        for step in range(self.steps):
            perturbed = tanh_space.to_images(start + change, within=bounds)
            distance = self._distance(perturbed, anchors)
            dissimilarity = visibility(perturbed)
            excess = (dissimilarity - self.budget).clamp(min=0)
            loss = self.penalty * excess.square() - balance * distance
            (change.grad,) = torch.autograd.grad(loss.sum(), change)
            optimiser.step()
            with torch.no_grad():
                if step == 0:
                    change -= 0.01 * change.grad.sign()
                    optimiser.state.clear()
                balance, side = self._rebalance(balance, side, dissimilarity)
                better = (dissimilarity <= 1.1 * self.budget) & (distance > best)
                best = torch.where(better, distance, best)
                kept = torch.where(better[:, None, None, None], perturbed, kept)
            progress(step + 1, self.steps, type(self).__name__)
        self._check_finite(change)
        with torch.no_grad():
            fallback = (best < 0.3) & (dissimilarity < 0.015) & (distance > best)
            return torch.where(fallback[:, None, None, None], perturbed, kept)

    def _rebalance(
        self, balance: Tensor, side: Tensor, dissimilarity: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next balance factors ``(n,)``, and on which side of the budget each image is."""
        double = (dissimilarity <= 0.9 * self.budget) & (balance <= 129)
        halve = ~double & (dissimilarity >= 1.1 * self.budget) & (balance >= 1 / 129)
        factor = 1 + double.float() - 0.5 * halve.float()
        next_side = double.float() - halve.float()
        restart = (next_side == 0) | (next_side == -side)
        return torch.where(restart, 1.0, balance * factor), next_side

    def _distance(self, images: Tensor, anchors: Sequence[Tensor]) -> Tensor:
        total = torch.zeros(len(images))
        for extractor, anchor in zip(self.extractors, anchors, strict=True):
            features = differentiable_features(extractor, images)
            total = total + (features - anchor).square().sum(dim=1) / anchor.norm(dim=1)
        return total

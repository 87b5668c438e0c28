"""LowKey: push the features away, for several recognisers at once, plain and blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from poisonlib.attacks import lpips
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

MODES = {"low": dict(steps=15), "mid": dict(steps=30), "high": dict(steps=50)}


@dataclass(frozen=True, eq=False, repr=False)
class LowKey(Attack):
    """Signed-gradient attack on an ensemble with a perceptual penalty.

    Cherepanova, Goldblum, Foley, Duan, Dickerson, Taylor and Goldstein, "LowKey: leveraging
    adversarial attacks to protect social media users from facial recognition", ICLR 2021.
    It takes ``steps`` steps of ``step_size * sign(gradient)`` uphill on the mean over extractors,
    plain and blurred branch, and coordinates of ``(f(x') - f(x))^2 / |f(x)|``, minus
    ``lpips_weight * LPIPS(x', x)``. Features are those of the image plus those of its mirror image,
    normalised; ``f(x)`` is of the clean, unblurred image in both branches.

    The released code is followed where the paper says otherwise or nothing:

    * its bound of 0.05 on the change is never applied; what bounds the change is the length of the
      walk, ``noise + steps * step_size`` (0.13 at the defaults);
    * it averages over the 512 coordinates of its features, which makes 0.05 a much heavier weight
      than it looks. ``coordinates`` keeps that balance for features of other lengths;
    * pixels may leave [0, 1] on the way and are clipped at the end.

    Deliberately different: photographs arrive aligned, so there is no differentiable alignment and
    the penalty compares the aligned picture once; LPIPS counts for every image of a batch (some
    ports penalise the first only), and runs offline on a substitute trunk (see
    ``poisonlib.attacks.lpips``); rounding to 8 bits is to the nearest value.

    Args:
        extractors: the ensemble, one extractor or several.
        mode: ``"high"`` is the released tool at its only strength; ``"mid"`` and ``"low"`` are
            ours, 30 and 15 of its 50 steps.
        steps: number of steps; by default that of the mode.
        step_size: length of a step in every pixel value, in [0, 1] units.
        lpips_weight: weight of the perceptual penalty.
        noise: radius of the uniform noise that the walk starts with.
        blur_size, blur_sigma: Gaussian kernel of the blurred branch, in pixels.
        coordinates: by how many coordinates the squared distance is averaged.

    Example:
        >>> from poisonlib import extractors, people
        >>> from poisonlib.attacks import LowKey
        >>> tracker, photo = extractors.load("softmax-2014"), people.load("users").of(0)[:1]
        >>> cloak = LowKey([tracker], steps=3)(photo, seed=0)
        >>> moved = (tracker(cloak.images) - tracker(photo)).norm(dim=1)
        >>> bool(cloak.linf < 0.1), bool(moved > 0.3)  # little to the eye, more to the network
        (True, True)
    """

    extractors: Sequence[Extractor]
    _: KW_ONLY
    mode: Literal["low", "mid", "high"] = "high"
    steps: int | None = None
    step_size: float = 0.0025
    lpips_weight: float = 0.05
    noise: float = 0.005
    blur_size: int = 7
    blur_sigma: float = 3.0
    coordinates: int = 512

    def __post_init__(self) -> None:
        object.__setattr__(self, "extractors", check_extractors(self.extractors))
        resolve_mode(self, MODES)

    @property
    def max_change(self) -> float:
        """The largest change of a value that the walk can reach."""
        return self.noise + self.steps * self.step_size

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        mirrored = images.flip(3)
        directions = [mirrored_features(net, images, mirrored) for net in self.extractors]
        scales = [1 / (self.coordinates * row.norm(dim=1)) for row in directions]
        terms = 2 * len(self.extractors)
        visibility = lpips.default().anchored(images)
        perturbed = images + noise_like(images, seed=seed, radius=self.noise)
        for step in range(self.steps):
            perturbed.requires_grad_(True)
            blurred = gaussian_blur(perturbed, size=self.blur_size, sigma=self.blur_sigma)
            branches = [(branch, branch.flip(3)) for branch in (perturbed, blurred)]
            moved = torch.zeros(len(images))
            for extractor, direction, scale in zip(
                self.extractors, directions, scales, strict=True
            ):
                for branch in branches:
                    features = mirrored_features(extractor, *branch)
                    moved = moved + (features - direction).square().sum(dim=1) * scale
            objective = moved / terms - self.lpips_weight * visibility(perturbed)
            (uphill,) = torch.autograd.grad(objective.sum(), perturbed)
            perturbed = perturbed.detach() + self.step_size * uphill.sign()
            progress(step + 1, self.steps, type(self).__name__)
        self._check_finite(uphill)  # the sign of NaN is zero, and would stay so
        return perturbed


def mirrored_features(extractor: Extractor, images: Tensor, mirrored: Tensor) -> Tensor:
    """Unit vectors ``(n, d)``: features of images plus those of their mirror images, normalised."""
    compute = differentiable_features if images.requires_grad else clean_features
    return F.normalize(compute(extractor, images) + compute(extractor, mirrored), dim=1)


def gaussian_blur(images: Tensor, *, size: int, sigma: float) -> Tensor:
    """Images ``(n, 3, h, w)`` blurred by a Gaussian kernel, with reflected borders.

    Args:
        size: side of the kernel in pixels, odd.
        sigma: of the Gaussian in pixels.
    """
    height, width = images.shape[-2:]
    rows, columns = (_blur_matrix(side, size, sigma).to(images) for side in (height, width))
    return rows @ (images @ columns.T)


@cache
def _blur_matrix(side: int, size: int, sigma: float) -> Tensor:
    """Matrix ``(side, side)`` whose row i blurs pixel i; a product is faster than convolving."""
    offsets = torch.arange(size, dtype=torch.float64) - size // 2
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    positions = torch.arange(side, dtype=torch.float64)[None, None]
    padded = F.pad(positions, (size // 2, size // 2), mode="reflect")[0, 0].long()
    matrix = torch.zeros(side, side, dtype=torch.float64)
    for row in range(side):
        matrix[row].index_add_(0, padded[row : row + size], weights)
    return matrix

"""A detector by hand: a linear classifier on the power spectrum.

Spectral features and a linear classifier distinguished manipulated pictures from authentic ones
long before neural networks (Fridrich and Kodovsky, "Rich models for steganalysis of digital
images", IEEE TIFS 2012, with residuals; Frank et al., "Leveraging frequency analysis for deep fake
image recognition", ICML 2020, with spectra).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from poisonlib import checks

BANDS = 24


def frequencies(height: int, width: int) -> Tensor:
    """``(h, w)``: the spatial frequency of each Fourier coefficient, in cycles per pixel."""
    return torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width))


def spectra(images: Tensor) -> Tensor:
    """Power spectra ``(n, 3, h, w)`` of brightness and of two colour differences.

    The edges are faded out by a Hann window: a photograph does not continue on its other side.

    Args:
        images: ``(n, 3, h, w)``, also differences of images, outside [0, 1].
    """
    red, green, blue = images.unbind(1)
    channels = torch.stack([images.mean(1), red - green, blue - green], dim=1)
    channels = channels - channels.mean(dim=(2, 3), keepdim=True)
    height, width = images.shape[-2:]
    fade = torch.hann_window(height)[:, None] * torch.hann_window(width)
    return torch.fft.fft2(channels * fade).abs().square()


def traces(images: Tensor, *, bands: int = BANDS) -> Tensor:
    """Log mean power in bands of spatial frequency: rings of equal width in the spectrum.

    Args:
        images: ``(n, 3, h, w)`` in [0, 1].
        bands: number of rings between frequency 0 and the highest, at the corner of the spectrum.

    Returns:
        ``(n, 3 * bands)``: first brightness, then the two colour differences.

    Raises:
        ValueError: bad images, or images too small for so many rings.

    Example:
        >>> import torch
        >>> from poisonlib.defenses.traces import traces
        >>> traces(torch.rand(2, 3, 64, 64), bands=8).shape  # brightness and two colour differences
        torch.Size([2, 24])
    """
    checks.images(images)
    frequency = frequencies(*images.shape[-2:])
    ring = (frequency / (0.5**0.5 + 1e-6) * bands).long()
    inside = [ring == number for number in range(bands)]
    if not all(bool(mask.any()) for mask in inside):
        raise ValueError(
            f"images of {tuple(images.shape[-2:])} pixels have no {bands} rings; use fewer bands"
        )
    features = []
    for part in images.split(256):
        power = spectra(part)
        means = torch.stack([power[:, :, mask].mean(dim=2) for mask in inside], dim=2)
        features.append((means + 1e-6).log().flatten(1))
    return torch.cat(features)


@dataclass
class TraceDetector:
    """Logistic regression on :func:`~poisonlib.defenses.traces.traces`; fitted in seconds.

    Has ``scores`` like :class:`~poisonlib.defenses.Detector`, so that it can filter galleries.

    Attributes:
        bands: see :func:`~poisonlib.defenses.traces.traces`.
        C: inverse strength of scikit-learn's L2 penalty.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import TraceDetector
        >>> smooth = torch.rand(16, 3, 1, 1).expand(16, 3, 48, 48) * 0.8
        >>> noisy = smooth + 0.05 * torch.rand(16, 3, 48, 48)
        >>> detector = TraceDetector(bands=6).fit(smooth[:8], noisy[:8])
        >>> detector.flags(noisy[8:]).all()
        tensor(True)
    """

    bands: int = BANDS
    C: float = 1.0

    def fit(self, clean: Tensor, cloaked: Tensor) -> Self:
        """Fit to clean ``(n, 3, h, w)`` and cloaked ``(m, 3, h, w)`` images in [0, 1]."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        features = torch.cat([traces(part, bands=self.bands) for part in (clean, cloaked)])
        truth = torch.arange(len(features)) >= len(clean)
        regression = LogisticRegression(C=self.C, max_iter=2000, class_weight="balanced")
        self.classifier_ = make_pipeline(StandardScaler(), regression)
        self.classifier_.fit(features.double().numpy(), truth.numpy())
        return self

    def scores(self, images: Tensor) -> Tensor:
        """Probability ``(n,)`` that each of ``(n, 3, h, w)`` images is cloaked.

        Raises:
            ValueError: not fitted yet.
        """
        if not hasattr(self, "classifier_"):
            raise ValueError("TraceDetector has not been fitted; call fit(clean, cloaked) first")
        features = traces(images, bands=self.bands).double().numpy()
        return torch.from_numpy(self.classifier_.predict_proba(features)[:, 1]).float()

    def flags(self, images: Tensor, *, threshold: float = 0.5) -> Tensor:
        """Which ``(n,)`` of the images score ``threshold`` or more."""
        return self.scores(images) >= threshold

"""Losses that face recognisers were trained with, each as a head on top of features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Softmax(nn.Module):
    """Cross-entropy over identities through a linear layer: the way of 2014."""

    def __init__(self, embedding_size: int, identities: int) -> None:
        super().__init__()
        self.classify = nn.Linear(embedding_size, identities)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` with labels ``(n,)``."""
        return F.cross_entropy(self.classify(features), labels)


class ArcFace(nn.Module):
    """Additive angular margin: the true class must win by an angle.

    Logits ``s cos(t + m)`` for the true class and ``s cos t`` for the others, t the angle
    between feature and class weight (Deng et al., "ArcFace", CVPR 2019, eq. 3). Past
    ``t = pi - m``, where ``cos(t + m)`` would rise again, the released code's linear
    continuation is used.

    Args:
        scale: s; 64 with 85,742 identities, less with fewer (a few hundred need about 32).
        margin: m in radians.
    """

    def __init__(
        self, embedding_size: int, identities: int, *, scale: float = 64.0, margin: float = 0.5
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(identities, embedding_size))
        nn.init.normal_(self.weight, std=0.01)
        self.scale, self.margin = scale, margin

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` of any length with labels ``(n,)``."""
        cosine = F.linear(F.normalize(features), F.normalize(self.weight)).clamp(-1, 1)
        true = cosine.gather(1, labels[:, None])
        sine = (1 - true.square()).clamp_min(1e-9).sqrt()
        widened = true * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = true - self.margin * math.sin(self.margin)
        widened = torch.where(true > math.cos(math.pi - self.margin), widened, beyond)
        return F.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], widened), labels)


LOSSES = {"softmax": Softmax, "ArcFace": ArcFace}

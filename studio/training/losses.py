"""Losses that face recognisers were trained with, each as a head on top of features.

A head is made with ``(embedding_size, identities, **settings)`` and called with features
``(n, d)`` and labels ``(n,)``; it returns the mean loss. Notation: t is the angle between a
feature and the weight of its true class, s the scale, m the margin.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.training.contrastive import Contrastive


class Softmax(nn.Module):
    """Cross-entropy over identities through a linear layer, as was usual in 2014.

    Example:
        >>> import torch
        >>> from studio.training.losses import Softmax
        >>> head = Softmax(8, 3)
        >>> loss = head(torch.randn(6, 8), torch.tensor([0, 0, 1, 1, 2, 2]))
        >>> loss.shape, head.classify.weight.shape
        (torch.Size([]), torch.Size([3, 8]))
    """

    def __init__(self, embedding_size: int, identities: int) -> None:
        super().__init__()
        self.classify = nn.Linear(embedding_size, identities)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` with labels ``(n,)``."""
        return F.cross_entropy(self.classify(features), labels)


class Triplet(nn.Module):
    """A photograph must lie nearer to its own person than to others, by a margin.

    Mean of ``max(0, |a - p|^2 - |a - n|^2 + margin)`` over all pairs (a, p) of one person in the
    batch, on features of length 1, each with the semi-hard negative n: the nearest that is farther
    than p, or the farthest of all where none is (Schroff, Kalenichenko and Philbin, "FaceNet",
    CVPR 2015, sections 3.1 and 3.2). Batches must hold several photographs of each person.

    Args:
        embedding_size, identities: unused; this loss has no weights.
        margin: in squared distance; the paper's is 0.2.

    Example:
        >>> import torch
        >>> from studio.training.losses import Triplet
        >>> apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
        >>> Triplet(2, 2, margin=0.2)(apart, torch.tensor([0, 0, 1, 1]))  # nothing left to learn
        tensor(0.)
    """

    def __init__(self, embedding_size: int, identities: int, *, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` of any length with labels ``(n,)``."""
        rows = F.normalize(features)
        distance = (2 - 2 * rows @ rows.T).clamp_min(0)
        same = labels[:, None] == labels
        positive = same & ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        if not positive.any() or same.all():
            raise ValueError(
                "a triplet needs two photographs of one person and one of another in each batch; "
                "set the recipe's photos_per_person to 2 or more"
            )
        anchor, partner = positive.nonzero(as_tuple=True)
        to_partner = distance[anchor, partner]
        to_others = distance[anchor].masked_fill(same[anchor], torch.inf)
        beyond = to_others.masked_fill(to_others <= to_partner[:, None], torch.inf)
        farthest = to_others.masked_fill(same[anchor], -torch.inf).amax(1)
        nearest = beyond.amin(1)
        to_negative = torch.where(nearest.isfinite(), nearest, farthest)
        return (to_partner - to_negative + self.margin).clamp_min(0).mean()


class AngularMargin(nn.Module):
    """What the margin losses share: cosines to class weights, the true class made harder.

    Args:
        scale: s; 64 with 85,742 identities, less with fewer (a few hundred need about 32).

    Example:
        A margin of one's own says what becomes of the true class's cosine:

        >>> import torch
        >>> from studio.training.losses import AngularMargin
        >>> class Halved(AngularMargin):
        ...     def widened(self, cosine, norm):
        ...         return cosine / 2
        >>> Halved(8, 3)(torch.randn(4, 8), torch.tensor([0, 1, 2, 0])).shape
        torch.Size([])
    """

    def __init__(self, embedding_size: int, identities: int, *, scale: float = 64.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(identities, embedding_size))
        nn.init.normal_(self.weight, std=0.01)
        self.scale = scale

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of features ``(n, d)`` of any length with labels ``(n,)``."""
        cosine = F.linear(F.normalize(features), F.normalize(self.weight)).clamp(-1, 1)
        true = cosine.gather(1, labels[:, None])
        widened = self.widened(true, features.norm(dim=1, keepdim=True))
        return F.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], widened), labels)

    def widened(self, cosine: Tensor, norm: Tensor) -> Tensor:
        """What stands for ``cos t`` of the true class, given it and the feature's length.

        Args:
            cosine, norm: ``(n, 1)``.
        """
        raise NotImplementedError


class CosFace(AngularMargin):
    """Additive cosine margin: ``s (cos t - m)`` for the true class.

    Wang et al., "CosFace", CVPR 2018, eq. 4; there s = 64, m = 0.35.

    Example:
        A wider margin makes the same features cost more:

        >>> import torch
        >>> from studio.training.losses import CosFace
        >>> narrow, wide = CosFace(8, 3, margin=0.0), CosFace(8, 3, margin=0.35)
        >>> _ = wide.load_state_dict(narrow.state_dict())
        >>> features, labels = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
        >>> bool(wide(features, labels) > narrow(features, labels))
        True
    """

    def __init__(
        self, embedding_size: int, identities: int, *, scale: float = 64.0, margin: float = 0.35
    ) -> None:
        super().__init__(embedding_size, identities, scale=scale)
        self.margin = margin

    def widened(self, cosine: Tensor, norm: Tensor) -> Tensor:
        return cosine - self.margin


def add_angle(cosine: Tensor, angle: Tensor | float) -> Tensor:
    """``cos(t + angle)`` from ``cos t``, falling in t everywhere.

    Past ``t = pi - angle``, where ``cos(t + angle)`` would rise again, the linear continuation of
    ArcFace's released code is used. For negative angles ``t + angle`` stops at 0.

    Args:
        cosine: ``(n, 1)`` in [-1, 1].
        angle: radians, one for all or ``(n, 1)``.

    Example:
        >>> import math
        >>> import torch
        >>> from studio.training.losses import add_angle
        >>> wider = add_angle(torch.tensor([[math.cos(1.0)]]), 0.5)
        >>> math.isclose(wider.item(), math.cos(1.5), abs_tol=1e-6)
        True
    """
    angle = torch.as_tensor(angle, dtype=cosine.dtype, device=cosine.device)
    sine = (1 - cosine.square()).clamp_min(1e-9).sqrt()
    widened = cosine * angle.cos() - sine * angle.sin()
    continued = cosine - angle * angle.sin()
    widened = torch.where((angle <= 0) | (cosine > -angle.cos()), widened, continued)
    return torch.where((angle < 0) & (cosine > angle.cos()), torch.ones_like(cosine), widened)


class ArcFace(AngularMargin):
    """Additive angular margin: ``s cos(t + m)`` for the true class.

    Deng et al., "ArcFace", CVPR 2019, eq. 3; there s = 64, m = 0.5 (radians).

    Example:
        >>> import torch
        >>> from studio.training.losses import ArcFace
        >>> cosine = torch.tensor([[1.0]])  # an angle of 0, which counts as 0.5
        >>> widened = ArcFace(8, 3, margin=0.5).widened(cosine, torch.tensor([[1.0]]))
        >>> torch.allclose(widened, torch.tensor(0.5).cos(), atol=1e-4)
        True
    """

    def __init__(
        self, embedding_size: int, identities: int, *, scale: float = 64.0, margin: float = 0.5
    ) -> None:
        super().__init__(embedding_size, identities, scale=scale)
        self.margin = margin

    def widened(self, cosine: Tensor, norm: Tensor) -> Tensor:
        return add_angle(cosine, self.margin)


class MagFace(AngularMargin):
    """An angular margin that grows with the feature's length, which comes to measure quality.

    The margin is linear in the length a, clipped to [``norms[0]``, ``norms[1]``], from
    ``margins[0]`` to ``margins[1]``; ``pull * mean(a / norms[1]^2 + 1 / a)`` keeps lengths from
    shrinking (Meng et al., "MagFace", CVPR 2021, eqs. 4 and 7).

    Args:
        norms: l_a and u_a; the paper's are (10, 110).
        margins: l_m and u_m in radians; the paper's are (0.45, 0.8).
        pull: lambda_g; the released code's is 35.

    Example:
        Long features, those of good photographs, need a larger margin:

        >>> import torch
        >>> from studio.training.losses import MagFace
        >>> cosine, lengths = torch.full((2, 1), 0.9), torch.tensor([[10.0], [110.0]])
        >>> short, long = MagFace(8, 3).widened(cosine, lengths)
        >>> bool(long < short)
        True
    """

    def __init__(
        self,
        embedding_size: int,
        identities: int,
        *,
        scale: float = 64.0,
        norms: tuple[float, float] = (10.0, 110.0),
        margins: tuple[float, float] = (0.45, 0.8),
        pull: float = 35.0,
    ) -> None:
        super().__init__(embedding_size, identities, scale=scale)
        self.norms, self.margins, self.pull = norms, margins, pull

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        length = features.norm(dim=1).clamp(*self.norms)
        shrinking = (length / self.norms[1] ** 2 + 1 / length).mean()
        return super().forward(features, labels) + self.pull * shrinking

    def widened(self, cosine: Tensor, norm: Tensor) -> Tensor:
        (shortest, longest), (least, most) = self.norms, self.margins
        share = (norm.clamp(shortest, longest) - shortest) / (longest - shortest)
        return add_angle(cosine, least + (most - least) * share)


class AdaFace(AngularMargin):
    """A margin that asks more of good photographs: quality is read off the feature's length.

    With quality h = clip(``concentration`` * (``|f|`` - mean) / std, -1, 1) over running moments of
    the lengths, the true class gets ``s (cos(t - m h) - (m + m h))`` (Kim, Jain and Liu,
    "AdaFace", CVPR 2022, eqs. 14 to 16).

    Args:
        margin: m; the paper's is 0.4.
        concentration: the paper's h, 0.333.
        momentum: of the running moments; the released code's is 0.01.

    Example:
        >>> import torch
        >>> from studio.training.losses import AdaFace
        >>> head = AdaFace(8, 3)
        >>> bool(head(20 * torch.randn(4, 8), torch.tensor([0, 1, 2, 0])).isfinite())
        True
    """

    def __init__(
        self,
        embedding_size: int,
        identities: int,
        *,
        scale: float = 64.0,
        margin: float = 0.4,
        concentration: float = 0.333,
        momentum: float = 0.01,
    ) -> None:
        super().__init__(embedding_size, identities, scale=scale)
        self.margin, self.concentration, self.momentum = margin, concentration, momentum
        self.register_buffer("mean", torch.tensor(20.0))
        self.register_buffer("std", torch.tensor(100.0))

    def widened(self, cosine: Tensor, norm: Tensor) -> Tensor:
        quality = self._quality(norm.detach().clamp(1e-3, 100))
        widened = add_angle(cosine, -self.margin * quality)
        return widened - self.margin * (1 + quality)

    def _quality(self, norm: Tensor) -> Tensor:
        if self.training and len(norm) > 1:
            self.mean.lerp_(norm.mean(), self.momentum)
            self.std.lerp_(norm.std(), self.momentum)
        standardised = (norm - self.mean) / (self.std + 1e-3)
        return (self.concentration * standardised).clamp(-1, 1)


LOSSES = {
    "softmax": Softmax,
    "triplet": Triplet,
    "CosFace": CosFace,
    "ArcFace": ArcFace,
    "MagFace": MagFace,
    "contrastive": Contrastive,
    "AdaFace": AdaFace,
}
"""Losses by the name that a recipe gives."""

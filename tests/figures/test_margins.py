"""The figure of the losses draws what the losses compute."""

from __future__ import annotations

import pytest
import torch

from studio.figures import margins
from studio.training.losses import ArcFace, CosFace


def test_logits_are_those_of_the_losses() -> None:
    degrees = torch.tensor([0.0, 60.0, 90.0])
    cosine = torch.tensor([1.0, 0.5, 0.0])
    soft = margins.target_logit(None, degrees, length=0.5)
    assert torch.allclose(soft, cosine, atol=1e-6)
    cos = margins.target_logit(CosFace(2, 2, margin=0.35), degrees, length=0.5)
    assert torch.allclose(cos, cosine - 0.35, atol=1e-6)
    arc = margins.target_logit(ArcFace(2, 2, margin=0.5), degrees, length=0.5)
    assert torch.allclose(arc, (degrees.deg2rad() + 0.5).cos(), atol=1e-4)


@pytest.mark.parametrize("name", ["MagFace", "AdaFace"])
def test_longer_features_are_asked_for_more_near_their_class(name) -> None:
    (loss,) = [head.loss for head in margins.heads() if head.name == name]
    degrees = torch.tensor([20.0])
    logits = [float(margins.target_logit(loss, degrees, length=a)) for a in (0.0, 0.5, 1.0)]
    assert logits[0] > logits[1] > logits[2]


def test_the_slider_moves_only_the_losses_that_read_the_length() -> None:
    fig = margins.logit_by_angle()
    short, long = fig.frames[0], fig.frames[-1]
    moved = {a.name for a, b in zip(short.data, long.data, strict=True) if a.y != b.y}
    assert moved == {"MagFace", "AdaFace"}

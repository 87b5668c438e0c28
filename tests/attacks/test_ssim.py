"""DSSIM against scikit-image, and its closed-form gradient against differences."""

from __future__ import annotations

import pytest
import torch

from poisonlib.attacks import dssim, ssim
from tests import toys


def distorted(images: torch.Tensor, amount: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (images + amount * torch.randn(images.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("shape", [(2, 3, 48, 33), (1, 3, 11, 11)])
def test_agrees_with_scikit_image(shape: tuple[int, ...]) -> None:
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    other = distorted(images, 0.2)
    expected = [
        (
            1
            - structural_similarity(
                a.numpy(),
                b.numpy(),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=1,
                channel_axis=0,
            )
        )
        / 2
        for a, b in zip(images.double(), other.double(), strict=True)
    ]
    torch.testing.assert_close(
        dssim(other, images), torch.tensor(expected), atol=1e-6, rtol=1e-5, check_dtype=False
    )


def test_agrees_with_the_definition() -> None:
    images, other = toys.faces(2, size=17).double(), toys.faces(2, seed=1, size=17).double()
    offsets = torch.arange(11).double() - 5
    line = torch.exp(-offsets.square() / 4.5)
    window = torch.outer(line, line) / line.sum() ** 2
    x, y = (pictures.unfold(2, 11, 1).unfold(3, 11, 1) for pictures in (images, other))

    def mean(values: torch.Tensor) -> torch.Tensor:
        return (values * window).sum(dim=(-2, -1))

    mx, my = mean(x), mean(y)
    vx, vy = mean((x - mx[..., None, None]) ** 2), mean((y - my[..., None, None]) ** 2)
    cxy = mean((x - mx[..., None, None]) * (y - my[..., None, None]))
    top = (2 * mx * my + 1e-4) * (2 * cxy + 9e-4)
    similarity = top / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    torch.testing.assert_close(dssim(other, images), (1 - similarity.mean((1, 2, 3))) / 2)


def test_identical_is_zero_and_more_noise_is_more() -> None:
    images = toys.faces(3)
    distances = torch.stack([dssim(distorted(images, s), images) for s in (0, 0.01, 0.05, 0.2)])
    assert distances[0].abs().max() < 1e-6
    assert (distances.diff(dim=0) > 0).all() and distances.max() <= 1


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("upstream", [(1.0, 1.0, 1.0), (0.0, 2.0, -1.0), (0.0, 0.0, 0.0)])
def test_gradient_agrees_with_differences(stride: int, upstream: tuple[float, ...]) -> None:
    images = toys.faces(3, size=14).double()
    distance = ssim.anchored(images, stride=stride)
    variable = distorted(images, 0.1).requires_grad_(True)
    weights = torch.tensor(upstream, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda pictures: distance(pictures) * weights, variable)


@pytest.mark.parametrize("amount", [0.02, 0.1])
def test_every_third_window_gives_nearly_the_same(amount: float) -> None:
    images = toys.faces(4, size=112)
    other = distorted(images, amount)
    sparse = ssim.anchored(images, stride=ssim.INNER_LOOP_STRIDE)(other)
    torch.testing.assert_close(sparse, dssim(other, images), rtol=0.03, atol=0)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="must have the reference's shape"):
        dssim(toys.faces(1), toys.faces(2))

"""The perceptual distance: both trunks, and that the substitute ranks distortions sensibly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from poisonlib.attacks import LPIPS
from poisonlib.attacks import lpips as room
from tests import toys


@pytest.fixture
def no_alexnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("POISONLIB_ASSETS", raising=False)


@pytest.fixture
def alexnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Convolutional weights of AlexNet's shapes, random, where downloaded ones would lie."""
    shapes = {
        0: (64, 3, 11),
        3: (192, 64, 5),
        6: (384, 192, 3),
        8: (256, 384, 3),
        10: (256, 256, 3),
    }
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for index, (outputs, inputs, side) in shapes.items():
        kernel = torch.randn(outputs, inputs, side, side, generator=generator)
        weights[f"features.{index}.weight"] = kernel / (inputs * side * side) ** 0.5
        weights[f"features.{index}.bias"] = torch.zeros(outputs)
    torch.save(weights, tmp_path / room.ALEXNET_FILE)
    monkeypatch.setenv("POISONLIB_ASSETS", str(tmp_path))
    return tmp_path


def noisy(images: torch.Tensor, amount: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (images + amount * torch.randn(images.shape, generator=generator)).clamp(0, 1)


def blurred(images: torch.Tensor, factor: int) -> torch.Tensor:
    small = F.avg_pool2d(images, factor)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def test_without_alexnet_the_substitute_is_used(no_alexnet: None) -> None:
    assert LPIPS().trunk == "onet" and repr(LPIPS()) == "LPIPS(trunk='onet')"
    with pytest.raises(FileNotFoundError, match="alexnet-owt.*trunk='onet'"):
        LPIPS(trunk="alexnet")
    with pytest.raises(ValueError, match="'auto', 'alexnet' or 'onet', got 'vgg'"):
        LPIPS(trunk="vgg")


def test_identical_is_exactly_zero_and_order_does_not_matter() -> None:
    distance = LPIPS(trunk="onet")
    images, other = toys.faces(3, size=64), toys.faces(3, seed=1, size=64)
    assert distance(images, images).tolist() == [0, 0, 0]
    torch.testing.assert_close(distance(images, other), distance(other, images))
    assert (distance(images, other) > 0).all()


@pytest.mark.parametrize(
    ("distort", "amounts"), [(noisy, (0.01, 0.03, 0.1, 0.3)), (blurred, (2, 4, 8, 16))]
)
def test_substitute_grows_with_the_distortion(distort, amounts: tuple) -> None:
    images = toys.faces(4, size=64)
    rows = torch.stack([LPIPS(trunk="onet")(distort(images, amount), images) for amount in amounts])
    assert (rows.diff(dim=0) > 0).all()


def test_substitute_ranks_like_a_viewer_not_like_mean_square_error() -> None:
    images = toys.faces(4, size=64)
    brighter = (images + 0.04).clamp(0, 1)
    grainy = noisy(images, 0.04)
    square = [float((other - images).square().mean()) for other in (brighter, grainy)]
    assert square[0] == pytest.approx(square[1], rel=0.2)
    distance = LPIPS(trunk="onet")
    assert (distance(brighter, images) < 0.5 * distance(grainy, images)).all()
    assert (distance(grainy, images) < distance(images.roll(1, 0), images)).all()


def test_substitute_passes_gradients_to_every_pixel_region() -> None:
    images = toys.faces(2, size=48)
    variable = noisy(images, 0.05).requires_grad_(True)
    (gradient,) = torch.autograd.grad(LPIPS(trunk="onet")(variable, images).sum(), variable)
    assert (F.avg_pool2d(gradient.abs().sum(1), 12) > 0).all()
    step = (variable - 1e-3 * gradient.sign()).detach()
    distance = LPIPS(trunk="onet")
    assert (distance(step, images) < distance(variable, images)).all()


def test_substitute_filters_are_those_of_the_network_in_the_wheel() -> None:
    from facenet_pytorch.models.mtcnn import ONet

    images = toys.faces(2, size=49)
    network = ONet()
    with torch.no_grad():
        dense = network.prelu1(network.conv1((images * 255 - 127.5) / 128))
    first = LPIPS(trunk="onet")._activations(images)[0]
    torch.testing.assert_close(first, dense[:, :, ::3, ::3], atol=1e-4, rtol=1e-4)


# The lpips package still asks torchvision for `pretrained=`.
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained' is deprecated")
@pytest.mark.filterwarnings("ignore:Arguments other than a weight enum")
def test_with_alexnet_it_is_the_distance_of_the_lpips_package(alexnet: Path) -> None:
    import lpips

    distance = LPIPS()
    assert distance.trunk == "alexnet"
    images, other = toys.faces(2, size=64), noisy(toys.faces(2, size=64), 0.1)
    package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    weights = torch.load(alexnet / room.ALEXNET_FILE, weights_only=True)
    parts = [getattr(package.net, f"slice{number}") for number in range(1, 6)]
    for index, layer in (pair for part in parts for pair in part.named_children()):
        if f"features.{index}.weight" in weights:
            layer.weight.data = weights[f"features.{index}.weight"]
            layer.bias.data = weights[f"features.{index}.bias"]
    with torch.no_grad():
        expected = package(2 * other - 1, 2 * images - 1)[:, 0, 0, 0]
        torch.testing.assert_close(distance(other, images), expected, rtol=1e-3, atol=1e-5)


def test_importing_the_room_imports_no_model_library() -> None:
    script = (
        "import sys, poisonlib.attacks\n"
        "heavy = {'torchvision', 'facenet_pytorch', 'lpips'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

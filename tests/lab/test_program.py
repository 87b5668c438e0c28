"""Networks as lists of operations: complete, lossless, and refused where the engine lacks one."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from poisonlib import extractors
from poisonlib.attacks import LPIPS
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
from studio.lab import files, program


def unpack(packed: bytes) -> tuple[dict, list[torch.Tensor]]:
    """The header and the weights of a packed program, as engine.js reads them."""
    length = int.from_bytes(packed[:4], "little")
    header, blob = json.loads(packed[4 : 4 + length]), bytearray(packed[4 + length :])
    kinds = {"F16": torch.float16, "F32": torch.float32}
    weights = [
        torch.frombuffer(
            blob, dtype=kinds[one["type"]], count=math.prod(one["shape"]), offset=one["at"]
        )
        .float()
        .reshape(one["shape"])
        for one in header["weights"]
    ]
    return header, weights


def test_a_packed_program_holds_the_weights_exactly() -> None:
    made = program.of_extractor(extractors.load("triplet-2015"))
    header, weights = unpack(made.packed())
    assert header["steps"] == list(made.steps)
    assert all(torch.equal(*pair) for pair in zip(weights, made.weights, strict=True))
    filters = [step["w"] for step in made.steps if step["op"] == "conv"]
    assert {header["weights"][w]["type"] for w in filters} == {"F16"}
    assert all(one["at"] % 4 == 0 for one in header["weights"])


def test_every_step_uses_values_that_are_there_and_makes_the_next() -> None:
    for name in files.NETWORKS:
        made = program.of_extractor(extractors.load(name))
        assert [step["out"] for step in made.steps] == list(range(1, len(made.steps) + 1))
        assert all(max(step["in"]) < step["out"] for step in made.steps)
        assert made.outputs == [len(made.steps)] and made.steps[-1]["shape"] == [1, 128]


def test_steps_are_what_the_module_does() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.PReLU(), nn.MaxPool2d(2))
    with torch.no_grad():
        net[1].running_mean.uniform_()
        net[1].running_var.uniform_(0.5, 2)
    made = program.of_module("mine", net.eval(), (1, 3, 8, 8))
    assert [step["op"] for step in made.steps] == ["conv", "affine", "prelu", "maxpool"]
    conv, affine, prelu, _ = made.steps
    assert (conv["k"], conv["stride"], conv["pad"]) == (3, 2, 1)
    scale, shift = (made.weights[affine[key]] for key in ("w", "b"))
    image = torch.rand(1, 4, 4, 4)
    torch.testing.assert_close(image * scale[:, None, None] + shift[:, None, None], net[1](image))
    assert torch.equal(made.weights[prelu["w"]], torch.full((4,), 0.25))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Tanh(), "no operation aten.tanh.default"),
        (nn.Conv2d(3, 3, 3, groups=3), "groups 1, got 3"),
        (nn.Conv2d(3, 4, 3, dilation=2), "dilation 1, got 2"),
        (nn.Conv2d(3, 4, (3, 1)), "kernel"),
        (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode False, got True"),
        (nn.GELU(approximate="tanh"), "approximate none, got tanh"),
        (nn.ConstantPad2d(1, 0.0), "padding_in_front"),
        (nn.ConstantPad2d((0, 1), 0.5), "value 0.0, got 0.5"),
    ],
)
def test_what_the_engine_does_not_have_is_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        program.of_module("mine", module.eval(), (1, 3, 9, 9))


def test_a_shipped_network_with_other_operations_is_refused() -> None:
    with pytest.raises(ValueError, match="leave the network out"):
        program.of_extractor(extractors.load("clip-2021"))


@pytest.mark.parametrize("name", ["softmax-2014", "dlib-2017"])
def test_two_matrices_resize_as_the_preprocessing_does(name: str) -> None:
    preprocessing = extractors.load(name).preprocessing
    rows, columns = program.matrices(preprocessing)
    picture = torch.rand(1, 3, 112, 112)
    mean, std = (
        torch.as_tensor(part).reshape(-1, 1, 1) for part in (preprocessing.mean, preprocessing.std)
    )
    torch.testing.assert_close(
        (rows @ picture @ columns.T - mean) / std, preprocessing(picture), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    "preprocessing",
    [Preprocessing(size=64, channels="BGR"), Preprocessing(size=64, interpolation="bicubic")],
)
def test_preprocessing_that_is_no_resizing_is_refused(preprocessing: Preprocessing) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 4))
    card = Card("mine", 2026, "linear", "none", "none", 64, 4, "MIT")
    with pytest.raises(ValueError, match="no linear resizing"):
        program.of_extractor(ModuleExtractor(net, card, preprocessing))


def test_the_trunk_is_that_of_the_perceptual_distance() -> None:
    pictures = torch.rand(2, 3, 112, 112)
    expected = LPIPS(trunk="onet")._activations(pictures)
    with torch.no_grad():
        for mine, theirs in zip(files.Trunk()(pictures), expected, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)

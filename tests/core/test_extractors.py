"""The extractor protocol: unit rows, gradients to the pixels, honest fingerprints."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from poisonlib import extractors
from poisonlib.extractors import Extractor, ModuleExtractor, Preprocessing, embed
from poisonlib.extractors.architectures import ARCHITECTURES
from tests.core.conftest import card, toy_extractor

IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("architecture", ARCHITECTURES.values())
def test_architectures_keep_the_contract(architecture):
    torch.manual_seed(0)
    side = 150 if architecture.__name__ == "DlibResNet" else 64
    extractor = ModuleExtractor(
        architecture(32), card(size=side, embedding_size=32), Preprocessing(side)
    )
    assert isinstance(extractor, Extractor)
    rows = embed(extractor, IMAGES)
    assert rows.shape == (5, 32) and rows.dtype == torch.float32
    assert torch.allclose(rows.norm(dim=1), torch.ones(5), atol=1e-5)
    alone = torch.cat([embed(extractor, image[None]) for image in IMAGES])
    assert torch.allclose(rows, alone, atol=1e-5), "an embedding must not depend on its batch"


def test_gradients_reach_the_pixels_and_not_the_weights():
    extractor = toy_extractor(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4)))
    pixels = IMAGES.clone().requires_grad_()
    extractor(pixels)[:, 0].sum().backward()
    assert pixels.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in extractor.module.parameters())


def test_embed_takes_batches_of_any_size(extractor):
    assert torch.equal(embed(extractor, IMAGES, batch_size=2), embed(extractor, IMAGES))


def test_preprocessing_agrees_with_the_formula():
    preprocessing = Preprocessing(None, (0.1, 0.2, 0.3), (0.5, 0.25, 1.0), "BGR")
    expected = (IMAGES.flip(1) - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / torch.tensor(
        [0.5, 0.25, 1.0]
    )[:, None, None]
    assert torch.allclose(preprocessing(IMAGES), expected)


def test_resizing_agrees_with_pillow():
    """Pillow's bilinear resampling is antialiased too: what most face code was trained with."""
    from PIL import Image

    resized = Preprocessing(7, 0.0, 1.0)(IMAGES)
    channel = Image.fromarray(IMAGES[0, 0].numpy()).resize((7, 7), Image.Resampling.BILINEAR)
    assert torch.allclose(resized[0, 0], torch.from_numpy(np.array(channel)), atol=1e-5)


def test_fingerprint_changes_with_weights_and_preprocessing():
    def extractor(bias: float, mean: float) -> ModuleExtractor:
        linear = torch.nn.Linear(192, 4)
        torch.nn.init.constant_(linear.weight, 0.1)
        torch.nn.init.constant_(linear.bias, bias)
        module = torch.nn.Sequential(torch.nn.Flatten(), linear)
        return ModuleExtractor(module, card(embedding_size=4), Preprocessing(8, mean))

    prints = {extractor(*pair).fingerprint for pair in [(0.0, 0.5), (1.0, 0.5), (0.0, 0.4)]}
    assert len(prints) == 3
    assert extractor(0.0, 0.5).fingerprint == extractor(0.0, 0.5).fingerprint


class Broken(torch.nn.Module):
    def __init__(self, result):
        super().__init__()
        self.result = result

    card = card("broken", embedding_size=768)
    fingerprint = "0"

    def forward(self, images):
        return self.result(images)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (lambda x: x.flatten(1) * float("nan"), "'broken' returned NaN"),
        (lambda x: x, r"must return \(5, d\) embeddings.*flatten"),
        (lambda x: F.normalize(x.flatten(1))[:-1], r"must return \(5, d\) embeddings.*\(4, 768\)"),
        (lambda x: x.flatten(1) * 7, "length 1.*ModuleExtractor"),
        (lambda x: None, r"must return \(5, d\).*NoneType"),
    ],
)
def test_broken_extractors_are_named(result, says):
    with pytest.raises(ValueError, match=says):
        embed(Broken(result), IMAGES)


def test_weights_round_trip(tmp_path):
    torch.manual_seed(1)
    original = ModuleExtractor(ARCHITECTURES["PlainNet"](192), card(), Preprocessing(64))
    path = tmp_path / "toy.safetensors"
    extractors.write(original, path)
    again = extractors.read(path)
    assert torch.allclose(embed(again, IMAGES), embed(original, IMAGES), atol=1e-2)
    assert again.card == original.card and again.preprocessing == Preprocessing(64)
    assert list(tmp_path.iterdir()) == [path]


def test_half_written_and_unknown_weights_are_refused(tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "toy.safetensors"
    extractors.write(
        ModuleExtractor(ARCHITECTURES["PlainNet"](192), card(), Preprocessing(64)), path
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="toy.safetensors is not a whole extractor file"):
        extractors.read(path)
    with pytest.raises(FileNotFoundError, match="poisonlib train"):
        extractors.read(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="no extractor 'alexnet'.*there are"):
        extractors.load("alexnet")

"""What was written is read again, or refused on writing; a network that does not fit is named."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from poisonlib import extractors
from poisonlib.attacks import LowKey
from poisonlib.defenses import JPEG, Denoiser, Detector, Purified, denoiser, detector
from poisonlib.defenses.denoiser import DenoiserCard, ResidualUNet
from poisonlib.defenses.detector import DetectorCard, TraceNet
from poisonlib.extractors import CachedExtractor, Card, ModuleExtractor, Preprocessing, embed
from poisonlib.extractors.architectures import PlainNet
from poisonlib.extractors.vit import SmallViT
from tests import toys

SIDE, LENGTH = 8, 6
IMAGES = toys.faces(4, size=16)


def wrapped(module: nn.Module, length: int = LENGTH, **settings) -> ModuleExtractor:
    card = Card("own-2026", 2026, "own", "none", "none", SIDE, length, "MIT", "ħ")
    return ModuleExtractor(module, card, Preprocessing(**{"size": SIDE} | settings))


def build(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, LENGTH))


class Tied(nn.Module):
    """Weights that two layers share, and whole numbers that half precision does not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(192, 192), nn.Linear(192, 192)
        self.second.weight = self.first.weight
        self.register_buffer("order", torch.arange(192).flip(0) * 1000)
        self.register_buffer("seen", torch.tensor(True))

    def forward(self, images):
        return self.second(self.first(images.flatten(1)[:, self.order // 1000]).tanh())


def test_a_network_of_ones_own_is_written_and_read(tmp_path):
    mine = wrapped(build())
    extractors.write(mine, tmp_path / "own.safetensors")
    again = extractors.read(tmp_path / "own.safetensors", into=build(seed=1))
    assert torch.equal(embed(again, IMAGES), embed(mine, IMAGES))
    assert (again.card, again.preprocessing) == (mine.card, mine.preprocessing)
    assert again.fingerprint == mine.fingerprint


def test_without_its_code_it_is_not_called_damaged(tmp_path):
    path = tmp_path / "own.safetensors"
    extractors.write(wrapped(build()), path)
    with pytest.raises(ValueError, match="somebody's own.*Sequential.*not its code.*into=network"):
        extractors.read(path)
    narrow = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    with pytest.raises(ValueError, match=r"do not fit into this Sequential \(1.bias, 1.weight\)"):
        extractors.read(path, into=narrow)
    other = nn.Sequential(nn.Flatten(), nn.Linear(192, LENGTH), nn.ReLU())
    with pytest.raises(ValueError, match="computes something else than this Sequential"):
        extractors.read(path, into=other)
    extractors.write(extractors.load("softmax-2014"), path)
    with pytest.raises(ValueError, match="one of the book's architectures.*leave `into` out"):
        extractors.read(path, into=PlainNet())


def test_an_architecture_of_the_book_with_other_settings_is_ones_own(tmp_path):
    torch.manual_seed(0)
    mine = wrapped(SmallViT(LENGTH, depth=2), size=64)
    extractors.write(mine, tmp_path / "own.safetensors")
    with pytest.raises(ValueError, match="somebody's own"):
        extractors.read(tmp_path / "own.safetensors")
    again = extractors.read(tmp_path / "own.safetensors", into=SmallViT(LENGTH, depth=2))
    assert torch.equal(embed(again, IMAGES), embed(mine, IMAGES))


def test_an_adapted_extractor_is_written_and_read(tmp_path):
    """One that begins with a shipped network, and one with a layer added behind it."""
    import copy

    shipped = extractors.load("softmax-2014")
    tuned = copy.deepcopy(shipped)
    with torch.no_grad():
        for weight in tuned.module.parameters():
            weight.mul_(1.01)
    extractors.write(tuned, tmp_path / "tuned.safetensors")
    again = extractors.read(tmp_path / "tuned.safetensors")
    assert torch.allclose(embed(again, IMAGES), embed(tuned, IMAGES), atol=1e-2)

    def longer() -> nn.Module:
        return nn.Sequential(PlainNet(), nn.Linear(128, LENGTH))

    mine = wrapped(longer(), size=64)
    extractors.write(mine, tmp_path / "longer.safetensors")
    again = extractors.read(tmp_path / "longer.safetensors", into=longer())
    assert torch.equal(embed(again, IMAGES), embed(mine, IMAGES))


def test_tied_weights_and_whole_numbers_come_back(tmp_path):
    torch.manual_seed(0)
    mine = wrapped(Tied(), 192)
    extractors.write(mine, tmp_path / "tied.safetensors")
    again = extractors.read(tmp_path / "tied.safetensors", into=Tied())
    assert torch.equal(again.module.order, mine.module.order)
    assert torch.equal(embed(again, IMAGES), embed(mine, IMAGES))


def test_weights_beyond_half_precision_come_back(tmp_path):
    torch.manual_seed(0)
    mine = wrapped(PlainNet(LENGTH), size=64)
    with torch.no_grad():
        mine.module[-1].weight.mul_(1e6)
    extractors.write(mine, tmp_path / "large.safetensors")
    again = extractors.read(tmp_path / "large.safetensors")
    assert torch.allclose(embed(again, IMAGES), embed(mine, IMAGES), atol=1e-2)


def test_several_numbers_in_a_preprocessing_come_back(tmp_path):
    mean = np.array([0.1, 0.2, 0.3])
    settings = {"mean": mean, "std": (0.5, 0.25, 1.0), "window": [1, 2, 100], "channels": "BGR"}
    mine = wrapped(build(), **settings)
    extractors.write(mine, tmp_path / "own.safetensors")
    again = extractors.read(tmp_path / "own.safetensors", into=build())
    assert again.preprocessing == mine.preprocessing
    assert again.preprocessing.mean == (0.1, 0.2, 0.3)
    assert again.fingerprint == mine.fingerprint


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = [torch.ones(192, LENGTH)]

    def forward(self, images):
        return images.flatten(1) @ self.parts[0]


class Own(Preprocessing):
    pass


def test_what_could_not_be_read_is_refused_and_no_file_is_left(tmp_path):
    path = tmp_path / "own.safetensors"
    with pytest.raises(ValueError, match="neither parameters nor buffers.*parts.*register_buffer"):
        extractors.write(wrapped(Plain()), path)
    broken = build()
    with torch.no_grad():
        broken[1].weight[0] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        extractors.write(wrapped(broken), path)
    with pytest.raises(ValueError, match=f"returned {LENGTH} features.*embedding_size=7"):
        extractors.write(wrapped(build(), 7), path)
    with pytest.raises(ValueError, match="returned 9 features.*embedding_size=6; correct"):
        extractors.write(wrapped(PlainNet(9), size=64), path)
    mine = wrapped(build())
    with pytest.raises(TypeError, match="is a Own of your own, whose code no file holds"):
        extractors.write(ModuleExtractor(mine.module, mine.card, Own(SIDE)), path)
    with pytest.raises(TypeError, match="only a network.*got Purified"):
        extractors.write(Purified(mine, JPEG(50)), path)
    odd = ModuleExtractor(mine.module, Card(*["a", 1, "b", "c", "d", SIDE, LENGTH, {1}]))
    with pytest.raises(ValueError, match="card of 'a' cannot be written"):
        extractors.write(odd, path)
    assert list(tmp_path.iterdir()) == []


def test_a_cached_extractor_is_written_as_the_one_inside(tmp_path):
    mine = CachedExtractor(wrapped(build()))
    extractors.write(mine, tmp_path / "own.safetensors")
    again = extractors.read(tmp_path / "own.safetensors", into=build())
    assert again.fingerprint == mine.fingerprint


LAYERS = [
    lambda width, draw: nn.Linear(width, width),
    lambda width, draw: nn.BatchNorm1d(width),
    lambda width, draw: nn.LayerNorm(width),
    lambda width, draw: nn.PReLU(width),
    lambda width, draw: nn.Tanh(),
    lambda width, draw: nn.Dropout(0.5),
    lambda width, draw: nn.utils.parametrizations.weight_norm(nn.Linear(width, width)),
    lambda width, draw: nn.Sequential(
        nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
    ),
]


def drawn(seed: int) -> ModuleExtractor:
    draw = random.Random(seed)
    torch.manual_seed(seed)
    width = draw.choice([4, 5, 32])
    kinds = [draw.choice(LAYERS)(width, draw) for _ in range(draw.randrange(4))]
    head = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, width))
    with torch.no_grad():
        head[1].weight.mul_(draw.choice([1e-6, 1.0, 1e6]))
    module = nn.Sequential(head, *kinds)
    settings = {
        "mean": draw.choice([0.5, (0.1, 0.2, 0.3), [0.5, 0.5, 0.5]]),
        "channels": draw.choice(["RGB", "BGR"]),
        "crop": draw.choice([None, (0, 0, SIDE, SIDE)]),
        "window": draw.choice([None, (3.5, 4.0, 99.0)]),
    }
    return wrapped(module, width, **settings)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_drawn_networks_come_back_as_they_were(first, tmp_path):
    for seed in range(first, first + 20):
        mine, path = drawn(seed), tmp_path / f"{seed}.safetensors"
        extractors.write(mine, path)
        torch.manual_seed(1000 + seed)
        fresh = drawn(seed).module
        with torch.no_grad():
            for weight in fresh.parameters():
                weight.normal_()
        again = extractors.read(path, into=fresh)
        assert torch.equal(embed(again, IMAGES), embed(mine, IMAGES)), seed
        assert again.fingerprint == mine.fingerprint, seed
        assert (again.card, again.preprocessing) == (mine.card, mine.preprocessing), seed


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda x: (x.flatten(1), None), "returned a tuple of 2 for 4 images"),
        (lambda x: {"embedding": x.flatten(1)}, "returned a dict of 1 for 4 images"),
        (lambda x: None, "returned a NoneType for 4 images"),
        (lambda x: x, r"returned shape \(4, 3, 8, 8\) for 4 images.*flatten"),
        (lambda x: x.flatten(1)[:-1], r"returned shape \(3, 192\) for 4 images"),
        (
            lambda x: x.flatten(1)[:, :7],
            "returned 7 features.*embedding_size=192; correct the card",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_named_everywhere(made, says):
    class Odd(nn.Module):
        def forward(self, images):
            return made(images)

    odd = wrapped(Odd(), 192)
    for use in (odd, lambda images: embed(odd, images), CachedExtractor(odd)):
        with pytest.raises(ValueError, match=f"'own-2026' {says}"):
            use(IMAGES)
    with pytest.raises(ValueError, match=says):
        LowKey([odd], steps=1)(toys.faces(4), seed=0)


def test_an_extractor_of_another_kind_must_return_what_its_card_says():
    class MeanColour:
        card = Card("mean-colour", 2026, "none", "none", "none", 112, 4, "CC0-1.0")
        fingerprint = "mean-colour-1"

        def __call__(self, images):
            return nn.functional.normalize(images.mean(dim=(2, 3)), dim=1)

    with pytest.raises(ValueError, match="'mean-colour' returned .* length 3.*embedding_size=4"):
        embed(MeanColour(), IMAGES)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"size": 0}, "size .* whole number"),
        ({"size": 8.0}, "size .* whole number"),
        ({"mean": (0.1, 0.2)}, "mean .* number, or three"),
        ({"mean": float("nan")}, "mean .* number, or three"),
        ({"std": (0.5, 0.0, 0.5)}, "std .* different from 0"),
        ({"channels": "GBR"}, "channels .* 'RGB' or 'BGR'"),
        ({"interpolation": "nearest"}, "interpolation .* 'bilinear' or 'bicubic'"),
        ({"crop": (0, 0, 8)}, "crop .*top, left, height, width"),
        ({"window": (0, 0)}, "window .*left, top, side"),
    ],
)
def test_a_preprocessing_that_cannot_be_is_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        Preprocessing(**settings)


def test_what_is_no_preprocessing_or_card_is_refused():
    card = wrapped(build()).card
    with pytest.raises(TypeError, match="must be a Preprocessing, got function; .* a subclass"):
        ModuleExtractor(build(), card, lambda images: images)
    with pytest.raises(TypeError, match="must be a poisonlib.extractors.Card, got str"):
        ModuleExtractor(build(), "mine")


def test_denoisers_of_any_width_come_back_and_others_are_refused(tmp_path):
    torch.manual_seed(0)
    module = ResidualUNet(8)
    nn.init.normal_(module.leave.weight, std=0.01)
    mine = Denoiser(module, DenoiserCard("toy", "none", "none", 0))
    denoiser.write(mine, tmp_path / "denoiser.safetensors")
    again = denoiser.read(tmp_path / "denoiser.safetensors")
    assert torch.allclose(again(IMAGES), mine(IMAGES), atol=1.01 / 255)
    with pytest.raises(TypeError, match="only a ResidualUNet can be written, got Identity"):
        denoiser.write(Denoiser(nn.Identity(), mine.card), tmp_path / "other")
    deeper = ResidualUNet(8)
    deeper.middle.append(nn.ReLU())
    with pytest.raises(ValueError, match=r"layers are those that ResidualUNet\(width=8\) has"):
        denoiser.write(Denoiser(deeper, mine.card), tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(ValueError, match=r"images of the shape it was given, .* got a tuple"):
        Denoiser(Pair(), mine.card)(IMAGES)


class Pair(nn.Module):
    def forward(self, images):
        return images, None


def test_a_detector_of_several_outputs_is_refused_and_a_tuple_named(tmp_path):
    card = DetectorCard("toy", "none", "none", "none", ("tool",), "none")
    with pytest.raises(ValueError, match="only a TraceNet of one output"):
        detector.write(Detector(TraceNet(2, width=0.25), card), tmp_path / "detector")
    assert not (tmp_path / "detector").exists()
    with pytest.raises(ValueError, match=r"must return \(4, 1\) finite log-odds.*got a tuple"):
        Detector(Pair(), card).logits(IMAGES)

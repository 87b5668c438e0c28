"""Fingerprints cover what a network computes: two networks that differ never share one."""

from __future__ import annotations

import copy
import functools
import hashlib
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from poisonlib import extractors, identity
from poisonlib.attacks import Cached, CloakCache, FunctionAttack, LowKey
from poisonlib.attacks.cache import cache_key
from poisonlib.defenses import denoiser, detector
from poisonlib.extractors import CachedExtractor, Card, ModuleExtractor, Preprocessing, embed
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.extractors.vit import SmallViT
from tests.core.conftest import toy_extractor, toy_photos
from workbench import audit
from workbench.extractors import BlackBoxExtractor

SIDE, LENGTH = 8, 6
IMAGES = toy_photos(3, 2).images
EVERY = [
    name
    for adapted in (False, True)
    for photographs in (False, True)
    for name in extractors.names(adapted=adapted, photographs=photographs)
]


def wrapped(module: nn.Module, **settings) -> ModuleExtractor:
    card = Card("own-2026", 2026, "own", "none", "none", SIDE, LENGTH, "MIT")
    return ModuleExtractor(module, card, Preprocessing(SIDE, **settings))


class PlainTensor(nn.Module):
    """A network whose weights are a plain attribute."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, images):
        return images.flatten(1) @ self.weights


def weights(seed: int) -> torch.Tensor:
    return torch.randn(3 * SIDE * SIDE, LENGTH, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", EVERY)
def test_those_of_the_shipped_extractors_are_of_structure_weights_and_preprocessing(name):
    """Shipped and cached cloaks are looked up by them."""
    extractor = extractors.load(name)
    prepared = extractor.preprocessing
    several = {key: list(v) if isinstance(v, tuple) else v for key, v in vars(prepared).items()}
    window = several.pop("window")
    described = ", ".join(f"{key}={value!r}" for key, value in several.items())
    digest = hashlib.sha256(
        f"{extractor.module!r}Preprocessing({described}){window or ''}".encode()
    )
    for key, value in sorted(extractor.module.state_dict().items()):
        digest.update(key.encode() + value.numpy().tobytes())
    assert extractor.fingerprint == digest.hexdigest()
    assert extractors.load(name, cached=True).fingerprint == digest.hexdigest()


def test_those_of_the_shipped_defences_are_of_structure_and_weights():
    for network in (denoiser.load(), detector.load()):
        digest = hashlib.sha256(f"{network.module!r}".encode())
        for key, value in sorted(network.module.state_dict().items()):
            digest.update(key.encode() + value.numpy().tobytes())
        assert network.fingerprint == digest.hexdigest()


def test_plain_tensors_count(tmp_path):
    one, other = (wrapped(PlainTensor(weights(seed))) for seed in (0, 1))
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == wrapped(PlainTensor(weights(0))).fingerprint
    cache = CloakCache(tmp_path)
    images = F.interpolate(IMAGES, 48).clamp(0, 1)
    first, second = (
        Cached(LowKey([made], steps=2), cache)(images, seed=0).images for made in (one, other)
    )
    assert not torch.equal(first, second), "one network's cloak was returned for the other"
    assert torch.equal(second, LowKey([other], steps=2)(images, seed=0).images)


def test_a_gauntlet_asks_each_of_two_networks():
    photos = toy_photos(4, 5)
    evaluator = audit.Evaluator(photos, strategies=audit.strategies("quick")[:1])
    for seed in (0, 1):
        extractor = wrapped(PlainTensor(weights(seed)))
        asked = evaluator.extractor(extractor)
        assert asked.extractor is extractor
        expected = embed(extractor, evaluator.photos.images)
        assert torch.equal(evaluator.embeddings(asked), expected)


def test_an_embedding_on_disk_is_that_of_its_network(tmp_path):
    one, other = (wrapped(PlainTensor(weights(seed))) for seed in (0, 1))
    for extractor in (one, other):
        cached = CachedExtractor(extractor, folder=tmp_path)
        assert torch.equal(cached(IMAGES), extractor(IMAGES))


class Gain(PlainTensor):
    gain = 1.0

    def forward(self, images):
        return super().forward((self.gain * images).tanh())


def gain_of_class() -> nn.Module:
    class Gain(PlainTensor):
        gain = 2.0

        def forward(self, images):
            return super().forward((self.gain * images).tanh())

    return Gain(weights(0))


def with_closure(factor: float) -> nn.Module:
    module = PlainTensor(weights(0))
    module.change = lambda images: images * factor

    def forward(images):
        return module.change(images).sin().flatten(1) @ module.weights

    module.forward = forward
    return module


def with_attribute(**attributes) -> nn.Module:
    module = Gain(weights(0))
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


def hooked() -> nn.Module:
    module = PlainTensor(weights(0))
    module.register_forward_hook(lambda module, given, made: made.square())
    return module


def in_a_list() -> nn.Module:
    module = PlainTensor(weights(0))
    module.parts = [{"deep": (torch.ones(2),)}]
    return module


def reshaped(*shape: int) -> nn.Module:
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, LENGTH))
    nn.init.ones_(module[1].weight), nn.init.zeros_(module[1].bias)
    module.register_buffer("extra", torch.arange(6.0).reshape(shape))
    return module


def buffer_that_is_not_stored(value: float) -> nn.Module:
    module = PlainTensor(weights(0))
    module.register_buffer("shift", torch.tensor(value), persistent=False)
    return module


SCALE = 1.0


class Global(PlainTensor):
    def forward(self, images):
        return super().forward((SCALE * images).tanh())


def attention(heads: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(64, heads, 8), nn.Flatten())


DIFFERENT = {
    "plain": lambda: PlainTensor(weights(0)),
    "other weights": lambda: PlainTensor(weights(1)),
    "other code": lambda: Gain(weights(0)),
    "other code in a class of the same name": gain_of_class,
    "a number": lambda: with_attribute(gain=3.0),
    "a number of another type": lambda: with_attribute(gain=1),
    "closure": lambda: with_closure(2.0),
    "other closure": lambda: with_closure(3.0),
    "partial": lambda: with_attribute(change=functools.partial(torch.mul, other=2)),
    "other partial": lambda: with_attribute(change=functools.partial(torch.mul, other=3)),
    "hook": hooked,
    "tensor in a list": in_a_list,
    "shape": lambda: reshaped(2, 3),
    "other shape": lambda: reshaped(3, 2),
    "buffer that is not stored": lambda: buffer_that_is_not_stored(1.0),
    "other buffer that is not stored": lambda: buffer_that_is_not_stored(2.0),
    "float64": lambda: with_attribute(table=torch.ones(2, dtype=torch.float64)),
    "int64": lambda: with_attribute(table=torch.ones(2, dtype=torch.int64)),
    "bfloat16": lambda: with_attribute(table=torch.ones(2, dtype=torch.bfloat16)),
    "numpy": lambda: with_attribute(table=torch.ones(2).numpy()),
    "two heads": lambda: attention(2),
    "four heads": lambda: attention(4),
}


def test_whatever_makes_a_difference_counts():
    prints = {name: wrapped(make()).fingerprint for name, make in DIFFERENT.items()}
    again = {name: wrapped(make()).fingerprint for name, make in DIFFERENT.items()}
    assert len(set(prints.values())) == len(prints), "two networks share a fingerprint"
    assert prints == again, "the same network has two fingerprints"


def test_what_code_refers_to_counts(monkeypatch):
    before = wrapped(Global(weights(0))).fingerprint
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    assert wrapped(Global(weights(0))).fingerprint != before


def test_one_of_the_books_architectures_with_other_settings_is_another_network():
    torch.manual_seed(0)
    usual = SmallViT(LENGTH)
    other = SmallViT(LENGTH, heads=8)
    other.load_state_dict(usual.state_dict())
    card = Card("own", 2026, "own", "none", "none", 64, LENGTH, "MIT")
    one, two = (ModuleExtractor(made, card, Preprocessing(64)) for made in (usual, other))
    assert repr(one.module) == repr(two.module), "torch does not tell them apart"
    assert not torch.allclose(embed(one, IMAGES), embed(two, IMAGES), atol=1e-3)
    assert one.fingerprint != two.fingerprint


def test_a_copy_with_changed_weights_is_another_network():
    loaded = extractors.load("softmax-2014")
    assert loaded.fingerprint
    mine = copy.deepcopy(loaded)
    assert mine.fingerprint == loaded.fingerprint
    with torch.no_grad():
        next(mine.module.parameters()).mul_(2)
    assert mine.fingerprint != loaded.fingerprint
    assert (
        mine.fingerprint == ModuleExtractor(mine.module, mine.card, mine.preprocessing).fingerprint
    )


class Squared(Preprocessing):
    def __call__(self, images):
        return super().__call__(images).square()


def test_preprocessing_counts_to_the_last_digit():
    module = PlainTensor(weights(0))
    prints = [
        wrapped(module, mean=mean, channels=channels, window=window).fingerprint
        for mean in (torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.5, 0.5, 0.500001]), 0.5)
        for channels in ("RGB", "BGR")
        for window in (None, (0.0, 0.0, 100.0), (0.0, 0.0, 101.0))
    ]
    assert len(set(prints)) == len(prints)
    squared = ModuleExtractor(module, wrapped(module).card, Squared(SIDE))
    assert squared.fingerprint != wrapped(module).fingerprint


def test_torchscript_counts(tmp_path):
    def scripted(module: nn.Module) -> ModuleExtractor:
        return wrapped(torch.jit.trace(module, torch.rand(2, 3, SIDE, SIDE)))

    with pytest.warns(Warning):
        one, same, other = (scripted(PlainTensor(weights(seed))) for seed in (0, 0, 1))
    assert one.fingerprint == same.fingerprint != other.fingerprint


class Session:
    """What no walk can look into: an object of a library that says nothing of itself."""

    __module__ = "PIL.somewhere"

    def __init__(self, factor: float) -> None:
        self.factor = factor


class Elsewhere(nn.Module):
    def __init__(self, factor: float, *, fails: bool = False) -> None:
        super().__init__()
        self.session, self.fails = Session(factor), fails

    def forward(self, images):
        if self.fails:
            raise RuntimeError("no connection")
        return (self.session.factor * images[:, :, :1, :2]).sin().flatten(1)


def test_what_cannot_be_looked_into_is_told_by_its_answers_or_refused(tmp_path):
    one, other = wrapped(Elsewhere(1.0)), wrapped(Elsewhere(2.0))
    assert one.fingerprint == wrapped(Elsewhere(1.0)).fingerprint != other.fingerprint
    broken = wrapped(Elsewhere(1.0, fails=True))
    with pytest.raises(ValueError, match="cannot be told from others.*Session.*no connection"):
        _ = broken.fingerprint
    assert repr(broken) == "ModuleExtractor('own-2026', no fingerprint)"
    with pytest.raises(ValueError, match="cannot be told from others"):
        CachedExtractor(broken, folder=tmp_path)


def test_functions_outside_torch_are_told_apart():
    card = Card(*["own", 2026, "own", "none", "none", SIDE, 3, "MIT"], differentiable=False)

    def outside(power: int, origin: str = "", **settings) -> BlackBoxExtractor:
        def compute(array):
            return (array**power).mean((2, 3))

        return BlackBoxExtractor(compute, card, Preprocessing(SIDE, **settings), origin)

    def session(factor: float, origin: str = "") -> BlackBoxExtractor:
        there = Session(factor)
        return BlackBoxExtractor(
            lambda array: np.sin(there.factor * array.mean((2, 3))),
            card,
            Preprocessing(SIDE),
            origin,
        )

    window = {"window": (0.0, 0.0, 100.0)}
    makers = [
        lambda: outside(1),
        lambda: outside(2),
        lambda: outside(1, "weights-1"),
        lambda: outside(1, **window),
        lambda: session(1.0),
        lambda: session(2.0),
        lambda: session(1.0, "weights-1"),
    ]
    prints = [make().fingerprint for make in makers]
    assert len(set(prints)) == len(prints)
    assert prints == [make().fingerprint for make in makers]
    odd = BlackBoxExtractor(lambda array: (array, None), card, Preprocessing(SIDE), "1")
    with pytest.raises(ValueError, match="'own' returned a tuple of 2 for 6 images"):
        odd(IMAGES)


def test_a_callable_that_is_no_extractor_is_named():
    with pytest.raises(TypeError, match="has a card, got function; wrap a torch.nn.Module"):
        CachedExtractor(lambda images: images.flatten(1))

    class WithoutFingerprint:
        card = toy_extractor().card

        def __call__(self, images):
            return F.normalize(images.flatten(1), dim=1)

    with pytest.raises(ValueError, match="extractor 'toy' has no fingerprint.*give it"):
        CachedExtractor(WithoutFingerprint())


def test_two_functions_as_attacks_have_two_keys(tmp_path):
    images, cache = toy_photos(1, 2).images, CloakCache(tmp_path)
    images = F.interpolate(images, 48).clamp(0, 1)

    def times(factor: float) -> FunctionAttack:
        return FunctionAttack(lambda images: factor * images)

    assert cache_key(times(0.9), images, seed=0) == cache_key(times(0.9), images, seed=0)
    for factor in (0.9, 0.5):
        made = Cached(times(factor), cache)(images, seed=0).images
        assert torch.equal(made, times(factor)(images, seed=0).images)
    with pytest.raises(ValueError, match="FunctionAttack holds .*Session.*without a cache"):
        session = Session(1.0)
        cache_key(FunctionAttack(lambda images: session.factor * images), images, seed=0)

    class Told(FunctionAttack):
        fingerprint = "session of today"

    told = Told(lambda images: session.factor * images)
    assert len(cache_key(told, images, seed=0)) == 64


def test_identity_follows_cycles():
    first, second = [1], [1]
    first.append(first), second.append(second)
    assert identity.of(first) == identity.of(second) != identity.of([1, [1]])


PIECES = [
    lambda draw: nn.Tanh(),
    lambda draw: nn.PReLU(init=draw.choice([0.1, 0.2])),
    lambda draw: nn.LeakyReLU(draw.choice([0.1, 0.2])),
    lambda draw: with_attribute_of(nn.Identity(), draw.choice([1.0, 2.0])),
    lambda draw: Shift(draw.choice([1.0, 2.0]), kind=draw.choice(["plain", "buffer", "closure"])),
    lambda draw: nn.Dropout(draw.choice([0.1, 0.2])),
]


def with_attribute_of(module: nn.Module, gain: float) -> nn.Module:
    module.register_forward_hook(lambda module, given, made: gain * made)
    return module


class Shift(nn.Module):
    def __init__(self, by: float, *, kind: str) -> None:
        super().__init__()
        self.kind = kind
        if kind == "plain":
            self.by = torch.tensor(by)
        elif kind == "buffer":
            self.register_buffer("by", torch.tensor(by), persistent=False)
        else:
            self.shift = lambda features: features + by

    def forward(self, features):
        return self.shift(features) if self.kind == "closure" else features + self.by


def drawn(seed: int) -> nn.Module:
    draw = random.Random(seed)
    torch.manual_seed(draw.choice([0, 1]))
    head = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, LENGTH))
    return nn.Sequential(head, *(draw.choice(PIECES)(draw) for _ in range(draw.choice([1, 2]))))


def test_fingerprints_of_drawn_networks_differ_whenever_their_outputs_do():
    outputs: dict[str, torch.Tensor] = {}
    shared = 0
    for seed in range(300):
        extractor = wrapped(drawn(seed))
        embedded = embed(extractor, IMAGES)
        known = outputs.setdefault(extractor.fingerprint, embedded)
        shared += known is not embedded
        assert torch.equal(known, embedded), f"network {seed} shares the fingerprint of another"
    assert shared > 50, "networks that are drawn twice have one fingerprint"


def test_every_architecture_is_told_from_one_with_a_change_to_it():
    for kind in ARCHITECTURES.values():
        side = 150 if kind.__name__ == "DlibResNet" else 64
        card = Card("own", 2026, "own", "none", "none", side, 32, "MIT")
        torch.manual_seed(0)
        module = kind(32)
        before = ModuleExtractor(module, card, Preprocessing(side)).fingerprint
        module.scale = 2.0
        assert ModuleExtractor(module, card, Preprocessing(side)).fingerprint != before


def test_the_same_code_in_a_script_and_in_a_module_is_the_same(tmp_path, monkeypatch):
    """So that what a script has cached is found from a notebook, and the other way round."""
    code = "import torch\nclass Same(torch.nn.Flatten):\n    gain = 2\n"
    prints = []
    for name in ("one", "__main__"):
        space = {"__name__": name}
        exec(code, space)
        prints.append(identity.beside_the_weights(space["Same"]()).digest)
    assert prints[0] == prints[1]
    exec(code.replace("2", "3"), space := {"__name__": "one"})
    assert identity.beside_the_weights(space["Same"]()).digest != prints[0]

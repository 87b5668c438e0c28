"""The one protocol behind which every face recognition network stands.

An extractor turns images in [0, 1] into unit embeddings. Everything that a particular network wants
(its input size, channel order, mean and standard deviation) is its own affair and happens inside,
so that one batch of photographs serves them all and gradients reach the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import checks, identity, networks
from poisonlib.alignment import SIDE
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.extractors.card import Card


@runtime_checkable
class Extractor(Protocol):
    """Anything that embeds faces.

    Attributes:
        card: its metadata.
        fingerprint: hex digest that changes whenever its embeddings could; keys caches.

    Example:
        Whatever has a card and a fingerprint, and returns unit embeddings, will do:

        >>> import torch
        >>> from poisonlib.extractors import Card, Extractor, embed
        >>> class MeanColour:
        ...     card = Card("mean-colour", 2026, "none", "none", "none", 112, 3, "CC0-1.0")
        ...     fingerprint = "mean-colour-1"
        ...     def __call__(self, images):
        ...         return torch.nn.functional.normalize(images.mean(dim=(2, 3)), dim=1)
        >>> embed(MeanColour(), torch.rand(2, 3, 8, 8)).shape
        torch.Size([2, 3])
    """

    card: Card

    @property
    def fingerprint(self) -> str: ...

    def __call__(self, images: Tensor) -> Tensor:
        """Embed ``(n, 3, h, w)`` images in [0, 1] as ``(n, d)`` embeddings of length 1.

        Differentiable with respect to the images. Does not check them: attacks call this in
        their inner loop. :func:`embed` is the checked way in.
        """
        ...


@dataclass(frozen=True)
class Preprocessing:
    """From images in [0, 1] to what a network was trained on; differentiable.

    Attributes:
        size: side in pixels to resize to (antialiased), or None to leave it.
        mean, std: subtracted and divided, in units of [0, 1], per channel or for all.
        channels: order in which the network expects the colours.
        crop: top, left, height and width of the part to keep after resizing, or None for all.
        interpolation: how to resize; bicubic is clamped to [0, 1] as picture libraries do.
        window: the square part of the face's frame that the network was trained on, as left, top
            and side in pixels of the aligned 112-pixel picture (:mod:`poisonlib.alignment`), or
            None for the whole frame. It may reach beyond the frame, whose edge is then repeated.

    Raises:
        ValueError: a size below 1, a standard deviation of 0, an unknown order of channels or way
            to resize, or another number of values than said above.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import Preprocessing
        >>> prepare = Preprocessing(size=16, mean=0.5, std=0.5)
        >>> prepared = prepare(torch.zeros(1, 3, 112, 112))
        >>> prepared.shape, prepared.min().item()
        (torch.Size([1, 3, 16, 16]), -1.0)
    """

    size: int | None = None
    mean: float | tuple[float, float, float] = 0.5
    std: float | tuple[float, float, float] = 0.5
    channels: Literal["RGB", "BGR"] = "RGB"
    crop: tuple[int, int, int, int] | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    window: tuple[float, float, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("size", "mean", "std", "crop", "window"):
            object.__setattr__(self, name, _plain_numbers(getattr(self, name)))

        def check(holds: bool, name: str, expected: str) -> None:
            if not holds:
                raise ValueError(
                    f"{name} of a preprocessing must be {expected}, got {getattr(self, name)!r}"
                )

        size_fits = self.size is None or (isinstance(self.size, int) and self.size >= 1)
        check(size_fits, "size", "a whole number of pixels, or None to leave the size")
        for name in ("mean", "std"):
            values = getattr(self, name)
            values = values if isinstance(values, tuple) else (values,)
            fits = len(values) in (1, 3) and all(map(_is_finite, values))
            check(fits, name, "a number, or three of them, in units of [0, 1]")
        spread = self.std if isinstance(self.std, tuple) else (self.std,)
        check(0 not in spread, "std", "different from 0")
        check(self.channels in ("RGB", "BGR"), "channels", "'RGB' or 'BGR'")
        known = ("bilinear", "bicubic")
        check(self.interpolation in known, "interpolation", "'bilinear' or 'bicubic'")
        crop, window = self.crop, self.window
        check(crop is None or _are_numbers(crop, 4), "crop", "(top, left, height, width), or None")
        check(window is None or _are_numbers(window, 3), "window", "(left, top, side), or None")

    @property
    def described(self) -> tuple[str, str]:
        """All settings as text, the window by itself, for fingerprints."""
        # Several numbers are written as a list, as in the files of the extractors that ship.
        shown = {
            part.name: list(value) if isinstance(value, tuple) else value
            for part in fields(Preprocessing)
            for value in (getattr(self, part.name),)
        }
        window = shown.pop("window")
        text = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        # What somebody's own kind of preprocessing does is in its code.
        own = "" if type(self) is Preprocessing else identity.of(self).digest
        return f"Preprocessing({text}){own}", f"{window or ''}"

    def __call__(self, images: Tensor) -> Tensor:
        """``(n, 3, h, w)`` in [0, 1] to what the network wants: ``(n, 3, size, size)`` or crop."""
        if self.window is not None:
            images = self._windowed(images)
        elif self.size is not None and images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(
                images, (self.size, self.size), mode=self.interpolation, antialias=True
            )
            if self.interpolation == "bicubic":
                images = images.clamp(0, 1)
        if self.crop is not None:
            top, left, height, width = self.crop
            images = images[..., top : top + height, left : left + width]
        if self.channels == "BGR":
            images = images.flip(1)
        mean = torch.as_tensor(self.mean, device=images.device).reshape(-1, 1, 1)
        std = torch.as_tensor(self.std, device=images.device).reshape(-1, 1, 1)
        return (images - mean) / std

    def _windowed(self, images: Tensor) -> Tensor:
        """The window at the network's size, bilinear, in one step."""
        left, top, side = (part / SIDE for part in self.window)
        scale = images.new_tensor(
            [[side, 0.0, 2 * left + side - 1], [0.0, side, 2 * top + side - 1]]
        ).expand(len(images), 2, 3)
        size = self.size or images.shape[-1]
        grid = F.affine_grid(scale, [len(images), 3, size, size], align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _plain_numbers(value: Any) -> Any:
    """Numbers of numpy and torch as Python's, and several of them as a tuple."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = value.tolist()
    return tuple(map(_plain_numbers, value)) if isinstance(value, list | tuple) else value


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and float("-inf") < value < float("inf")


def _are_numbers(values: object, count: int) -> bool:
    return isinstance(values, tuple) and len(values) == count and all(map(_is_finite, values))


@dataclass(frozen=True, eq=False)
class ModuleExtractor:
    """Any ``torch.nn.Module`` as an :class:`Extractor`.

    The module is put into evaluation mode, so that an embedding depends on its own image only,
    and its parameters are frozen: attacks differentiate with respect to pixels alone. Whoever
    wants to train it (``EndToEnd``, adaptive training) works on a copy.

    Attributes:
        module: maps preprocessed images ``(n, 3, s, s)`` to features ``(n, d)`` of any length.
        card: its metadata.
        preprocessing: from images in [0, 1] to what the module expects.
        origin: what else its embeddings depend on, for the fingerprint, e.g. the hash of a file.

    Raises:
        TypeError: not a module, or one whose weights are not float32; or no preprocessing.
        ValueError: a module without weights yet, or spread over several devices; or (when called) a
            module that returns something else than ``(n, d)``, d as the card says.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 4))
        >>> card = Card("mine", 2026, "linear", "none", "none", 8, 4, "MIT")
        >>> mine = ModuleExtractor(net, card, Preprocessing(size=8))
        >>> mine(torch.rand(2, 3, 112, 112)).norm(dim=1).round(decimals=4)
        tensor([1., 1.])
    """

    module: torch.nn.Module
    card: Card
    preprocessing: Preprocessing = Preprocessing()
    origin: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.module, torch.nn.Module):
            raise TypeError(
                f"module must be a torch.nn.Module, got {type(self.module).__name__}; build the "
                "network and load its weights into it first"
            )
        if not isinstance(self.card, Card):
            raise TypeError(
                f"card must be a poisonlib.extractors.Card, got {type(self.card).__name__}; it "
                "says what is known of the network"
            )
        if not isinstance(self.preprocessing, Preprocessing):
            raise TypeError(
                f"preprocessing of {self.card.name!r} must be a Preprocessing, got "
                f"{type(self.preprocessing).__name__}; for steps of your own make a subclass with "
                "its own __call__"
            )
        _check_weights(self.module, self.card.name)
        self.module.eval()
        for weight in self.module.parameters():  # TorchScript has no requires_grad_ of its own
            weight.requires_grad_(False)

    def __call__(self, images: Tensor) -> Tensor:
        device = _device_of(self.module)
        if device is not None and images.device != device:
            raise ValueError(
                f"extractor {self.card.name!r} is on {device}, the images on {images.device}; "
                "bring both to one device with .to(...)"
            )
        prepared = self.preprocessing(images)
        if not torch.is_grad_enabled():
            # Colours beside each other in memory: the same values, and convolutions up to twice
            # as fast on a CPU.
            prepared = prepared.contiguous(memory_format=torch.channels_last)
        features = self.module(prepared)
        return F.normalize(check_features(features, self.card, len(images)), dim=1)

    def __repr__(self) -> str:
        try:
            known = self.fingerprint[:8]
        except ValueError:
            known = "no fingerprint"
        return f"{type(self).__name__}({self.card.name!r}, {known})"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that an embedding depends on.

        That is the module's weights and structure, whatever else it holds and its code (see
        :func:`poisonlib.networks.fingerprint`), and the preprocessing. It is computed once, and
        again if weights were changed since.

        Raises:
            ValueError: it holds what cannot be looked into, and fails on a picture.
        """
        weights = [*self.module.parameters(), *self.module.buffers()]
        state = [(id(one), 0 if one.is_inference() else one._version) for one in weights]
        known = self.__dict__.get("_fingerprint")
        if known is None or known[0] != state:
            known = (state, self._compute_fingerprint())
            self.__dict__["_fingerprint"] = known
        return known[1]

    def _compute_fingerprint(self) -> str:
        settings, window = self.preprocessing.described
        return networks.fingerprint(
            self.module,
            described=f"{settings}{self.origin}{window}",
            standard=standard_structure(type(self.module), self.card.embedding_size),
            answers=self._answers,
        )

    def _answers(self) -> Tensor:
        """What the network makes of two fixed pictures."""
        side = self.preprocessing.size or self.card.input_size
        pictures = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # for a network that draws at random
            return self(pictures.to(_device_of(self.module) or "cpu"))


@cache
def standard_structure(kind: type[torch.nn.Module], embedding_size: int) -> str | None:
    """The structure of one of the book's architectures as a file of weights builds it.

    None for other kinds of networks.
    """
    if ARCHITECTURES.get(kind.__name__) is not kind:
        return None
    with torch.device("meta"):  # no weights are drawn
        return networks.structure(kind(embedding_size))


def check_features(features: object, card: Card, n: int) -> Tensor:
    """Check what a network makes of n images and return it unchanged.

    Raises:
        ValueError: not a tensor ``(n, d)``, or another d than its card says.

    Example:
        >>> import torch
        >>> from poisonlib.extractors import Card
        >>> from poisonlib.extractors.base import check_features
        >>> card = Card("mine", 2026, "linear", "none", "none", 8, 4, "MIT")
        >>> check_features((torch.rand(2, 4), None), card, 2)
        Traceback (most recent call last):
        ValueError: the network of 'mine' returned a tuple of 2 for 2 images, expected a tensor ...
    """
    if not isinstance(features, Tensor):
        kind = type(features).__name__
        several = f" of {len(features)}" if isinstance(features, list | tuple | dict) else ""
        raise ValueError(
            f"the network of {card.name!r} returned a {kind}{several} for {n} images, expected a "
            f"tensor ({n}, {card.embedding_size}); wrap it in a module whose forward returns the "
            "features alone"
        )
    if features.ndim != 2 or len(features) != n:
        raise ValueError(
            f"the network of {card.name!r} returned shape {tuple(features.shape)} for {n} images, "
            f"expected ({n}, {card.embedding_size}); flatten its last feature map"
        )
    if features.shape[1] != card.embedding_size:
        raise ValueError(
            f"the network of {card.name!r} returned {features.shape[1]} features for each image, "
            f"its card says embedding_size={card.embedding_size}; correct the card"
        )
    return features


def check_extractor(extractor: object) -> Extractor:
    """Check that something can stand as an extractor and return it unchanged.

    Raises:
        TypeError: it cannot be called, or has no card.
        ValueError: it has no fingerprint, so that it cannot be told from another.

    Example:
        >>> from poisonlib.extractors.base import check_extractor
        >>> check_extractor(lambda images: images.flatten(1))
        Traceback (most recent call last):
        TypeError: an extractor is called with images and has a card, got function; wrap a ...
    """
    if not callable(extractor) or getattr(extractor, "card", None) is None:
        raise TypeError(
            f"an extractor is called with images and has a card, got {type(extractor).__name__}; "
            "wrap a torch.nn.Module in poisonlib.extractors.ModuleExtractor"
        )
    known = getattr(extractor, "fingerprint", None)
    if not isinstance(known, str) or not known:
        name = getattr(extractor.card, "name", type(extractor).__name__)
        raise ValueError(
            f"extractor {name!r} has no fingerprint, so that it cannot be told from another; give "
            "it a `fingerprint` string that changes whenever its embeddings could"
        )
    return extractor


def _check_weights(module: torch.nn.Module, name: str) -> None:
    """See the errors of :class:`ModuleExtractor`."""
    weights = [*module.parameters(), *module.buffers()]
    devices = {weight.device for weight in weights}
    if any(weight.is_meta for weight in weights):
        raise ValueError(
            f"extractor {name!r} is on the meta device, which holds shapes and no weights; load "
            "weights into it with load_state_dict(..., assign=True)"
        )
    if len(devices) > 1:
        places = ", ".join(sorted(map(str, devices)))
        raise ValueError(f"extractor {name!r} is spread over {places}; bring it to one device")
    kinds = {weight.dtype for weight in weights if weight.is_floating_point()}
    if wrong := kinds - {torch.float32}:
        raise TypeError(
            f"extractor {name!r} has weights of {', '.join(sorted(map(str, wrong)))}, expected "
            "torch.float32 like the images; use module.float()"
        )


def _device_of(module: torch.nn.Module) -> torch.device | None:
    weight = next(module.parameters(), None)
    return None if weight is None else weight.device


def embed(extractor: Extractor, images: Tensor, *, batch_size: int = 64) -> Tensor:
    """Embed images without gradients, in batches, checking what goes in and what comes out.

    Args:
        extractor: any extractor.
        images: ``(n, 3, h, w)`` float32 in [0, 1].
        batch_size: images in memory at once.

    Returns:
        ``(n, d)`` float32 embeddings of length 1.

    Raises:
        ValueError: bad images, or an extractor that returns the wrong shape, NaN, or embeddings
            that are not of length 1.

    Example:
        Two photographs of one person lie closer together than those of two people:

        >>> from poisonlib import extractors, people
        >>> photos = people.load("users")
        >>> pair, other = photos.of(0)[:2], photos.of(1)[:1]
        >>> embeddings = extractors.embed(extractors.load("magface-2021"), pair)
        >>> stranger = extractors.embed(extractors.load("magface-2021"), other)
        >>> bool(embeddings[0] @ embeddings[1] > embeddings[0] @ stranger[0])
        True
    """
    checks.images(images)
    with torch.no_grad():
        embeddings = []
        for batch in images.split(batch_size):
            embeddings.append(_checked(extractor, extractor(batch), len(batch)))
    return torch.cat(embeddings)


def _checked(extractor: Extractor, embeddings: Tensor, n: int) -> Tensor:
    name = getattr(getattr(extractor, "card", None), "name", type(extractor).__name__)
    if not isinstance(embeddings, Tensor) or embeddings.ndim != 2 or len(embeddings) != n:
        came = (
            tuple(embeddings.shape) if isinstance(embeddings, Tensor) else type(embeddings).__name__
        )
        raise ValueError(
            f"extractor {name!r} must return ({n}, d) embeddings for {n} images, got {came}; "
            "flatten its last feature map"
        )
    expected = getattr(getattr(extractor, "card", None), "embedding_size", None)
    if isinstance(expected, int) and embeddings.shape[1] != expected:
        raise ValueError(
            f"extractor {name!r} returned embeddings of length {embeddings.shape[1]}, its card "
            f"says embedding_size={expected}; correct the card"
        )
    if not torch.isfinite(embeddings).all():
        raise ValueError(
            f"extractor {name!r} returned NaN or infinity; check its weights and preprocessing"
        )
    lengths = embeddings.norm(dim=1)
    if not torch.allclose(lengths, torch.ones_like(lengths), atol=1e-3):
        raise ValueError(
            f"extractor {name!r} must return embeddings of length 1, got lengths in "
            f"[{lengths.min():.3g}, {lengths.max():.3g}]; wrap it in ModuleExtractor"
        )
    return embeddings.float()

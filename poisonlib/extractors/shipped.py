"""The extractors that ship with poisonlib: safetensors files that carry their own card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import torch

from poisonlib import identity, networks
from poisonlib.caching import cache_folder
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.extractors.base import (
    ModuleExtractor,
    Preprocessing,
    standard_structure,
)
from poisonlib.extractors.cached import CachedExtractor
from poisonlib.extractors.card import Card

WEIGHTS = Path(str(resources.files("poisonlib") / "data" / "weights"))
PHOTOGRAPHS = WEIGHTS / "photographs"
"""Weights of extractors that learnt from photographs of real people."""
ADAPTED = "adapted-"
OWN = "own"
"""In the header of a file that holds a network of one's own: what it makes of two pictures."""


def names(*, adapted: bool = False, photographs: bool = False) -> tuple[str, ...]:
    """The shipped extractors, oldest generation first.

    Args:
        adapted: instead, those that an adaptive trainer made of one of them, for which
            ``adapted-`` stands in front of its name.
        photographs: instead of those trained on rendered people, those trained on photographs of
            real ones.

    Example:
        >>> from poisonlib import extractors
        >>> extractors.names()[:3]
        ('softmax-2014', 'triplet-2015', 'cosface-2018')
        >>> extractors.names(adapted=True)
        ('adapted-softmax-2014', 'adapted-arcface-2019')
        >>> extractors.names(photographs=True)
        ('dlib-2017',)
    """
    folder = PHOTOGRAPHS if photographs else WEIGHTS
    files = sorted(folder.glob("*.safetensors"), key=lambda path: (path.stem[-4:], path.stem))
    return tuple(path.stem for path in files if path.stem.startswith(ADAPTED) == adapted)


def load(name: str, *, cached: bool = False) -> ModuleExtractor | CachedExtractor:
    """Load an extractor that ships with the package, e.g. ``load("softmax-2014")``.

    The same object comes back for the same name: extractors are frozen.

    Args:
        name: one of :func:`names`, of whatever kind.
        cached: embed each photograph once and store its embedding on this machine
            (:class:`~poisonlib.extractors.CachedExtractor`). An embedding identifies its person,
            so this is for rendered people.

    Raises:
        ValueError: no such name (the message lists those there are), or damaged weights.

    Example:
        >>> from poisonlib import extractors
        >>> extractor = extractors.load("arcface-2019")
        >>> extractor.card.loss, extractor.card.embedding_size
        ('ArcFace, scale 32, margin 0.4', 128)
        >>> extractors.load("arcface")
        Traceback (most recent call last):
        ValueError: no extractor 'arcface' ships with poisonlib; there are: softmax-2014, ...
    """
    folders = {known: WEIGHTS for known in names() + names(adapted=True)}
    real = names(photographs=True) + names(adapted=True, photographs=True)
    folders |= dict.fromkeys(real, PHOTOGRAPHS)
    if name not in folders:
        raise ValueError(
            f"no extractor {name!r} ships with poisonlib; there are: {', '.join(folders)}. "
            "Train one with python -m poisonlib train NAME, or load one that others have trained "
            "with workbench.extractors.load"
        )
    extractor = _load_once(folders[name] / f"{name}.safetensors")
    return _cached_once(extractor) if cached else extractor


@cache
def _load_once(path: Path) -> ModuleExtractor:
    return read(path)


@cache
def _cached_once(extractor: ModuleExtractor) -> CachedExtractor:
    return CachedExtractor(extractor, folder=cache_folder("embeddings"))


def read(path: Path | str, *, into: torch.nn.Module | None = None) -> ModuleExtractor:
    """Read an extractor from a file that :func:`write` wrote. No code is unpickled.

    Args:
        path: of the file.
        into: for a network of your own: the network, built by the same code as the one that was
            written, whose weights are replaced. The book's own architectures need none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged; or it holds a network of somebody's own and ``into`` is
            missing, or is another one.

    Example:
        >>> from poisonlib import extractors
        >>> extractors.write(extractors.load("softmax-2014"), "copy.safetensors")
        >>> extractors.read("copy.safetensors").card.name
        'softmax-2014'
    """

    def build(header: Mapping[str, str]) -> tuple[torch.nn.Module, Mapping[str, str]]:
        return _network(header, into, Path(path).name), header

    module, header = networks.read(path, build, kind="extractor", command="train")
    card = Card.from_json(header["card"])
    preprocessing = Preprocessing(**json.loads(header["preprocessing"]))
    extractor = ModuleExtractor(module, card, preprocessing, header.get("origin", ""))
    if OWN in header:
        _check_same(extractor, header[OWN], Path(path).name)
    return extractor


def _network(header: Mapping[str, str], into: torch.nn.Module | None, file: str) -> torch.nn.Module:
    """The network that a file's weights go into."""
    card, architecture = Card.from_json(header["card"]), header["architecture"]
    json.loads(header["preprocessing"])
    if OWN not in header:
        if into is not None:
            raise ValueError(
                f"{file} holds a {architecture}, one of the book's architectures, which is built "
                "from the file; leave `into` out"
            )
        return ARCHITECTURES[architecture](card.embedding_size)
    if into is None:
        raise ValueError(
            f"{file} holds the weights of a network of somebody's own, {architecture}, and not its "
            f"code; build the network as then and read it with extractors.read({file!r}, "
            "into=network)"
        )
    here = _shapes(into)
    if here != (stored := json.loads(header["shapes"])):
        differs = sorted(key for key in {*here, *stored} if here.get(key) != stored.get(key))
        raise ValueError(
            f"{file} holds the weights of {architecture}, which do not fit into this "
            f"{type(into).__name__} ({', '.join(differs[:3])}); build the network as then"
        )
    return into


def _shapes(module: torch.nn.Module) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in module.state_dict().items()}


def _answers(extractor: ModuleExtractor) -> list[list[float]]:
    """The first features of the embeddings of two fixed pictures."""
    side = extractor.preprocessing.size or extractor.card.input_size
    ramp = torch.linspace(0, 1, side).expand(2, 3, side, side)
    pictures = torch.stack([ramp[0], 1 - ramp[1].transpose(1, 2) ** 2])
    with torch.no_grad():
        embeddings = extractor(pictures)
    if not bool(embeddings.isfinite().all()):
        raise ValueError(
            f"extractor {extractor.card.name!r} returned NaN or infinity for a plain picture; "
            "check its weights and preprocessing"
        )
    return embeddings[:, :64].tolist()


def _check_same(extractor: ModuleExtractor, known: str, file: str) -> None:
    now, then = torch.tensor(_answers(extractor)), torch.tensor(json.loads(known))
    if now.shape != then.shape or not torch.allclose(now, then, atol=1e-3):
        raise ValueError(
            f"{file} was written of a network that computes something else than this "
            f"{type(extractor.module).__name__} with the same weights; build it by the same code "
            "and with the same settings as then"
        )


def write(extractor: ModuleExtractor, path: Path | str) -> None:
    """Write an extractor as safetensors with its card inside, in one step.

    The book's own architectures are written in half precision and read by :func:`read` alone.
    Of a network of your own the file has the weights and not the code: :func:`read` is given the
    network, built by your code, and checks that it computes the same as the one that was written.

    Raises:
        TypeError: not a network in a :class:`ModuleExtractor`, or with a preprocessing of your own.
        ValueError: what is written could not be read again: weights in tensors that are neither
            parameters nor buffers, NaN, another ``embedding_size`` than the card's.
        OSError: the file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib import extractors
        >>> extractors.write(extractors.load("softmax-2014"), Path("copy.safetensors"))
        >>> Path("copy.safetensors").stat().st_size < 2_000_000  # bytes: half precision
        True

        A network of one's own:

        >>> import torch
        >>> def build():
        ...     return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 4))
        >>> card = extractors.Card("mine", 2026, "linear", "none", "none", 8, 4, "MIT")
        >>> small = extractors.Preprocessing(size=8)
        >>> mine = extractors.ModuleExtractor(build(), card, small)
        >>> extractors.write(mine, "mine.safetensors")
        >>> extractors.read("mine.safetensors", into=build()).fingerprint == mine.fingerprint
        True
    """
    if isinstance(extractor, CachedExtractor):
        extractor = extractor.extractor
    if not isinstance(extractor, ModuleExtractor):
        raise TypeError(
            f"only a network in a ModuleExtractor can be written, got {type(extractor).__name__}; "
            "write the extractor inside it"
        )
    if type(extractor.preprocessing) is not Preprocessing:
        raise TypeError(
            f"the preprocessing of {extractor.card.name!r} is a "
            f"{type(extractor.preprocessing).__name__} of your own, whose code no file holds; use "
            "a Preprocessing, and put your own steps into the network"
        )
    card, module = extractor.card, extractor.module
    known = _json_of(extractor)
    answers = json.dumps(_answers(extractor))  # fails where card and network do not fit
    kind = type(module)
    header = {**known, "architecture": kind.__name__}
    if extractor.origin:
        header["origin"] = extractor.origin
    is_standard = networks.structure(module) == standard_structure(kind, card.embedding_size)
    if not is_standard:
        if tensors := identity.beside_the_weights(module).plain_tensors:
            raise ValueError(
                f"the network of {card.name!r} holds tensors that are neither parameters nor "
                f"buffers and would not be in the file: {', '.join(tensors[:3])}; make them "
                "torch.nn.Parameter, or buffers with register_buffer"
            )
        header["architecture"] = f"{kind.__module__}.{kind.__qualname__}"
        header |= {OWN: answers, "shapes": json.dumps(_shapes(module))}
    networks.write(module, path, header, half=is_standard)


def _json_of(extractor: ModuleExtractor) -> dict[str, str]:
    settings = json.dumps(vars(extractor.preprocessing))
    try:
        return {"card": extractor.card.to_json(), "preprocessing": settings}
    except TypeError as problem:
        raise ValueError(
            f"the card of {extractor.card.name!r} cannot be written ({problem}); give it Python's "
            "own numbers and strings"
        ) from problem

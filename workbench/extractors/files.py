"""Networks of the reader's own: TorchScript and ONNX files as extractors."""

from __future__ import annotations

import dataclasses
import datetime
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poisonlib.extractors.base import Extractor, ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card
from poisonlib.extractors.shipped import read
from poisonlib.hashing import sha256_of_file
from workbench.extractors.wrappers import BlackBoxExtractor

SUFFIXES = (".safetensors", ".onnx", ".pt", ".pth", ".ts", ".torchscript")
"""Endings of files that hold a network."""
SIDES = (112, 160, 224, 96, 128)
"""Sides of input that are tried, in pixels, where no card says which it is."""


def from_file(
    path: Path | str, *, card: Card | None = None, preprocessing: Preprocessing | None = None
) -> Extractor:
    """An extractor from a file that holds a whole network.

    Safetensors are those that :func:`poisonlib.extractors.write` writes. TorchScript
    (``torch.jit.save``) gives a differentiable extractor, on which cloaks can be crafted. ONNX runs
    in onnxruntime (optional extra ``onnx``) and can only recognise. A network that is a
    ``torch.nn.Module`` in your own code needs no file:
    :class:`~poisonlib.extractors.ModuleExtractor`. Nothing is unpickled.

    Args:
        path: the file; safetensors and ONNX by their suffixes.
        card: what is known of it. Its ``embedding_size`` is checked against what the network gives.
            Safetensors have their own. Without one the network has the name of the file and this
            year's date, and the sides of its input and output are found by trial.
        preprocessing: what the network expects; by default pixels scaled to [-1, 1] at the card's
            ``input_size``.

    Raises:
        FileNotFoundError: no such file.
        ModuleNotFoundError: ONNX without onnxruntime.
        ValueError: damaged, or a pickle, or the network does not map images ``(n, 3, h, w)`` to
            embeddings ``(n, embedding_size)``.

    Example:
        >>> from pathlib import Path
        >>> from poisonlib.extractors import Card
        >>> from workbench.extractors import from_file
        >>> card = Card("own", 2026, "unknown", "unknown", "unknown", 112, 128, "unknown")
        >>> _ = Path("network.pt").write_bytes(b"\\x80 a pickle")
        >>> from_file("network.pt", card=card)
        Traceback (most recent call last):
        ValueError: network.pt is refused: it is a pickle, which can run code when it is opened; ...
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no network at {path}")
    if path.suffix.lower() == ".safetensors":
        return read(path)
    is_onnx = path.suffix.lower() == ".onnx"
    network = _onnx(path) if is_onnx else _torchscript(path)
    if card is None:
        card = _guessed_card(path, network, is_onnx)
    preprocessing = preprocessing or Preprocessing(size=card.input_size)
    content = sha256_of_file(path)
    extractor: Extractor
    if is_onnx:
        card = dataclasses.replace(card, differentiable=False)
        extractor = BlackBoxExtractor(network, card, preprocessing, content)
    else:
        extractor = ModuleExtractor(network, card, preprocessing, content)
    _check(extractor, path)
    return extractor


def _guessed_card(path: Path, network: Callable, is_onnx: bool) -> Card:
    """A card with the sides of a network's input and output.

    Raises:
        ValueError: it takes none of the usual inputs, or gives no vector for each.
    """
    for side in SIDES:
        images = torch.zeros(2, 3, side, side)
        try:
            with torch.no_grad():
                embeddings = network(images.numpy() if is_onnx else images)
        except Exception:  # whatever runtimes raise at a wrong size
            continue
        shape = tuple(getattr(embeddings, "shape", ()))
        if len(shape) == 2 and shape[0] == 2:
            year = datetime.date.today().year
            unknown = "unknown"
            return Card(path.stem, year, *[unknown] * 3, side, shape[1], unknown)
    raise ValueError(
        f"the network in {path.name} gives no embeddings (n, d) for images (n, 3, h, w) of any "
        f"usual size ({', '.join(map(str, SIDES))} pixels); pass its card to from_file in Python"
    )


def _torchscript(path: Path) -> torch.nn.Module:
    remedy = (
        "save the network with torch.jit.script(network).save(...) or export it to ONNX; or build "
        "it in your code, fill it with torch.load(..., weights_only=True), and wrap it in "
        "ModuleExtractor"
    )
    if not zipfile.is_zipfile(path):
        pickled = path.read_bytes()[:1] == b"\x80"
        what = "a pickle, which can run code when it is opened" if pickled else "no whole network"
        raise ValueError(f"{path.name} is refused: it is {what}; {remedy}")
    with zipfile.ZipFile(path) as archive:
        parts = {name.partition("/")[2].partition("/")[0] for name in archive.namelist()}
    if "code" not in parts:
        raise ValueError(
            f"{path.name} is refused: it holds a pickle of weights and no network; {remedy}"
        )
    try:
        with warnings.catch_warnings():
            # torch would rather see torch.export, whose files cannot yet be read without pickle.
            warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
            warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
            return torch.jit.load(str(path), map_location="cpu")
    except RuntimeError as problem:
        first = str(problem).strip().splitlines()[0]
        raise ValueError(f"{path.name} is damaged ({first}); save it again") from problem


def _onnx(path: Path):
    try:
        import onnxruntime
    except ModuleNotFoundError as problem:
        raise ModuleNotFoundError(
            "an ONNX file needs onnxruntime; run pip install -e '.[onnx]' in the book's folder"
        ) from problem
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's errors share no base class
        first = str(problem).strip().splitlines()[0]
        raise ValueError(f"{path.name} is not a whole ONNX network ({first})") from problem
    entry = session.get_inputs()[0]
    fixed = entry.shape[0] if isinstance(entry.shape[0], int) else None

    def compute(images: NDArray) -> NDArray:
        images = np.ascontiguousarray(images, dtype=np.float32)
        # A network exported for a fixed batch size gets batches of that size.
        step = fixed or len(images)
        parts = []
        for start in range(0, len(images), step):
            part = images[start : start + step]
            missing = step - len(part)
            full = np.concatenate([part, part[-1:].repeat(missing, 0)]) if missing else part
            parts.append(session.run(None, {entry.name: full})[0][: len(part)])
        return np.concatenate(parts)

    return compute


def _check(extractor: Extractor, path: Path) -> None:
    """Embed two grey pictures, so that mistakes are found now."""
    side = extractor.card.input_size
    try:
        with torch.no_grad():
            extractor(torch.full((2, 3, side, side), 0.5))
    except Exception as problem:
        last = [type(problem).__name__, *str(problem).strip().splitlines()][-1]
        if "returned" in last and isinstance(problem, ValueError):  # something that does not fit
            raise ValueError(f"{path.name}: {problem}") from problem
        raise ValueError(
            f"the network in {path.name} does not take images of {side} pixels as its "
            f"preprocessing makes them ({last}); check input_size and preprocessing"
        ) from problem

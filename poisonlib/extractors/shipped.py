"""The extractors that ship with poisonlib: safetensors files that carry their own card."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib import resources
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from poisonlib.extractors import pretrained
from poisonlib.extractors.architectures import ARCHITECTURES
from poisonlib.extractors.base import Extractor, ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card

WEIGHTS = Path(str(resources.files("poisonlib") / "data" / "weights"))
ADAPTED = "adapted-"


def names(*, adapted: bool = False) -> tuple[str, ...]:
    """The shipped extractors, oldest generation first.

    Args:
        adapted: instead, those that an adaptive trainer made of one of them, for which
            ``adapted-`` stands in front of its name.
    """
    files = sorted(WEIGHTS.glob("*.safetensors"), key=lambda path: (path.stem[-4:], path.stem))
    return tuple(path.stem for path in files if path.stem.startswith(ADAPTED) == adapted)


def load(name: str) -> Extractor:
    """Load an extractor by name: a shipped one, e.g. ``load("softmax-2014")``, or a real one.

    Real ones, e.g. ``load("facenet-vggface2-2018")``, were trained by others and are not shipped:
    their weights must be on this machine (``poisonlib.assets``). Nothing is downloaded here. The
    same object comes back for the same name: extractors are frozen.

    Raises:
        ValueError: no such name (the message lists those there are), or damaged weights.
        FileNotFoundError: a real one whose weights are not here; the message says how to get them.
        ModuleNotFoundError: a real one whose package is missing.
    """
    if name in pretrained.names():
        return pretrained.load(name)
    shipped = names() + names(adapted=True)
    if name not in shipped:
        raise ValueError(
            f"no extractor {name!r} ships with poisonlib; there are: {', '.join(shipped)}. "
            "Train one with python -m poisonlib train NAME. Real ones, to be fetched: "
            f"{', '.join(pretrained.names())}"
        )
    return _load_once(WEIGHTS / f"{name}.safetensors")


@cache
def _load_once(path: Path) -> ModuleExtractor:
    return read(path)


def read(path: Path) -> ModuleExtractor:
    """Read an extractor from a file that :func:`write` wrote. No code is unpickled.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged, or of an architecture that is not known here.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; train some with python -m poisonlib train")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {key: file.get_tensor(key).float() for key in file.keys()}
        card = Card.from_json(header["card"])
        preprocessing = Preprocessing(**json.loads(header["preprocessing"]))
        module = ARCHITECTURES[header["architecture"]](card.embedding_size)
        buffers = {k: v for k, v in module.state_dict().items() if k.endswith("batches_tracked")}
        module.load_state_dict(buffers | weights)
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as problem:
        raise ValueError(
            f"{path.name} is not a whole extractor file ({problem}); "
            "restore it (git checkout, or reinstall poisonlib) or train it again"
        ) from problem
    return ModuleExtractor(module, card, preprocessing)


def write(extractor: ModuleExtractor, path: Path) -> None:
    """Write an extractor as half-precision safetensors with its card inside, in one step."""
    weights = {
        key: value.half().contiguous()
        for key, value in extractor.module.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    header = {
        "card": extractor.card.to_json(),
        "architecture": type(extractor.module).__name__,
        "preprocessing": json.dumps(vars(extractor.preprocessing)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file(weights, partial, metadata=header)
    os.replace(partial, path)

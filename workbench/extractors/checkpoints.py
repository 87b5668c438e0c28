"""Weights from files of other people's making, without running anything they contain."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

PACKED = "._packed_params._packed_params"


def read_pickled(path: Path) -> Mapping[str, Any]:
    """Read a file that ``torch.save`` wrote, tensors and plain containers only.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or holds anything but tensors and plain containers: a pickle can
            run code when it is opened, so it is refused unopened.
    """
    try:
        with warnings.catch_warnings():
            # torch's reader of quantised tensors goes through its own deprecated parts, and it
            # warns of old pickles before it refuses or reads them.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as problem:
        raise ValueError(
            f"{path.name} is refused: it holds more than weights, or is damaged, and opening such "
            "a pickle can run code. Save the weights alone, "
            "torch.save(module.state_dict(), ...) or safetensors, on a machine that trusts it"
        ) from problem
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as problem:
        raise ValueError(
            f"{path.name} is damaged or was not written by torch.save ({problem}); get it again"
        ) from problem
    if not isinstance(content, Mapping):
        raise ValueError(f"{path.name} must hold weights by name, got {type(content).__name__}")
    return content


def read_safetensors(path: Path, *, prefix: str = "") -> dict[str, Tensor]:
    """Read float32 weights from a safetensors file, those below a prefix only, without it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or nothing in it has the prefix.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]
            weights = {name.removeprefix(prefix): file.get_tensor(name).float() for name in names}
    except SafetensorError as problem:
        raise ValueError(
            f"{path.name} is not a whole safetensors file ({problem}); get it again"
        ) from problem
    if not weights:
        raise ValueError(f"{path.name} holds no weights whose names begin with {prefix!r}")
    return weights


def dequantised(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """Float weights of a network whose linear layers torch quantised to int8 dynamically.

    Such a layer's weight and bias are one packed pair; scale and zero point of its output are not
    needed to compute in float.
    """
    plain: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name.endswith(PACKED):
            layer = name.removesuffix(PACKED)
            weight, bias = value
            plain[f"{layer}.weight"] = weight.dequantize()
            if bias is not None:
                plain[f"{layer}.bias"] = bias
        elif isinstance(value, Tensor) and not name.endswith((".scale", ".zero_point")):
            plain[name] = value
    return plain


def fill(module: torch.nn.Module, weights: Mapping[str, Tensor], source: str) -> torch.nn.Module:
    """Load weights into a module, on whatever device it was built; returns it.

    Raises:
        ValueError: names or shapes do not fit; the module is then of no use.
    """
    try:
        module.load_state_dict(dict(weights), assign=True)
    except RuntimeError as problem:
        first = " ".join(str(problem).split())[:300]
        raise ValueError(
            f"the weights of {source} do not fit the network they are for ({first}); get the file "
            "again"
        ) from problem
    return module

"""A trained network in a file that says what it is: half-precision safetensors with a header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from poisonlib import atomic

COUNTER = "num_batches_tracked"
"""A whole number that batch normalisation keeps and never needs again; it is not written."""

Described = TypeVar("Described")


def write(module: nn.Module, path: Path | str, header: Mapping[str, str]) -> None:
    """Write a network's weights in half precision, whole or not at all.

    Args:
        module: its ``state_dict`` is written.
        path: the folder is made if it is not there.
        header: whatever :func:`read` needs to build the network again, and its card.

    Example:
        >>> from pathlib import Path
        >>> from torch import nn
        >>> from poisonlib import networks
        >>> networks.write(nn.Linear(4, 2), "mine.safetensors", {"card": "a small network"})
        >>> Path("mine.safetensors").is_file()
        True
    """
    path = Path(path)
    weights = {
        key: value.half().contiguous()
        for key, value in module.state_dict().items()
        if not key.endswith(COUNTER)
    }
    atomic.write(path, save(weights, metadata=dict(header)))


def read(
    path: Path | str,
    build: Callable[[Mapping[str, str]], tuple[nn.Module, Described]],
    *,
    kind: str,
    command: str,
) -> tuple[nn.Module, Described]:
    """Read what :func:`write` wrote, in single precision. No code is unpickled.

    Args:
        path: of the file.
        build: from the header to a network, whose weights are then filled in, and whatever else
            the header says of it. What it raises for want of a field counts as damage.
        kind: what the file is called in messages, e.g. ``"detector"``.
        command: of ``python -m poisonlib``, which makes such a file.

    Returns:
        what ``build`` returned.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or holds something else.

    Example:
        >>> from torch import nn
        >>> from poisonlib import networks
        >>> networks.write(nn.Linear(4, 2), "mine.safetensors", {"outputs": "2"})
        >>> def build(header):
        ...     return nn.Linear(4, int(header["outputs"])), header
        >>> how = {"kind": "network", "command": "train"}
        >>> network, header = networks.read("mine.safetensors", build, **how)
        >>> network
        Linear(in_features=4, out_features=2, bias=True)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} at {path}; train one: python -m poisonlib {command}")
    try:
        with safe_open(path, framework="pt") as file:
            module, described = build(file.metadata() or {})
            weights = {key: file.get_tensor(key).float() for key in file.keys()}
        counters = {k: v for k, v in module.state_dict().items() if k.endswith(COUNTER)}
        module.load_state_dict(counters | weights)
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as problem:
        raise ValueError(
            f"{path.name} is not a whole {kind} file ({problem}); restore it (git checkout, or "
            f"reinstall the book) or train it again with python -m poisonlib {command}"
        ) from problem
    return module, described


def fingerprint(module: nn.Module, *, described: str = "") -> str:
    """SHA-256 over a network's structure, its weights, and what else its answers depend on.

    Example:
        >>> from torch import nn
        >>> from poisonlib import networks
        >>> network = nn.Linear(4, 2)
        >>> before = networks.fingerprint(network)
        >>> nn.init.zeros_(network.bias)
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
        >>> networks.fingerprint(network) == before
        False
    """
    digest = hashlib.sha256(f"{module!r}{described}".encode())
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

"""A trained network in a file that describes it: safetensors with a header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from poisonlib import atomic, identity

COUNTER = "num_batches_tracked"
"""A whole number that batch normalisation keeps and never needs again; it is not written."""

Described = TypeVar("Described")


def write(
    module: nn.Module, path: Path | str, header: Mapping[str, str], *, half: bool = True
) -> None:
    """Write a network's weights, whole or not at all.

    Args:
        module: its ``state_dict`` is written.
        path: the folder is made if it is not there.
        header: whatever :func:`read` needs to build the network again, and its card.
        half: whether in half precision, but for weights that are too large for it, and whole
            numbers.

    Raises:
        ValueError: a weight that is not finite, or something else than tensors in the
            ``state_dict``.
        OSError: the file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> from torch import nn
        >>> from poisonlib import networks
        >>> networks.write(nn.Linear(4, 2), "mine.safetensors", {"card": "a small network"})
        >>> Path("mine.safetensors").is_file()
        True
    """
    weights = {
        key: _stored(key, value, half=half)
        for key, value in module.state_dict().items()
        if not _is_counter(key)
    }
    atomic.write(path, save(weights, metadata=dict(header)))


def _stored(key: str, value: object, *, half: bool) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{key} in the network's state_dict is {type(value).__name__}, expected a tensor; keep "
            "such a network with torch.jit.script(network).save(...) or export it to ONNX"
        )
    value = value.detach().cpu()
    if value.is_floating_point():
        if not bool(value.isfinite().all()):
            raise ValueError(
                f"{key} of the network holds NaN or infinity, so it is not written; train it again "
                "with a smaller learning rate, or load whole weights"
            )
        smaller = value.half()
        value = smaller if half and bool(smaller.isfinite().all()) else value
    return value.contiguous().clone()  # weights that are tied share no memory in the file


def _is_counter(key: str) -> bool:
    return key.rpartition(".")[2] == COUNTER


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
            the header says of it. Errors about missing fields count as damage.
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
            weights = {key: file.get_tensor(key) for key in file.keys()}
        weights = {k: v.float() if v.dtype == torch.half else v for k, v in weights.items()}
        counters = {k: v for k, v in module.state_dict().items() if _is_counter(k)}
        module.load_state_dict(counters | weights)
    except (SafetensorError, KeyError, TypeError, RuntimeError, json.JSONDecodeError) as problem:
        raise ValueError(
            f"{path.name} is not a whole {kind} file ({problem}); restore it (git checkout, or "
            f"reinstall the book) or train it again with python -m poisonlib {command}"
        ) from problem
    return module, described


def fingerprint(
    module: nn.Module,
    *,
    described: str = "",
    standard: str | None = None,
    answers: Callable[[], Tensor] | None = None,
) -> str:
    """SHA-256 over a network's structure, its weights, and everything else its results depend on.

    That is: tensors that are no parameters, numbers and functions that it holds, the code of
    classes that are not a library's, and, where there is such code, what the network makes of a
    fixed picture.

    Args:
        module: the network.
        described: what else its answers depend on.
        standard: the :func:`structure` of a network whose class says everything but the weights;
            if this one's is the same, nothing but ``described`` and the weights counts.
        answers: computes what the network makes of a fixed picture.

    Raises:
        ValueError: it holds something that cannot be looked into, and there are no answers.

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
        if isinstance(value, Tensor):
            digest.update(identity.bytes_of(value))
    known = identity.beside_the_weights(module)
    if known.digest != standard:
        digest.update(known.digest.encode())
        if known.has_own_code or known.opaque:
            digest.update(_answered(answers, opaque=known.opaque))
    return digest.hexdigest()


def structure(module: nn.Module) -> str:
    """One hash of everything in a network except the values of its weights.

    Example:
        >>> from torch import nn
        >>> from poisonlib import networks
        >>> networks.structure(nn.Linear(4, 2)) == networks.structure(nn.Linear(4, 2))
        True
        >>> networks.structure(nn.Linear(4, 2)) == networks.structure(nn.Linear(4, 3))
        False
    """
    return identity.beside_the_weights(module).digest


def _answered(answers: Callable[[], Tensor] | None, *, opaque: tuple[str, ...]) -> bytes:
    try:
        if answers is None:
            raise ValueError("there is no picture to try it on")
        return identity.bytes_of(answers())
    except Exception as problem:  # whatever somebody else's code may raise
        if not opaque:
            return b"no answer"
        raise ValueError(
            f"this network cannot be told from others: it holds {', '.join(opaque)}, which cannot "
            f"be looked into, and it fails on a fixed picture ({problem}). Keep its weights in "
            "parameters and buffers, or correct its card's input_size and its preprocessing"
        ) from problem

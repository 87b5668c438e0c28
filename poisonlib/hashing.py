"""SHA-256 of whatever a result depends on, hexadecimal: tensors, files, settings."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from torch import Tensor


def sha256(content: bytes | str) -> str:
    """Digest of bytes, or of text as UTF-8."""
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")  # the names of some files need it
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(*paths: Path | str) -> str:
    """Digest of a whole file, or of several one after another, read in pieces.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def sha256_of_tensors(*tensors: Tensor) -> str:
    """Digest of shapes, types and values, on whatever device the tensors are.

    Example:
        >>> import torch
        >>> from poisonlib.hashing import sha256_of_tensors
        >>> image = torch.rand(3, 8, 8)
        >>> sha256_of_tensors(image) == sha256_of_tensors(image.clone())
        True
        >>> sha256_of_tensors(image) == sha256_of_tensors(image.flatten())
        False
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype};".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def sha256_of_json(*values: object) -> str:
    """Digest of plain values that JSON can hold; the order of keys makes no difference."""
    return sha256(json.dumps(values, sort_keys=True))

"""Checkpoints: a training that is stopped at any time goes on after its last whole epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from poisonlib import atomic


def save(path: Path | None, settings: str, run: Mapping[str, Any], losses: Sequence[float]) -> None:
    """Write the state of a run in one step; nothing where no path is given.

    Args:
        path: the checkpoint.
        settings: everything that determines the run, as text; only such a run may resume it.
        run: modules, optimiser and schedule by name: whatever has a ``state_dict``.
        losses: the mean loss of each epoch so far.
    """
    if path is None:
        return
    states = {name: part.state_dict() for name, part in run.items()}
    with atomic.writing(path) as file:
        torch.save({"settings": settings, "losses": list(losses), **states}, file)


def resume(path: Path | None, settings: str, run: Mapping[str, Any], *, of: str) -> list[float]:
    """Bring a run to where :func:`save` left it; returns its losses, none if there is no file.

    Args:
        of: what a checkpoint belongs to, for the message: a recipe, a training.

    Raises:
        ValueError: the checkpoint is of a run with other settings.
    """
    if path is None or not path.is_file():
        return []
    saved = torch.load(path, weights_only=True)
    if saved.get("settings") != settings:
        raise ValueError(f"{path} is of another {of}; delete it to train afresh")
    for name, part in run.items():
        part.load_state_dict(saved[name])
    return list(saved["losses"])

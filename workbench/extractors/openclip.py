"""Image towers of open_clip's models, without their text towers."""

from __future__ import annotations

from pathlib import Path

import torch

from workbench.extractors.checkpoints import fill, read_safetensors


def image_tower(architecture: str, path: Path) -> torch.nn.Module:
    """The image half of a model of open_clip, with the weights of a safetensors file.

    Maps images ``(n, 3, side, side)`` to ``(n, d)`` embeddings. The text half is neither read nor
    given memory.

    Args:
        architecture: name of one of open_clip's model configurations, e.g. ``"ViT-B-16-SigLIP2"``.
        path: a whole model's weights as open_clip saves them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: open_clip has no such configuration, or the weights are damaged or another
            model's.
    """
    import open_clip

    settings = open_clip.get_model_config(architecture)
    if settings is None:
        raise ValueError(f"open_clip has no model configuration {architecture!r}")
    weights = read_safetensors(path, prefix="visual.")
    separate_text = settings.pop("custom_text", False)
    whole = open_clip.CustomTextCLIP if separate_text else open_clip.CLIP
    with torch.device("meta"):
        tower = whole(**settings).visual
    return fill(tower, weights, path.name)

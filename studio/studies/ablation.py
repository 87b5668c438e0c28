"""What makes a newer extractor shrug off an old cloak: one change to the oldest at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache
from poisonlib.tools import paper_tools
from poisonlib.trial import Progress, Trial
from studio.training.recipes import ABLATION


def ablation(
    *,
    users: int,
    seed: int,
    weights: Path | None = None,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """The paper's tools x every variant of the oldest extractor, by 1-NN.

    Rows are those of a trial, with ``variant`` and the four choices ``people``, ``augmentation``,
    ``architecture`` and ``loss`` beside them.

    Args:
        weights: folder of the variants, as ``train`` wrote them.

    Raises:
        FileNotFoundError: a variant has not been trained.
        ValueError: no folder of variants was given.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("ablation").table
        >>> list(rows["variant"].unique())[:3]
        ['base', 'more people', 'varied views']
    """
    if weights is None:
        raise ValueError("the ablation needs the variants' weights; give --weights-folder FOLDER")
    photos, public = people.load("users"), people.load("public")
    files = {variant: weights / f"{recipe.card.name}.safetensors" for variant, recipe in ABLATION}
    for variant, file in files.items():
        if not file.is_file():
            raise FileNotFoundError(
                f"no weights of the variant {variant!r}: run python -m poisonlib train "
                f"{file.stem} --people-folder ... --out-folder {weights}"
            )
    for tool, attack in paper_tools(public, cache=cache).items():
        for variant, recipe in ABLATION:
            trial = Trial(attack, extractors.read(files[variant]), name=tool)
            result = trial.run(photos, users=users, seed=seed, progress=progress)
            chosen = {
                "variant": variant,
                "people": recipe.people,
                "augmentation": repr(recipe.augmentation),
                "architecture": recipe.architecture,
                "loss": recipe.loss,
            }
            yield from result.table.assign(**chosen).to_dict("records")

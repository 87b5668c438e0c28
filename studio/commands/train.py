"""``train NAME``: train a shipped extractor again from generated public people."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from poisonlib.cli import typed
from studio.commands.losses import Losses


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.training.recipes import ABLATION, RECIPES

    command = subparsers.add_parser(
        "train",
        help="train an extractor from scratch",
        description="Train an extractor from scratch on generated people. Stop it at any time: "
        "the same command goes on after the last whole epoch.",
    )
    command.add_argument(
        "name",
        choices=[*RECIPES, *(recipe.card.name for _, recipe in ABLATION)],
        help="which recipe",
    )
    command.add_argument(
        "--people-folder",
        type=Path,
        required=True,
        help="where `people render` put the public people",
    )
    command.add_argument(
        "--out-folder", type=Path, help="where weights and record go (default: into the package)"
    )
    command.add_argument(
        "--checkpoint-folder", type=Path, help="where to keep checkpoints (default: out folder)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, write weights and loss curve."""
    from poisonlib import provenance
    from poisonlib.extractors import shipped
    from studio.people import aligned
    from studio.training.loop import best_device, train
    from studio.training.recipes import recipe_of

    recipe = recipe_of(arguments.name)
    folder = arguments.people_folder
    chosen = {name: getattr(recipe, name) for name in ("first_identity", "photos")}
    try:
        photos = aligned(folder, identities=recipe.people, **chosen)
    except (FileNotFoundError, ValueError) as problem:
        raise ValueError(
            f"{recipe.card.name} is trained on {recipe.people} people x {recipe.photos} "
            f"photographs ({problem}); run python -m poisonlib people render --identities "
            f"{recipe.people} --photos {recipe.photos} --first-identity {recipe.first_identity} "
            f"--out {folder}"
        ) from problem
    weights = arguments.out_folder or shipped.WEIGHTS
    records = arguments.out_folder or Path(str(provenance.RECORDED))
    checkpoint = (arguments.checkpoint_folder or weights) / f".{recipe.card.name}.checkpoint"
    started = time.perf_counter()
    with Losses(recipe.epochs) as losses:
        trained = train(
            recipe,
            photos,
            start=shipped.load(recipe.start) if recipe.start else None,
            checkpoint=checkpoint,
            progress=losses,
            device=best_device(),
        )
    seconds = time.perf_counter() - started
    shipped.write(trained.extractor, weights / f"{recipe.card.name}.safetensors")
    rows = [{"epoch": epoch + 1, "loss": loss} for epoch, loss in enumerate(trained.losses)]
    origin = provenance.of_run(typed(arguments), seed=recipe.seed, seconds=seconds)
    provenance.Recorded(rows, origin).save(records / f"train-{recipe.card.name}.json")
    checkpoint.unlink(missing_ok=True)
    print(
        f"{recipe.card.name}: {recipe.epochs} epochs of {len(photos)} photographs in "
        f"{seconds:.0f} s, {recipe.epochs * len(photos) / seconds:.0f} images per second"
    )

"""``train NAME``: train a shipped extractor again on rendered public people."""

from __future__ import annotations

import argparse

from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    from studio.training.recipes import ABLATION, RECIPES

    shape.add(
        subparsers,
        "train",
        run,
        "train an extractor from scratch",
        "Train an extractor from scratch on rendered people. Stop it at any time: the same "
        "command resumes after the last complete epoch.",
        (
            shape.option(
                "name",
                "which recipe",
                choices=[*RECIPES, *(recipe.card.name for _, recipe in ABLATION)],
            ),
            shape.PEOPLE_FOLDER,
            shape.OUT_FOLDER,
            shape.CHECKPOINT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Train, write weights and loss curve."""
    from poisonlib.extractors import shipped
    from studio.people import aligned
    from studio.training import train
    from studio.training.fit import best_device
    from studio.training.recipes import recipe_of

    recipe = recipe_of(arguments.name)
    training = shape.Training(arguments, recipe.card.name)
    trained = train(
        recipe,
        aligned(
            arguments.people_folder,
            identities=recipe.people,
            photos=recipe.photos,
            first_identity=recipe.first_identity,
        ),
        start=shipped.load(recipe.start) if recipe.start else None,
        checkpoint=training.checkpoint,
        progress=training.losses(),
        device=best_device(),
    )
    training.save(shipped.write, trained, seed=recipe.seed)

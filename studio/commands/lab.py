"""``lab``: make the files of the live lab on the site."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.commands import shape

FOLDER = Path("book") / "_static" / "lab" / "data"


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "lab",
        run,
        "write the networks and galleries of the live lab",
        "Write what the live lab on the site computes with: networks as lists of operations, "
        "galleries, people, and rates over twenty users. Does nothing where the files are there "
        "and nothing that they depend on has changed.",
        (
            shape.folder(
                "--out",
                f"where the files go (default: {FOLDER.as_posix()}, in the book's folder)",
            ),
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Look whether the files are current; make them if not."""
    from studio.lab import files

    folder = arguments.out or _folder()
    if files.current(folder):
        return
    files.write(folder, lambda text: print(f"The live lab: {text} ...", flush=True))
    total = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {total / 1e6:.1f} MB")


def _folder() -> Path:
    root = Path(__file__).resolve().parents[2]
    if not (root / FOLDER.parent).is_dir():
        raise FileNotFoundError(
            f"no {FOLDER.parent} in {root}: the command belongs to a copy of the book; run it "
            "there, or name a folder with --out"
        )
    return root / FOLDER

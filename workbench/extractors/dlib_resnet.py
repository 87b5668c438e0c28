"""dlib's face recognition network (2017), run by dlib itself. Needs the optional extra ``real``."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poisonlib.hashing import sha256_of_file

FACE = np.array([13, 26, 96, 106]) / 112
"""Left, top, right and bottom of the box that dlib's frontal face detector draws in aligned
pictures (median over photographs), as shares of the side."""

FILES = ("shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")


def is_installed() -> bool:
    """Whether dlib and its models are there."""
    return all(map(importlib.util.find_spec, ("dlib", "face_recognition_models")))


def load() -> tuple[Callable[[NDArray], NDArray], str]:
    """The network as a function, and a hash of its weights.

    The function takes aligned pictures ``(n, 3, h, w)`` in [0, 1] and gives descriptors
    ``(n, 128)``. dlib's own five-point predictor aligns the face again, in a box that is the same
    for all: pictures are aligned already, and a detector would miss some.

    Raises:
        ModuleNotFoundError: dlib or its models are not installed.
    """
    if not is_installed():
        raise ModuleNotFoundError(
            "dlib-2017 needs dlib and its models; run pip install -e '.[real]' in the book's folder"
        )
    import dlib

    # The package of the models is located without importing it, which needs setuptools.
    package = importlib.util.find_spec("face_recognition_models")
    folder = Path(next(iter(package.submodule_search_locations))) / "models"
    predictor, network = (str(folder / file) for file in FILES)
    locate = dlib.shape_predictor(predictor)
    describe = dlib.face_recognition_model_v1(network)

    def compute(images: NDArray) -> NDArray:
        pictures = np.rint(images.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
        height, width = pictures.shape[1:3]
        box = np.rint(FACE * [width, height, width, height]).astype(int)
        face = dlib.rectangle(*box.tolist())
        descriptors = []
        for picture in pictures:
            picture = np.ascontiguousarray(picture)
            descriptors.append(describe.compute_face_descriptor(picture, locate(picture, face)))
        return np.array(descriptors, dtype=np.float32)

    return compute, sha256_of_file(predictor, network)

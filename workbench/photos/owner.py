"""Which of several faces in a picture is the person's whose photographs these are.

The most central one, unless another is clearly more like the face that recurs on the person's other
photographs. What is alike is decided by a recogniser that learnt from photographs of real people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from poisonlib import extractors
from poisonlib.alignment import SIDE, align
from poisonlib.attacks.base import Extractor
from workbench.photos.detection import Detect
from workbench.photos.pictures import read
from workbench.photos.walk import evenly_spaced

KNOWS_FACES = "dlib-2017"
"""The recogniser that ships and learnt from photographs of real people."""
ALIKE = 0.92
"""Cosine similarity of its embeddings above which two faces may be one person's: of pairs in
Labeled Faces in the Wild that are, 94 in 100 lie above, of others one in 500."""
CLEARLY = 0.02
"""So much more alike than the most central face another one must be to be taken instead."""
SAMPLE, FACES = 16, 8
"""Photographs of a person, and faces in each, that are looked at at most."""


class Owner:
    """Finds one person's face among several in a picture.

    Their photographs are looked at only once a picture with several faces comes.

    Args:
        files: of the person.
        within: a folder that no link may lead out of.
        detect: detects the landmarks in a picture.
        recognise: embeds aligned faces; the packaged ``dlib-2017`` by default.
    """

    def __init__(
        self,
        files: Sequence[Path],
        *,
        within: Path | None,
        detect: Detect,
        recognise: Extractor | None = None,
    ) -> None:
        self.files, self.within, self.detect = files, within, detect
        self._recognise = recognise

    def choose(self, picture: Image.Image, faces: NDArray) -> tuple[int, str]:
        """The index of the person's face, and a remark on the choice.

        Args:
            picture: RGB.
            faces: landmarks ``(n, 5, 2)`` of the faces in it, at least two.
        """
        central = most_central(faces, picture.size)
        many = f"{len(faces)} faces in it"
        if self.usual is None:
            return central, f"{many}; the most central one was taken"
        likeness = self._embedded([picture], [faces])[0] @ self.usual
        best = int(likeness.argmax())
        if float(likeness[best]) < ALIKE:
            return (
                central,
                f"{many}, none like the person's others; the most central one was taken",
            )
        if float(likeness[best] - likeness[central]) < CLEARLY:
            best = central
        return best, f"{many}; the one most like the person's others was taken"

    @cached_property
    def usual(self) -> Tensor | None:
        """The mean embedding ``(d,)`` of the face that recurs on the photographs, if one does."""
        pictures, faces = [], []
        for file in evenly_spaced(self.files, SAMPLE):
            try:
                picture = read(file, within=self.within)
                found = self.detect(picture.image, picture.content)
            except (ValueError, RuntimeError):  # whoever reads the file for itself reports it
                continue
            if len(found):
                pictures.append(picture.image)
                faces.append(found[:FACES])
        return recurring(self._embedded(pictures, faces))

    def _embedded(self, pictures: Sequence[Image.Image], faces: Sequence[NDArray]) -> list[Tensor]:
        """Embeddings ``(n, d)`` of the faces in each picture."""
        if self._recognise is None:
            self._recognise = extractors.load(KNOWS_FACES)
        return [
            self._recognise(to_tensor([align(picture, one, side=SIDE) for one in found]))
            for picture, found in zip(pictures, faces, strict=True)
        ]


def most_central(faces: NDArray, size: tuple[int, int]) -> int:
    """The face in the middle of a picture: an index into landmarks ``(n, 5, 2)``."""
    return int(np.linalg.norm(faces.mean(1) - np.array(size) / 2, axis=1).argmin())


def recurring(photographs: Sequence[Tensor]) -> Tensor | None:
    """The mean embedding ``(d,)`` of the face that is on the most of some photographs.

    Args:
        photographs: of each the unit embeddings ``(faces, d)``, at least one.

    Returns:
        None where no face is on two of them.

    Example:
        >>> import torch
        >>> from workbench.photos.owner import recurring
        >>> ada, ben, cem = torch.eye(3)
        >>> recurring([torch.stack([ben, ada]), ada[None], torch.stack([ada, cem])])
        tensor([1., 0., 0.])
        >>> recurring([ada[None], ben[None]]) is None
        True
    """
    if len(photographs) < 2:
        return None
    everybody = torch.cat(list(photographs))
    of = torch.cat([torch.full((len(each),), at) for at, each in enumerate(photographs)])
    # Of each face, the likeness of the most similar one on each photograph.
    nearest = torch.stack([(everybody @ each.T).amax(1) for each in photographs], dim=1)
    elsewhere = nearest.clone()
    elsewhere[torch.arange(len(of)), of] = 0
    best = int(elsewhere.sum(1).argmax())
    members = [
        each[(each @ everybody[best]).argmax()]
        for at, each in enumerate(photographs)
        if at == int(of[best]) or float(nearest[best, at]) >= ALIKE
    ]
    return F.normalize(torch.stack(members).mean(0), dim=0) if len(members) > 1 else None


def to_tensor(faces: Iterable[NDArray] | NDArray) -> Tensor:
    """Aligned faces ``(..., 112, 112, 3)`` uint8 as images ``(..., 3, 112, 112)`` in [0, 1]."""
    return torch.tensor(np.asarray(faces)).movedim(-1, -3).float().div(255)

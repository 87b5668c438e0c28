"""Who else is in the gallery: read, described, and without the owner of the photographs."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from poisonlib import people
from poisonlib.extractors import Extractor, embed
from poisonlib.hashing import sha256_of_tensors
from poisonlib.photos import Photos
from poisonlib.progress import Progress
from workbench.folders.resemblance import NEAR_DUPLICATE, thumbnails
from workbench.photos import from_folder, lfw

#: Files of a background that are read at most: more would hardly fit into memory.
MOST_OTHERS = 4000
#: So many photographs of each packaged person are in the default gallery.
EACH = 6
#: Cosine similarity of two people's mean embeddings from which they may be one. Halves of one
#: person's photographs in Labeled Faces in the Wild reach 0.97, of 1,000 pairs of people there none
#: more than 0.96.
ALIKE = 0.97
#: If the recogniser finds the owner in more people than this share, it cannot tell people apart.
MOST_ALIKE = 0.02


def background(
    which: str, *, most: int | None = None, progress: Progress | None = None
) -> tuple[Photos, str]:
    """Other people for the gallery, and how a report describes them.

    Args:
        which: ``"people"`` (packaged, rendered), ``"lfw"`` (where scikit-learn stores it), or a
            folder that holds a folder of photographs for each person.
        most: files that are read at most, see :func:`workbench.photos.from_folder`.
        progress: called with (files done, files in all, what is being done) where there are files.

    Raises:
        FileNotFoundError, ValueError: there are none; the message says what to do.

    Example:
        >>> from workbench.audit import background
        >>> others, described = background("people")
        >>> len(others.people), described
        (100, '100 rendered people')
    """
    if which == "people":
        return gallery()
    if which == "lfw":
        return lfw(most=most, progress=progress), "Labeled Faces in the Wild"
    photos = from_folder(Path(which), min_photos=4, most=most, progress=progress)
    return photos, "a folder of your own"


def gallery() -> tuple[Photos, str]:
    """The packaged users, the first photographs of each, and how a report describes them."""
    users = people.load("users", each=EACH)
    return users, f"{len(users.people)} rendered people"


def count_rendered(photos: Photos) -> int:
    """How many photographs, from the first one on, are those of packaged users."""
    packaged = set(map(sha256_of_tensors, people.load("users").images))
    known = (sha256_of_tensors(image) in packaged for image in photos.images)
    return sum(1 for _ in itertools.takewhile(bool, known))


def also_the_owner(
    owner: Tensor, others: Photos, recogniser: Extractor, *, rendered: int = 0
) -> list[int]:
    """Who of the background is the owner of the photographs, under whatever name.

    With the owner in the gallery twice, every photograph of theirs is answered with the other name,
    cloaked or not, and nothing is learnt about a cloak. Somebody is the owner who has one of the
    same photographs, or who is on average as similar as the owner's own are to one another. Where
    that holds for many, the recogniser does not tell people apart, and nobody is.

    Args:
        owner: photographs ``(n, 3, h, w)``.
        others: the background.
        recogniser: that knows faces.
        rendered: so many of the others' photographs, from the first one on, are of packaged people,
            who are nobody else; of them only the same photograph counts.

    Returns:
        labels.
    """
    same = (thumbnails(others.images) @ thumbnails(owner).T).amax(1) >= NEAR_DUPLICATE
    found = set(others.labels[same].tolist())
    real = torch.arange(len(others)) >= rendered
    if real.any():
        embeddings = embed(recogniser, others.images[real])
        labels = others.labels[real]
        usual = F.normalize(embed(recogniser, owner).mean(0), dim=0)
        alike = {
            person
            for person in labels.unique().tolist()
            if float(F.normalize(embeddings[labels == person].mean(0), dim=0) @ usual) >= ALIKE
        }
        if len(alike) <= max(1, MOST_ALIKE * len(others.people)):
            found |= alike
    return sorted(found) if len(found) < len(others.people) else []

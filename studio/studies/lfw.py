"""Real photographs for the studies: Labeled Faces in the Wild, divided by person.

Some of the people are *public*: adaptive trainers and the detector are trained on their photographs
and on cloaked copies of them. The others are in the gallery, and some of these protect themselves.
So nobody in the test is in a training set. People have numbers instead of names.
"""

from __future__ import annotations

import functools

import torch

from poisonlib.photos import Photos
from poisonlib.trial import as_published
from workbench import photos as read

LFW = "LFW"
"""What tables call the real photographs."""
PUBLIC = 40
"""How many people are public."""
SEED = 0
"""Of the draw of the public people."""


@functools.cache
def _numbered() -> Photos:
    known = read.lfw()
    numbered = tuple(f"LFW {number:02}" for number in range(len(known.names)))
    return as_published(Photos(known.images, known.labels, numbered))


def _is_public(photos: Photos) -> torch.Tensor:
    generator = torch.Generator().manual_seed(SEED)
    people = torch.tensor(photos.people)
    drawn = people[torch.randperm(len(people), generator=generator)[:PUBLIC]]
    return torch.isin(photos.labels, drawn)


def public() -> Photos:
    """The photographs of the public people.

    Raises:
        FileNotFoundError: the photographs are not on this machine.
    """
    photos = _numbered()
    return photos.subset(_is_public(photos))


def gallery() -> Photos:
    """The photographs of everybody else, who are in the gallery.

    Raises:
        FileNotFoundError: the photographs are not on this machine.
    """
    photos = _numbered()
    return photos.subset(~_is_public(photos))

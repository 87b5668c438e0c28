"""Who and what is in the live lab: people, galleries, the tools' settings and the recorded rates.

Everything is as in the book's trials: the packaged users, split with the seed of the cloaks that
ship. A person of the lab publishes one to three photographs; everybody else is in the gallery with
:data:`EACH` of theirs; the recognisers are asked about :data:`LATER` photographs that nobody has
touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from poisonlib import cloaks, extractors, people, real_faces
from poisonlib.attacks import fawkes_v03, fawkes_v1, lowkey
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import purify
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.tools import ADAPTED, BASELINE, SURROGATES
from poisonlib.trial import choose_users, cloak_user, split

RECOGNISERS = (BASELINE, "arcface-2019", "vit-2025", ADAPTED)
"""Those that answer as soon as the page is ready."""
REAL = "dlib-2017"
"""The one that learnt from photographs of real people; it is loaded on demand."""
ANSWERING = (*RECOGNISERS, REAL)
PEOPLE = 12
PUBLISHED, LATER, EACH = 3, 6, 5
"""Photographs: published by a person of the lab at most, asked about, of everybody else."""
TEN_LINES = "Ten lines"
"""The attack of chapter 1."""
EPSILONS = {"low": 4 / 255, "mid": 8 / 255, "high": 16 / 255}
"""Its largest change of a value; the chapter's is the one in the middle."""
PURIFIERS = {
    "jpeg-75": purify.JPEG(75),
    "jpeg-30": purify.JPEG(30),
    "blur": purify.Blur(1.0),
    "resize": purify.Resize(0.5),
}
REAL_EACH = 6


@dataclass(frozen=True)
class Wearer:
    """A person of the lab: places of their photographs among the packaged users'.

    Attributes:
        label: of the person.
        published: at most so many photographs are shared, clean or cloaked.
        leaked: a clean photograph that somebody else shared.
        later: the photographs that the recognisers are asked about.
    """

    label: int
    published: tuple[int, ...]
    leaked: int
    later: tuple[int, ...]


def wearer(label: int) -> Wearer:
    """The photographs of a packaged user as the lab uses them.

    Example:
        >>> from studio.lab import contents
        >>> one = contents.wearer(0)
        >>> len(one.published), len(one.later), one.leaked in one.published
        (3, 6, False)
    """
    labels, test = users().labels, _test()
    mine = [torch.nonzero((labels == label) & part)[:, 0].tolist() for part in (~test, test)]
    published = tuple(mine[0][:PUBLISHED])
    return Wearer(label, published, mine[0][PUBLISHED], tuple(mine[1][:LATER]))


@cache
def users() -> Photos:
    """The packaged users, decoded once."""
    return people.load("users")


@cache
def public() -> Photos:
    """The packaged public people, decoded once."""
    return people.load("public")


@cache
def _test() -> Tensor:
    return split(users().labels, seed=cloaks.SEED)


def gallery() -> Tensor:
    """Places ``(100 * EACH,)`` of the photographs of everybody in the gallery, by person."""
    labels, test = users().labels, _test()
    return torch.cat(
        [torch.nonzero((labels == label) & ~test)[:EACH, 0] for label in torch.unique(labels)]
    )


@cache
def embeddings(name: str) -> Tensor:
    """Embeddings ``(n, d)`` of the packaged users' photographs that the lab needs, else zeros."""
    images = users().images
    needed = set(gallery().tolist())
    for label in users().people:
        one = wearer(label)
        needed |= {*one.published, one.leaked, *one.later}
    places = torch.tensor(sorted(needed))
    rows = embed(extractors.load(name), images[places])
    return torch.zeros(len(images), rows.shape[1]).index_copy_(0, places, rows)


def named_right(name: str, one: Wearer, published: Tensor) -> int:
    """How many later photographs get the right name, by nearest neighbour.

    Args:
        name: of the recogniser.
        one: who published.
        published: their embeddings ``(k, d)`` in the gallery.
    """
    rows, places = embeddings(name), gallery()
    others = users().labels[places] != one.label
    probes = rows[list(one.later)]
    own = (probes @ published.T).amax(dim=1)
    return int((own > (probes @ rows[places][others].T).amax(dim=1)).sum())


@cache
def wearers() -> tuple[Wearer, ...]:
    """The people of the lab: the first whom every recogniser knows while nothing is cloaked.

    Known means named on more than four fifths of the later photographs, from all that can be
    published.
    """
    known = []
    for label in users().people:
        one = wearer(label)
        rows = [embeddings(name)[list(one.published)] for name in ANSWERING]
        counts = [named_right(name, one, row) for name, row in zip(ANSWERING, rows, strict=True)]
        if min(counts) > 0.8 * LATER:
            known.append(one)
        if len(known) == PEOPLE:
            return tuple(known)
    raise ValueError(f"only {len(known)} of {PEOPLE} people are known to every recogniser")


def purified(name: str, purifier: purify.Purifier) -> Tensor:
    """The gallery's embeddings when the trainer purifies every photograph."""
    return embed(extractors.load(name), purifier(users().images[gallery()]))


def real_gallery() -> tuple[Tensor, list[int]]:
    """Embeddings ``(n, 128)`` of real people by :data:`REAL`, and who is on each photograph."""
    faces = real_faces.load()
    labels = faces.photos.labels
    places = torch.cat([torch.nonzero(labels == one)[:REAL_EACH, 0] for one in labels.unique()])
    rows = faces.extractors[REAL](faces.photos.images[places])
    return rows, torch.unique(labels[places], return_inverse=True)[1].tolist()


@cache
def targets(name: str) -> tuple[Tensor, Tensor]:
    """What Fawkes v0.3 knows of each public person ``(160, d)``, and the goals it may pull to.

    The mean over all of their photographs, from which it picks its target, and that over the first
    ten, to which it pulls.
    """
    rows = embed(extractors.load(name), public().images)
    everybody = [rows[public().labels == one] for one in public().people]
    return (
        torch.stack([own.mean(dim=0) for own in everybody]),
        torch.stack([own[:10].mean(dim=0) for own in everybody]),
    )


def tools() -> dict[str, dict[str, Any]]:
    """The tools by name, with their own settings: those of ``poisonlib.attacks``."""

    def default(attack: type, *names: str) -> dict[str, Any]:
        return {name: getattr(attack, name) for name in names}

    drawn = torch.randint(
        fawkes_v03.FawkesV03.farthest, (), generator=torch.Generator().manual_seed(cloaks.SEED)
    )
    settings = {
        "Fawkes v0.3": {
            "modes": fawkes_v03.MODES,
            **default(fawkes_v03.FawkesV03, "penalty", "farthest"),
            "drawn": int(drawn),
        },
        "Fawkes v1.0": {
            "modes": fawkes_v1.MODES,
            **default(fawkes_v1.FawkesV1, "penalty", "max_change"),
        },
        "LowKey": {
            "modes": lowkey.MODES,
            **default(
                lowkey.LowKey,
                *("step_size", "lpips_weight", "noise", "blur_size", "blur_sigma", "coordinates"),
            ),
        },
        TEN_LINES: {"modes": {key: {"epsilon": e, "steps": 20} for key, e in EPSILONS.items()}},
    }
    surrogates = {**SURROGATES, TEN_LINES: (BASELINE,)}
    return {tool: {"surrogates": surrogates[tool], **what} for tool, what in settings.items()}


def ten_lines(
    images: Tensor, extractor: Extractor, *, epsilon: float, steps: int = 20, seed: int = 0
) -> Tensor:
    """The cloak of chapter 1, ``cloak_by_hand``, rounded as a published picture is."""
    start = embed(extractor, images)
    generator = torch.Generator().manual_seed(seed)
    change = epsilon * (torch.rand(images.shape, generator=generator) - 0.5)
    for _ in range(steps):
        change.requires_grad_(True)
        moved = (extractor(images + change) - start).square().sum()
        (uphill,) = torch.autograd.grad(moved, change)
        change = change.detach() + 2.5 * epsilon / steps * uphill.sign()
        change = change.clamp(-epsilon, epsilon)
    return round_to_8_bits(images + change)


def rates() -> dict[str, dict[str, list[list[int]]]]:
    """The lab's trial over the book's twenty users: by tool and recogniser, the counts.

    For one, two and three published photographs: how many later ones are named right when they are
    clean and when they are cloaked, and of how many. The cloaks are those that ship, at full
    strength, and for the ten lines those of the chapter's strength.
    """
    photos = users()
    wearing = choose_users(photos, cloaks.USERS, seed=cloaks.SEED)
    crafted: Mapping[str, Any] = {
        tool: partial(_shipped, attack) for tool, attack in cloaks.load().items()
    } | {TEN_LINES: _by_hand}
    found: dict[str, dict[str, list[list[int]]]] = {}
    for tool, craft in crafted.items():
        images = torch.cat([craft(user) for user in wearing])
        found[tool] = {}
        for name in ANSWERING:
            rows = embed(extractors.load(name), images).split(PUBLISHED)
            found[tool][name] = [
                _counts(name, wearing, rows, published) for published in range(1, PUBLISHED + 1)
            ]
    return found


def _shipped(attack: Any, user: int) -> Tensor:
    photos = users()
    cloak = cloak_user(attack, photos, user, test=_test(), seed=cloaks.SEED)
    return cloak.images[:PUBLISHED]


def _by_hand(user: int) -> Tensor:
    images = users().images[list(wearer(user).published)]
    return ten_lines(images, extractors.load(BASELINE), epsilon=EPSILONS["mid"])


def _counts(
    name: str, wearing: Sequence[int], cloaked: Sequence[Tensor], published: int
) -> list[int]:
    clean, after = 0, 0
    for user, rows in zip(wearing, cloaked, strict=True):
        one = wearer(user)
        clean += named_right(name, one, embeddings(name)[list(one.published[:published])])
        after += named_right(name, one, rows[:published])
    return [clean, after, LATER * len(wearing)]

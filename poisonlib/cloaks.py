"""The cloaks that ship: twenty users' training photographs, cloaked by the paper's three tools.

Crafting a cloak takes most of the time of a trial. With these cloaks a trial at full strength takes
a second, so that chapters compute their numbers instead of reading them from a record. The
photographs are the packaged users' (:func:`poisonlib.people.load`), the users those that
``choose_users`` draws with seed 0, and the training photographs those of ``split`` with seed 0.
They are stored as 8-bit files hold them; ``python -m poisonlib cloaks`` recreates the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poisonlib import people
from poisonlib.attacks import Cloak, CloakCache, PrecomputedCloaks
from poisonlib.defenses import pairs
from poisonlib.photos import Photos
from poisonlib.tools import paper_tools
from poisonlib.trial import as_published, choose_users, split

PACKAGED = Path(str(resources.files("poisonlib") / "data" / "cloaks-users.zip"))
SEED = 0
"""Of the users, the split and the cloaks that ship."""
USERS = 20
"""How many users' cloaks ship."""
MEASURES = ("dssim", "lpips", "linf")


def users() -> tuple[str, ...]:
    """The names of the users whose cloaks ship.

    Example:
        >>> from poisonlib import cloaks
        >>> len(cloaks.users())
        20
    """
    photos = people.load("users")
    return tuple(photos.names[user] for user in choose_users(photos, USERS, seed=SEED))


def load() -> dict[str, PrecomputedCloaks]:
    """The paper's tools by name, with the cloaks of :func:`users` looked up instead of crafted.

    For other photographs, those of another user or another split, a tool crafts its cloak, which
    takes seconds for each photograph, and stores it in the user's cache.

    Raises:
        FileNotFoundError: the package was installed without its data.
        ValueError: the file is damaged.

    Example:
        >>> from poisonlib import cloaks, extractors, people
        >>> from poisonlib.trial import Trial
        >>> tools = cloaks.load()
        >>> trial = Trial(tools["LowKey"], extractors.load("arcface-2019"), name="LowKey")
        >>> result = trial.run(people.load("users"), users=cloaks.users()[:1], seed=cloaks.SEED)
        >>> result.table.query("condition == 'cloaked' and whose == 'user'")["error"].item() > 0.5
        True
    """
    stored = pairs.read(PACKAGED, people.load("users", only=pairs.names(PACKAGED)))
    about = pairs.about(PACKAGED)
    measures = torch.tensor(about["measures"])
    tools, start = {}, 0
    for place, (name, n) in enumerate(zip(stored.tools, stored.tool.bincount(), strict=True)):
        rows = slice(start, start := start + int(n))  # each tool's cloaks follow one another
        cloak = Cloak(
            stored.cloaked[rows],
            *measures[rows].T.contiguous(),
            steps=about["steps"][place],
            attack=about["attacks"][place],
        )
        clean = stored.photos.images[stored.source[rows]]
        tools[name] = PrecomputedCloaks(clean, cloak, otherwise=partial(_craft, name))
    return tools


def _craft(tool: str, images: Tensor, **how: Any) -> Cloak:
    """Run one of the paper's tools; the public people, whom one tool needs, are loaded only now."""
    attack = paper_tools(people.load("public"), cache=CloakCache())[tool]
    return attack(images, **how)


def write(crafted: Mapping[str, Mapping[int, Cloak]], photos: Photos, path: Path) -> None:
    """Write cloaks in the form that :func:`load` reads: whole or not at all.

    Args:
        crafted: by tool and user's label, the cloaks of the user's training photographs under
            ``split`` with :data:`SEED`.
        photos: the packaged users'.
        path: of the file.
    """
    test = split(photos.labels, seed=SEED)
    source, cloaked, tool, measures, attacks, steps = [], [], [], [], [], []
    for place, by_user in enumerate(crafted.values()):
        for user, cloak in by_user.items():
            rows = torch.nonzero((photos.labels == user) & ~test)[:, 0]
            source.append(rows)
            cloaked.append(cloak.images)
            tool.append(torch.full_like(rows, place))
            measures += torch.stack([getattr(cloak, name) for name in MEASURES], 1).tolist()
        attacks.append(cloak.attack)
        steps.append(cloak.steps)
    everything = pairs.Pairs(
        as_published(photos),
        torch.cat(source),
        torch.cat(cloaked),
        torch.cat(tool),
        tuple(crafted),
    )
    rounded = [[round(value, 6) for value in row] for row in measures]
    about = {"measures": rounded, "attacks": attacks, "steps": steps}
    pairs.write(everything, path, about=about)

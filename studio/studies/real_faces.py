"""What ships of real people: embeddings of their photographs and of cloaked copies, scores."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from poisonlib import real_faces
from poisonlib.attacks import Cloak
from poisonlib.defenses import detector
from poisonlib.extractors import Extractor, embed
from poisonlib.trial import choose_users, cloak_user, split
from studio.studies import lfw
from studio.studies.real import REAL, line_up, tools_on_both
from studio.studies.study import Run

SHIPPED = (
    "dlib-2017",
    "mobilefacenet-2019",
    "edgeface-2023",
    "adapted-dlib-2017",
    "adapted-on-photographs-dlib-2017",
    "softmax-2014",
    "arcface-2019",
    "adapted-arcface-2019",
)
"""The extractors whose embeddings ship, those of real photographs first."""


def collect(run: Run) -> real_faces.Contents:
    """Embed and score the real people and their users' cloaks.

    Args:
        run: with the number of users and the seed; cloaks that are not cached are crafted.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    gallery, public = lfw.gallery(), lfw.public()
    test = split(gallery.labels, seed=run.seed)
    users = choose_users(gallery, run.users, seed=run.seed)
    cloaks: dict[str, Cloak] = {}
    sources: dict[str, Tensor] = {}
    tools = run.tools(tools_on_both)
    for place, (tool, attack) in enumerate(tools.items()):
        crafted = []
        for turn, user in enumerate(users):
            run.progress(place * len(users) + turn, len(tools) * len(users), f"{tool}")
            crafted.append(cloak_user(attack, gallery, user, test=test, seed=run.seed))
        sources[tool] = torch.cat(
            [torch.nonzero((gallery.labels == user) & ~test)[:, 0] for user in users]
        )
        cloaks[tool] = _joined(crafted)
    everybody = [gallery.images, *(cloak.images for cloak in cloaks.values())]
    family = {name: by for name, by in line_up(run).items() if name in SHIPPED}
    judge, before = detector.load(), _before(run)
    return real_faces.Contents(
        labels=(gallery.labels, public.labels),
        cloaked={tool: (sources[tool], _measures(cloaks[tool])) for tool in cloaks},
        embeddings={
            name: _embedded(by, [*everybody, public.images] if name == REAL else everybody)
            for name, by in family.items()
        },
        scores={"clean": judge.scores(gallery.images)}
        | ({} if before is None else {real_faces.BEFORE: before.scores(gallery.images)})
        | {tool: judge.scores(cloak.images) for tool, cloak in cloaks.items()},
        cards={name: by.card for name, by in family.items()},
    )


def _before(run: Run) -> detector.Detector | None:
    """The detector as it was before it learnt from photographs, if there is one."""
    file = None if run.weights is None else run.weights / "detector.safetensors"
    return detector.read(file) if file is not None and file.is_file() else None


def _joined(crafted: list[Cloak]) -> Cloak:
    fields = ("images", "dssim", "lpips", "linf")
    parts = {name: torch.cat([getattr(one, name) for one in crafted]) for name in fields}
    return dataclasses.replace(crafted[0], **parts)


def _measures(cloak: Cloak) -> Tensor:
    return torch.stack([cloak.dssim, cloak.lpips, cloak.linf], dim=1)


def _embedded(extractor: Extractor, parts: list[Tensor]) -> Tensor:
    return torch.cat([embed(extractor, images) for images in parts])

"""The results for the paper's claims on real faces, shown next to the verdicts.

Computed from the packaged embeddings of real people (:mod:`poisonlib.real_faces`). The tools are
crafted on ``dlib-2017``, which is also the naive trainer's extractor; the adaptive trainer adapted
it on rendered people, and two later recognisers of real people are the oblivious trainer's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from poisonlib import real_faces
from poisonlib.defenses import ConfidenceThreshold, Top2, choose_threshold
from poisonlib.defenses.combined import SHARE
from poisonlib.real_faces import RealFaces
from poisonlib.recognition import NearestNeighbour
from poisonlib.statistics import Rate, wilson
from poisonlib.tools import LATER, SURROGATES
from poisonlib.trial import MakeRecogniser, Trial, grid
from studio.scoreboard.measured import NOBODY

OWN, ADAPTED = "dlib-2017", "adapted-dlib-2017"
LATER_ONES = ("mobilefacenet-2019", "edgeface-2023")


def on_real_faces(faces: RealFaces | None = None) -> Mapping[str, str]:
    """By the name of a claim, the number that it concerns on real faces, with its 95 % interval.

    For two extractors, both numbers are given. Claims about extractors without a real counterpart
    here are left out.

    Args:
        faces: the packaged ones, if not given.
    """
    faces = faces or real_faces.load()
    found = {}
    for extractor, claim in ((OWN, "naive trainer"), (ADAPTED, f"adapted-{LATER}")):
        found[f"{NOBODY}, {claim}"] = [_error(faces, None, extractor)]
        for tool in SURROGATES:
            found[f"{tool}, {claim}"] = [_error(faces, tool, extractor)]
    found[f"Fawkes v1.0, its own {LATER}"] = found["Fawkes v1.0, naive trainer"]
    for tool, word in (("Fawkes v0.3", "fails"), ("Fawkes v1.0", "fails"), ("LowKey", "works")):
        found[f"{tool} {word}"] = [_error(faces, tool, other) for other in LATER_ONES]
    flagged, clean = _flags(faces)
    found["detector, recall"] = [wilson(int(flagged.sum()), len(flagged))]
    hits = int(flagged.sum())
    found["detector, precision"] = [wilson(hits, hits + int(clean.sum()))]
    second = faces.extractors[ADAPTED]
    near = choose_threshold(faces.extractors[OWN], faces.public, false_adds=SHARE)
    for rule, made in (
        ("Top-2", Top2.over(second)),
        ("threshold", ConfidenceThreshold.over(second, threshold=near)),
    ):
        found[f"MagFace + adapted, {rule}"] = [
            _error(faces, "LowKey", OWN, recogniser=made),
        ]
    return {claim: _in_words(rates) for claim, rates in found.items()}


def _error(
    faces: RealFaces,
    tool: str | None,
    extractor: str,
    *,
    recogniser: MakeRecogniser = NearestNeighbour,
) -> Rate:
    """The error of a tool's users, or of everybody if nobody cloaks."""
    attack = faces.tools[f"{tool or 'LowKey'} on {OWN}"]
    trial = Trial(attack, faces.extractors[extractor], recogniser)
    users = faces.users if tool else faces.users[:1]
    table = grid([trial], faces.photos, users=users, seed=real_faces.SEED)
    rows = table[table["condition"] == ("cloaked" if tool else "control")]
    rows = rows[rows["whose"] == "user"] if tool else rows
    return wilson(int(rows["errors"].sum()), int(rows["n"].sum()))


def _flags(faces: RealFaces) -> tuple[Tensor, Tensor]:
    """Flags of the users' copies by all tools, and of everybody's clean photographs."""
    scores = {tool: faces.scores[tool] for tool in faces.tools}
    return torch.cat(list(scores.values())) >= 0.5, faces.scores["clean"] >= 0.5


def _in_words(rates: Sequence[Rate]) -> str:
    return "; ".join(
        f"{rate.value:.1%} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]" for rate in rates
    )

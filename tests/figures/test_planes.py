"""Planes show the user to the right and keep distances."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
import torch
from torch.nn import functional as F

from poisonlib.figures import planes


def embeddings_of_people() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Four people with five embeddings each, well apart, and probes of the first."""
    draw = torch.Generator().manual_seed(0)
    homes = torch.eye(6)[:4]
    labels = torch.arange(4).repeat_interleave(5)
    embeddings = F.normalize(homes[labels] + 0.05 * torch.randn(20, 6, generator=draw), dim=1)
    probes = F.normalize(homes[:1] + 0.05 * torch.randn(7, 6, generator=draw), dim=1)
    return embeddings, labels, probes


def test_a_plane_shows_the_user_to_the_right_and_never_stretches() -> None:
    gallery, labels, probes = embeddings_of_people()
    seen = planes.plane(
        "one", gallery=gallery, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    assert seen.right.all() and seen.title == "Misnamed: 0 of 7 clean photographs"
    assert seen.probes[:, 0].min() > seen.others[:, 0].max() + 0.5
    assert len(seen.others) == 15 and len(seen.cloaked) == 5
    in_plane, in_space = torch.pdist(seen.probes), torch.pdist(probes)
    assert (in_plane <= in_space + 1e-5).all(), "a projection shortens, or keeps"


def test_a_cloak_that_moves_the_gallery_moves_the_neighbours() -> None:
    gallery, labels, probes = embeddings_of_people()
    cloaked = gallery.clone()
    cloaked[labels == 0] = F.normalize(torch.eye(6)[5:] - 0.5 * torch.eye(6)[:1], dim=1)
    fooled = planes.plane(
        "fooled", gallery=cloaked, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    found = planes.plane(
        "found", gallery=gallery, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    assert not fooled.right.any()
    assert fooled.cloaked[:, 0].max() < fooled.probes[:, 0].min()
    fig = planes.neighbours([fooled, found])
    renamed = planes.neighbours([fooled, found], prefix="strength")
    assert renamed.layout.sliders[0].currentvalue.prefix == "strength: "
    assert isinstance(fig, go.Figure)
    assert [frame.name for frame in fig.frames] == ["fooled", "found"]
    right, wrong = fig.data[0], fig.data[1]
    assert list(right.x) == [None] and len(wrong.x) == 3 * 7
    assert fig.frames[1].layout.title.text == found.title != fooled.title
    everyone = [trace for trace in fig.data if trace.name == "other people"]
    assert len(everyone[0].x) == 15


def test_a_plane_needs_people_who_are_there() -> None:
    gallery, labels, probes = embeddings_of_people()
    place = {"gallery": gallery, "labels": labels, "probes": probes, "user": 0}
    with pytest.raises(ValueError, match="at least two other people"):
        planes.plane("few", **place, shown=[0, 1])
    with pytest.raises(ValueError, match="no photographs of \\[9\\]"):
        planes.plane("unknown", **place, shown=[1, 9])

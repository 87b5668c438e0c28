"""A user's photographs in a plane: projections keep distances, lines lead to the nearest."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
import torch
from torch.nn import functional as F

from poisonlib.figures import neighbours


def people() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Four people with five unit embeddings each, well apart, and probes of the first."""
    generator = torch.Generator().manual_seed(0)
    homes = torch.eye(6)[:4]
    labels = torch.arange(4).repeat_interleave(5)
    gallery = F.normalize(homes[labels] + 0.05 * torch.randn(20, 6, generator=generator), dim=1)
    probes = F.normalize(homes[:1] + 0.05 * torch.randn(7, 6, generator=generator), dim=1)
    return gallery, labels, probes


def clean_and_cloaked() -> tuple[neighbours.Plane, neighbours.Plane]:
    gallery, labels, probes = people()
    cloaked = gallery.clone()
    cloaked[labels == 0] = F.normalize(torch.eye(6)[5:] - 0.5 * torch.eye(6)[:1], dim=1)
    return tuple(
        neighbours.plane(shared, labels, probes, user=0, shown=[1, 2, 3])
        for shared in (gallery, cloaked)
    )


def test_a_plane_shows_the_user_to_the_right_and_never_stretches() -> None:
    clean, _ = clean_and_cloaked()
    assert clean.correct.all() and clean.title == "Misnamed: 0 of 7 clean photographs"
    assert clean.probes[:, 0].min() > clean.others[:, 0].max() + 0.5
    assert len(clean.others) == 15 and len(clean.shared) == 5
    in_plane, in_space = torch.pdist(clean.probes), torch.pdist(people()[2])
    assert (in_plane <= in_space + 1e-5).all(), "a projection shortens, or keeps"


def test_a_cloak_that_moves_the_gallery_moves_the_neighbours() -> None:
    clean, cloaked = clean_and_cloaked()
    assert cloaked.misnamed == 7
    assert cloaked.shared[:, 0].max() < cloaked.probes[:, 0].min()
    fig = neighbours.draw({"cloaked": cloaked, "clean": clean}, slider="gallery")
    assert isinstance(fig, go.Figure)
    assert fig.layout.sliders[0].currentvalue.prefix == "gallery: "
    assert [frame.name for frame in fig.frames] == ["cloaked", "clean"]
    own, other = fig.data[0], fig.data[1]
    assert list(own.x) == [None] and len(other.x) == 3 * 7
    assert fig.layout.title.text == cloaked.title
    assert fig.frames[1].layout.title.text == clean.title != cloaked.title
    assert not neighbours.draw({"one": clean}, slider="gallery").frames


def test_two_coordinates_stay_as_they_are_and_lines_lead_to_the_nearest_point() -> None:
    gallery = torch.tensor([[3.0, 0.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, 3.0]])
    labels, probes = torch.tensor([0, 1, 2, 2]), torch.tensor([[0.9, 0.5], [-0.5, 0.5]])
    plane = neighbours.plane(gallery, labels, probes, user=0, shown=[1, 2])
    assert torch.equal(plane.others, gallery[1:]) and torch.equal(plane.probes, probes)
    fig = neighbours.draw({"": plane}, slider="", names={1: "Ada", 2: "Bo"})
    lines = next(trace for trace in fig.data if trace.name == "nearest: other")
    assert list(lines.x) == pytest.approx([0.9, 1.0, None, -0.5, -1.0, None], nan_ok=True)
    names = next(trace for trace in fig.data if trace.mode == "text")
    assert [text.removeprefix("<br>") for text in names.text] == ["Ada", "Bo"]
    assert list(names.x) == [1.0, -1.0] and list(names.y) == [1.0, 1.0], "below each group"


def test_a_plane_needs_people_who_are_there() -> None:
    with pytest.raises(ValueError, match="at least two other people"):
        neighbours.plane(*people(), user=0, shown=[0, 1])
    with pytest.raises(ValueError, match="no photographs of \\[9\\]"):
        neighbours.plane(*people(), user=0, shown=[1, 2, 9])

"""Faces in figures: pixels survive, and each step says what it shows."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from poisonlib.figures import faces
from poisonlib.figures.theme import CLEAN, TARGET
from tests import toys


def pixels_of(uri: str) -> np.ndarray:
    content = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)))


def steps(n: int = 3) -> list[faces.CloakStep]:
    clean, cloaked = toys.faces(2, size=24)
    strengths = torch.linspace(0, 1, n).tolist()
    return [
        faces.CloakStep(s, faces.blend(clean, cloaked, s), own=s, other=0.5, misnamed=k, n=n)
        for k, s in enumerate(strengths)
    ]


def test_a_png_keeps_every_grey_level() -> None:
    image = toys.faces(1, size=24)[0]
    uri = faces.data_uri(image)
    assert uri.startswith("data:image/png;base64,")
    assert np.array_equal(pixels_of(uri), image.mul(255).round().byte().permute(1, 2, 0).numpy())


def test_a_picture_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="image"):
        faces.data_uri(torch.full((3, 8, 8), 1.5))


def test_a_mosaic_keeps_the_order_and_fills_with_white() -> None:
    images = toys.faces(5, size=16)
    sheet = faces.mosaic(images, columns=3)
    assert sheet.shape == (3, 32, 48)
    assert torch.equal(sheet[:, :16, 16:32], images[1])
    assert torch.equal(sheet[:, 16:, :16], images[3])
    assert bool((sheet[:, 16:, 32:] == 1).all())
    with pytest.raises(ValueError, match="columns"):
        faces.mosaic(images, columns=0)


def test_no_change_is_grey_and_a_change_is_enlarged() -> None:
    clean = torch.full((3, 4, 4), 0.5)
    assert torch.equal(faces.amplified(clean, clean, factor=10), clean)
    assert torch.allclose(faces.amplified(clean + 0.02, clean, factor=10), clean + 0.2)
    assert faces.amplified(clean + 0.2, clean, factor=10).max() == 1


def test_a_blend_begins_clean_ends_cloaked_and_is_8_bit() -> None:
    clean, cloaked = toys.faces(2)
    assert torch.equal(faces.blend(clean, cloaked, 0.0), clean)
    assert torch.allclose(faces.blend(clean, cloaked, 1.0), cloaked)
    half = faces.blend(clean, cloaked, 0.5) * 255
    assert torch.allclose(half, half.round(), atol=1e-4)


def test_the_slider_moves_photograph_perturbation_and_title() -> None:
    made = steps()
    fig = faces.cloak_slider(made, amplify=5)
    assert [frame.name for frame in fig.frames] == ["0%", "50%", "100%"]
    photograph, change = fig.frames[2].data[:2]
    assert np.array_equal(pixels_of(photograph.source), pixels_of(faces.data_uri(made[2].image)))
    enlarged = faces.amplified(made[2].image, made[0].image, factor=5)
    assert np.array_equal(pixels_of(change.source), pixels_of(faces.data_uri(enlarged)))
    assert fig.frames[2].layout.title.text == "Misnamed: 2 of 3 clean photographs"
    assert list(fig.data[4].y) == [0.5, 0.5, 0.5]


def test_one_step_needs_its_clean_photograph_and_no_slider() -> None:
    made = steps()
    fig = faces.cloak_slider([made[2]], clean=made[0].image)
    assert not fig.layout.sliders
    assert pixels_of(fig.data[1].source).std() > 0


def test_a_grid_frames_each_face_by_its_role() -> None:
    rows = [toys.faces(3, size=24), toys.faces(2, size=24, seed=1)]
    fig = faces.face_grid(rows, titles=["one", "two"], marks=[[CLEAN] * 3, [TARGET] * 2])
    assert len(fig.data) == 5
    assert [shape.line.color for shape in fig.layout.shapes] == [CLEAN.colour] * 3 + [
        TARGET.colour
    ] * 2
    assert [note.text for note in fig.layout.annotations] == ["one", "two"]
    with pytest.raises(ValueError, match="2 rows"):
        faces.face_grid(rows, titles=["one"])


def test_a_contact_sheet_shows_all_faces() -> None:
    fig = faces.contact_sheet(toys.faces(7, size=16), columns=4)
    assert pixels_of(fig.data[0].source).shape == (32, 64, 3)


def test_each_step_of_a_sheet_slider_shows_its_own_sheet() -> None:
    sheets = {"ada": toys.faces(4, size=16), "bo": toys.faces(4, size=16, seed=1)}
    fig = faces.sheet_slider(sheets, prefix="person", columns=2)
    assert [frame.name for frame in fig.frames] == ["ada", "bo"]
    assert fig.data[0].source == fig.frames[0].data[0].source != fig.frames[1].data[0].source
    exact = faces.sheet_slider(sheets, prefix="person", columns=2, kind="PNG")
    assert np.array_equal(
        pixels_of(exact.data[0].source),
        pixels_of(faces.data_uri(faces.mosaic(sheets["ada"], columns=2))),
    )

"""The cover shows a photograph and an error for each moment of the game."""

from __future__ import annotations

import pytest

from poisonlib.figures.cover import Moment, moments
from poisonlib.figures.theme import CLEAN, CLOAKED
from poisonlib.paper import Claim
from poisonlib.statistics import wilson
from tests import toys


def test_the_cover_shows_a_photograph_and_an_error_for_each_moment() -> None:
    image, few, many = toys.faces(1, size=16)[0], wilson(1, 10), wilson(9, 10)
    fig = moments(
        [
            Moment("you", "shared", image, CLEAN, few),
            Moment("you", "cloaked", image, CLOAKED, many),
            Moment("trainer", "later", image, CLOAKED, few, Claim("toy", 0.05, 0.08)),
        ]
    )
    assert len(fig.layout.images) == 3
    *framed, _ = [shape for shape in fig.layout.shapes if shape.yref == "y2"]
    assert [frame.line.color for frame in framed] == [CLEAN.colour, CLOAKED.colour]
    texts = {note.text: note.x for note in fig.layout.annotations}
    assert (texts["<b>you</b>"], texts["<b>trainer</b>"]) == (0.5, 2)
    points = [trace for trace in fig.data if trace.error_y.array is not None]
    assert [trace.text[0] for trace in points] == ["<b>10%</b>", "<b>90%</b>", "<b>10%</b>"]
    assert points[0].error_y.array[0] == pytest.approx(few.high - 0.1)
    below = [shape for shape in fig.layout.shapes if shape.layer == "below"]
    stems = [shape for shape in below if shape.type == "line"]
    assert [(stem.y1, stem.line.color) for stem in stems][:2] == [
        (0.1, CLEAN.colour),
        (0.9, CLOAKED.colour),
    ]
    (band,) = [shape for shape in below if shape.type == "rect"]
    assert (band.y0, band.y1) == pytest.approx((0.05, 0.08))

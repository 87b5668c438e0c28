"""The scoreboard's figures show every claim that has a number, ours beside the paper's."""

from __future__ import annotations

import pandas
import pytest

from poisonlib.paper import PROTECTED
from studio import scoreboard
from studio.figures import scoreboard as boards
from tests.core.test_scoreboard import world


@pytest.fixture(scope="module")
def rows():
    return scoreboard.judge(pandas.DataFrame(world(like_the_paper=True, users=6)))


def test_every_claim_is_a_line_of_the_table_with_a_link(rows):
    html = boards.board(rows).data
    assert html.count("<tr") == len(rows) + 1
    for row in rows:
        assert row.claim.name in html and row.claim.in_short in html
        assert row.ours in html.replace("\N{NO-BREAK SPACE}", " ")
        assert f'<a href="{row.claim.taught.removeprefix("book/")}.' in html


def test_every_number_stands_beside_the_papers(rows):
    fig = boards.paper_beside_ours(rows)
    numbers = [row for row in rows if row.claim.band is not None]
    paper, *ours = fig.data
    assert len(paper.x) == 3 * len(numbers)
    assert sorted(y for trace in ours for y in trace.y) == sorted(-i for i in range(len(numbers)))
    drawn = {y: x for trace in ours for x, y in zip(trace.x, trace.y, strict=True)}
    for at, row in enumerate(numbers):
        low, high = paper.x[3 * at], paper.x[3 * at + 1]
        assert low < high and low <= row.claim.band.claim.low <= row.claim.band.claim.high <= high
        assert drawn[-at] == row.parts[0].value
    texts = [note.text for note in fig.layout.annotations]
    assert all(any(row.claim.name in t and row.mark in t for t in texts) for row in numbers)


def test_each_kind_of_measurement_has_its_own_mark(rows):
    _, *ours = boards.paper_beside_ours(rows).data
    assert len({trace.marker.symbol for trace in ours}) == len(ours) == 4
    assert len({trace.marker.color for trace in ours}) == len(ours)


def test_fewer_photographs_let_more_through():
    fig = boards.what_holds(scoreboard.Band(PROTECTED), {"quick": 40, "full": 200})
    few, many = fig.data
    far = list(few.x).index(0.4)
    assert few.y[far] > many.y[far] and few.name == "quick: 40 photographs"
    assert fig.layout.width is None

"""Chapters compute what they show, and keep to a length that can be read."""

from __future__ import annotations

import re

import pytest

from tests.book import chapters as book
from tests.book.provenance_of_outputs import Output, of_chapter, outputs

TAUGHT = [each for each in book.chapters() if re.match(r"0[1-6]_", each.path.stem)]
LIVE = 0.8
"""The share of figures and tables that chapters 1 to 6 compute from photographs."""
CELLS, LINES = 28, 385
"""About 25 code cells and 350 lines of code, the setup cell left out."""
each_taught = pytest.mark.parametrize("chapter", TAUGHT, ids=lambda chapter: chapter.path.stem)


def test_chapters_compute_their_figures_and_tables() -> None:
    shown = [each for chapter in TAUGHT for each in of_chapter(chapter)]
    recorded = [each.code for each in shown if each.recorded]
    assert len(TAUGHT) == 6 and len(shown) >= 50
    assert len(recorded) <= (1 - LIVE) * len(shown), "\n".join(recorded)


@each_taught
def test_a_chapter_can_be_read_in_one_sitting(chapter: book.Chapter) -> None:
    cells = [cell for cell in chapter.code if "setup" not in cell.tags]
    lines = sum(len(cell.source.splitlines()) for cell in cells if "quiz" not in cell.tags)
    assert len(cells) <= CELLS, "move what does not serve the question to an appendix"
    assert lines <= LINES, "move what does not serve the question to an appendix"


def test_what_comes_from_a_record_is_followed() -> None:
    code = [
        "record = provenance.load('toy')\ntable = record.table\nlive = grid(cases, photos)",
        "rows = []\nfor row in table.itertuples():\n    rows.append(row)",
        "figures.show(draw(rows), name='a')\nfigures.show(draw(live), name='b')",
        "def both(frame):\n    return figures.table(frame)\nboth(live)\nboth(table)",
        "table = summarise(live)\nfigures.table(table)",
    ]
    kinds = [(each.kind, each.recorded) for each in outputs(code)]
    assert kinds == [
        ("figure", True),
        ("figure", False),
        ("table", False),
        ("table", True),
        ("table", False),
    ]
    assert isinstance(next(iter(outputs(code))), Output)

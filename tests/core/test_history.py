"""The history: dated, in order, and every entry with a source that the book lists."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from pathlib import Path

import pytest

from poisonlib.history import Event, checked, events
from tools.poisonlib_citations import ROLE, keys

BOOK = Path(__file__).resolve().parents[2] / "book"
EVENTS = events()
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.title)


def references() -> dict[str, str]:
    """The entries of the bibliography by key."""
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    entries = re.split(r"^@\w+\{", text, flags=re.MULTILINE)[1:]
    return {entry.partition(",")[0]: entry for entry in entries}


@each_event
def test_every_event_has_a_source_that_the_book_lists(event: Event) -> None:
    assert event.source in references(), "add it to book/references.bib"
    assert event.by and event.what.endswith("."), "whose word it is, and sentences"


def test_the_chapter_cites_every_source() -> None:
    (page,) = BOOK.glob("*_outlook.ipynb")
    notebook = json.loads(page.read_text(encoding="utf-8"))
    text = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    cited = {key for _, citation in ROLE.findall(text) for key in keys(citation)}
    assert {event.source for event in EVENTS} - cited == set()


def test_dates_are_in_order_and_none_is_after_the_check() -> None:
    dates = [event.date for event in EVENTS]
    assert dates == sorted(dates)
    assert dates[-1] <= checked()
    assert len({event.title for event in EVENTS}) == len(EVENTS)


def test_a_month_is_not_read_as_a_day() -> None:
    event = EVENTS[0]
    month, day = (dataclasses.replace(event, dated=d) for d in ("2026-09", "2026-09-01"))
    assert (month.day, day.day) == ("September 2026", "1 September 2026")
    assert month.date == datetime.date(2026, 9, 15) and not month.to_the_day


@pytest.mark.parametrize(
    "wrong", [{"dated": "2026-13"}, {"dated": "soon"}, {"kind": "rumour"}, {"confidence": "high"}]
)
def test_a_wrong_entry_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(EVENTS[0], **wrong)


@each_event
def test_tests_name_earlier_tools(event: Event) -> None:
    tools = {other.title: other.date for other in EVENTS if other.kind == "tool"}
    assert not event.against or event.kind == "evaluation or break"
    for title in event.against:
        assert tools[title] < event.date, f"{event.title} tests {title} before it was there"


def test_numbers_are_said_to_be_somebodys() -> None:
    """Rates measured by others are never told as if they were facts of this book."""
    for event in EVENTS:
        if event.kind != "law" and re.search(r"\d per cent", event.what):
            assert re.search(r"authors? reports?", event.what), event.title

"""The history's figure shows what had happened by each year, and no title covers another."""

from __future__ import annotations

from html import escape

import pytest

from poisonlib.figures import history
from poisonlib.history import events

EVENTS = events()


def titles(frame, *, future: bool = False) -> set[str]:
    """The titles of what had happened by then, or of what was to come."""
    _, names = frame.data
    inks = zip(names.text, names.textfont.color, strict=True)
    return {title for title, ink in inks if (ink == history.FUTURE) is future}


def test_each_frame_shows_what_had_happened_by_then() -> None:
    figure = history.timeline(EVENTS)
    years = [int(frame.name) for frame in figure.frames]
    assert years == list(range(EVENTS[0].date.year, EVENTS[-1].date.year + 1))
    for year, frame in zip(years, figure.frames, strict=True):
        expected = {event.title for event in EVENTS if event.date.year <= year}
        assert titles(frame) == expected
        assert titles(frame, future=True) == {event.title for event in EVENTS} - expected
        sizes = frame.data[0].marker.size
        assert sizes.count(max(sizes)) == sum(event.date.year == year for event in EVENTS)
    assert len(titles(figure.frames[0])) < len(titles(figure.frames[-1])) == len(EVENTS)
    assert figure.layout.sliders and figure.layout.updatemenus


def test_titles_of_one_lane_keep_apart() -> None:
    heights = history.title_heights(EVENTS)
    for kind in history.LANES:
        lane = [height for event, height in zip(EVENTS, heights, strict=True) if event.kind == kind]
        gaps = [later - earlier for earlier, later in zip(lane, lane[1:], strict=False)]
        assert min(gaps) >= history.APART - 1e-9


def test_marks_stand_at_their_dates_and_say_who_reports() -> None:
    marks, _ = history.timeline(EVENTS).frames[-1].data
    for event, height, text, symbol in zip(
        EVENTS, marks.y, marks.hovertext, marks.marker.symbol, strict=True
    ):
        assert event.title in text and event.day in text and event.by.split()[0] in text
        assert max(map(len, text.split("<br>"))) < 60, "too wide for a phone"
        day = event.date.timetuple().tm_yday
        assert height == pytest.approx(event.date.year + day / 366, abs=0.01)
        assert symbol == history.LANES[event.kind][1].symbol


def test_the_list_holds_every_event() -> None:
    html = history.listed(EVENTS).data
    assert html.count("<li>") == len(EVENTS)
    spots = [html.index(f"<b>{escape(event.title)}</b>, {event.day}") for event in EVENTS]
    assert spots == sorted(spots), "oldest first"
    assert html.count("checked with a report") == sum(e.confidence == "report" for e in EVENTS)

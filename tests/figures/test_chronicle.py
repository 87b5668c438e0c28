"""The chronicle's figure shows what had happened, and never two names in one place."""

from __future__ import annotations

from html import escape

import pytest

from poisonlib.figures import history
from poisonlib.history import EVENTS


def names(frame, *, coming: bool = False) -> list[str]:
    """The names of what had happened by then, or of what was to come."""
    drawn = [trace for trace in frame.data if trace.mode == "text"]
    return [
        name
        for trace in drawn
        if (trace.textfont.color == history.YET_TO_COME) is coming
        for name in trace.text
    ]


def test_each_frame_names_what_had_happened_by_then() -> None:
    figure = history.timeline()
    years = [int(frame.name) for frame in figure.frames]
    assert years == list(range(EVENTS[0].date.year, EVENTS[-1].date.year + 1))
    for year, frame in zip(years, figure.frames, strict=True):
        expected = {event.title for event in EVENTS if event.date.year <= year}
        assert set(names(frame)) == expected
        assert set(names(frame, coming=True)) == {event.title for event in EVENTS} - expected
        sizes = [
            size for trace in frame.data if isinstance(trace.marker.size, tuple)
            for size in trace.marker.size
        ]  # fmt: skip
        assert sizes.count(max(sizes)) == sum(event.date.year == year for event in EVENTS)
    assert len(names(figure.frames[0])) < len(names(figure.frames[-1])) == len(EVENTS)
    assert figure.layout.sliders and figure.layout.updatemenus


def test_names_of_one_lane_keep_apart() -> None:
    places = history.places(EVENTS)
    for kind in history.LANES:
        mine = [place for event, place in zip(EVENTS, places, strict=True) if event.kind == kind]
        gaps = [later - earlier for earlier, later in zip(mine, mine[1:], strict=False)]
        assert min(gaps) >= history.APART - 1e-9


def test_marks_stand_at_their_dates_and_tell_whose_word_it_is() -> None:
    last = history.timeline().frames[-1]
    told = [
        text for trace in last.data if trace.mode == "markers" for text in trace.hovertext or ()
    ]
    assert len(told) == len(EVENTS)
    for event in EVENTS:
        (text,) = (text for text in told if text.startswith(f"<b>{event.title}</b>"))
        assert event.day in text and event.by.split()[0] in text
        assert max(map(len, text.split("<br>"))) < 60, "too wide for a phone"
    laws = [trace for trace in last.data if trace.mode == "markers"][-1]
    first = next(event for event in EVENTS if event.kind == "law")
    assert laws.y[0] == pytest.approx(
        first.date.year + first.date.timetuple().tm_yday / 366, abs=0.01
    )


def test_the_list_holds_every_event() -> None:
    html = history.listed().data
    assert html.count("<li>") == len(EVENTS)
    spots = [html.index(f"<b>{escape(event.title)}</b>, {event.day}") for event in EVENTS]
    assert spots == sorted(spots), "oldest first"
    assert html.count("checked with a report") == sum(e.confidence == "report" for e in EVENTS)

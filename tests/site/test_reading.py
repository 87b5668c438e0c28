"""What a page asks of its reader: folded code and sources, its length, tables that fit."""

from __future__ import annotations

import pytest

from tests.site.conftest import CHAPTERS, look_at

pytestmark = pytest.mark.site

LENGTH = 16_500
"""Pixels that a page may be long on a laptop, with its code folded: 16,000, and some for fonts that
are wider on another machine."""

# Tables that are in view and wider than their column.
WIDE = """() => [...document.querySelectorAll('.bd-article .poisonlib-scroll')]
    .filter(box => box.scrollWidth > box.clientWidth + 1 && !box.closest('details:not([open])'))
    .map(box => box.innerText.slice(0, 60))"""
# Other tests of the same page may have left answers open.
CLOSE_QUIZZES = """() => document.querySelectorAll('.poisonlib-quiz details[open]')
    .forEach(answer => { answer.open = false; })"""
OPEN = "() => [...document.querySelectorAll('details.poisonlib-code')].map(cell => cell.open)"


@look_at(*((page, "laptop") for page in CHAPTERS))
def test_one_switch_folds_all_code_and_the_page_is_short_enough(seen) -> None:
    switch = seen.page.query_selector(".poisonlib-code-switch")
    if switch is None:
        assert not seen.page.query_selector(".bd-article .cell > .cell_input")
    else:
        assert all(seen.page.evaluate(OPEN))
        assert not seen.page.query_selector("details.poisonlib-code > summary").is_visible()
        switch.press("Enter")
        assert not any(seen.page.evaluate(OPEN))
    seen.page.evaluate(CLOSE_QUIZZES)
    try:
        assert seen.page.evaluate("document.documentElement.scrollHeight") <= LENGTH
    finally:
        if switch is not None:
            switch.press("Enter")
            seen.page.evaluate("localStorage.clear()")
            assert all(seen.page.evaluate(OPEN))


@look_at(*((page, "laptop") for page in CHAPTERS))
def test_every_table_fits_a_laptop(seen) -> None:
    assert not seen.page.evaluate(WIDE)


@look_at((CHAPTERS[1], "phone"))
def test_code_is_folded_on_a_phone_until_the_reader_asks(seen) -> None:
    switch = seen.page.query_selector(".poisonlib-code-switch")
    assert switch.inner_text() == "Show all code" and not any(seen.page.evaluate(OPEN))
    seen.page.query_selector("details.poisonlib-code > summary").press("Enter")
    assert sum(seen.page.evaluate(OPEN)) == 1, "one cell alone"
    switch.press("Enter")
    seen.page.reload()
    assert all(seen.page.evaluate(OPEN)), "the choice is remembered"
    seen.page.evaluate("localStorage.clear()")
    seen.page.reload()
    assert not any(seen.page.evaluate(OPEN))


@look_at((CHAPTERS[1], "laptop"))
def test_a_citation_opens_the_fold_of_the_sources(seen) -> None:
    sources = "document.querySelector('details.poisonlib-sources').open"
    assert not seen.page.evaluate(sources)
    seen.page.query_selector(".bd-article a[href^='#footcite']").click()
    seen.page.wait_for_function(sources)
    seen.page.evaluate("() => { history.replaceState(null, '', location.pathname); }")

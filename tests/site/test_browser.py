"""The built pages in a browser without a network: drawn, silent, and fit for a phone."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import TimeoutError

from tests.book import chapters as book

pytestmark = pytest.mark.site
PAGES = book.pages()
CHAPTERS = [chapter.page for chapter in book.chapters()]

# Console errors that are known and harmless, each with the reason why it stays. None so far.
ALLOWED_ERRORS: tuple[str, ...] = ()

SETTLING = 30_000  # milliseconds for a redraw, on a busy machine

# The drawn traces alone: the slider's own handle moves in any case.
PICTURE = """plot => [...plot.querySelectorAll('.cartesianlayer, .polarlayer, .gl-container')]
    .map(layer => layer.outerHTML).join('')"""
AT_ITS_END = "plot => plot.layout.sliders[0].active === plot.layout.sliders[0].steps.length - 1"


@pytest.mark.parametrize("page", [*PAGES, "search", "genindex"])
def test_a_page_loads_without_network_and_without_errors(visit, page: str) -> None:
    seen = visit(page)
    assert not seen.foreign
    assert not seen.missing
    assert not [error for error in seen.errors if not error.startswith(ALLOWED_ERRORS or "\0")]


@pytest.mark.parametrize("page", PAGES)
def test_all_figures_are_drawn_and_all_formulas_set(visit, page: str) -> None:
    seen = visit(page)
    undrawn = seen.page.eval_on_selector_all(
        ".plotly-graph-div", "all => all.filter(p => !p.querySelector('.main-svg')).map(p => p.id)"
    )
    unset = seen.page.eval_on_selector_all(
        ".math.notranslate",
        "all => all.filter(f => !f.querySelector('mjx-container')).map(f => f.textContent)",
    )
    wrong = seen.page.eval_on_selector_all("mjx-merror", "all => all.map(e => e.textContent)")
    assert not undrawn
    assert not unset
    assert not wrong
    assert seen.drawn


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_slider_step_changes_the_picture(visit, page: str) -> None:
    seen = visit(page)
    for plot in seen.page.query_selector_all(".plotly-graph-div:has(.slider-container)"):
        before = plot.evaluate(PICTURE)
        rail = plot.query_selector(".slider-rail-touch-rect")
        rail.scroll_into_view_if_needed()
        box = rail.bounding_box()
        seen.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
        moved = f"([plot, before]) => ({AT_ITS_END})(plot) && ({PICTURE})(plot) !== before"
        with contextlib.suppress(TimeoutError):
            seen.page.wait_for_function(moved, arg=[plot, before], timeout=SETTLING)
        name = plot.get_attribute("id")
        assert plot.evaluate(AT_ITS_END), f"{name}: the slider does not move"
        assert plot.evaluate(PICTURE) != before, f"{name}: the picture stays"


WIDER_THAN_THE_SCREEN = """() => [
    ...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []),
    ...[...document.querySelectorAll('figure.poisonlib-figure')]
        .filter(figure => figure.scrollWidth > figure.clientWidth + 1).map(figure => figure.id),
]"""


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_needs_no_sideways_scroll(visit, page: str) -> None:
    seen = visit(page)
    seen.page.set_viewport_size({"width": 375, "height": 800})
    try:
        settled = f"() => ({WIDER_THAN_THE_SCREEN})().length === 0"  # plotly redraws after a resize
        with contextlib.suppress(TimeoutError):
            seen.page.wait_for_function(settled, timeout=SETTLING)
        wide = seen.page.evaluate(WIDER_THAN_THE_SCREEN)
    finally:
        seen.page.set_viewport_size({"width": 1280, "height": 900})
    assert not wide


@pytest.mark.parametrize("page", CHAPTERS)
def test_dark_mode_leaves_pictures_as_they_are(visit, page: str) -> None:
    seen = visit(page)
    seen.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    try:
        filtered = seen.page.eval_on_selector_all(
            ".cell_output img, .cell_output image",
            "all => all.map(i => getComputedStyle(i).filter).filter(f => f !== 'none')",
        )
    finally:
        seen.page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert not filtered

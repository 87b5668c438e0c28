"""A term's definition stands beside the link: on hover, on focus, on a tap, and until Escape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.site.conftest import LOOKS

pytestmark = pytest.mark.site
PAGE = "book/01_what_poisoning_is"
LINK = "a.poisonlib-term"
CONTRAST = """tooltip => {
    const style = getComputedStyle(tooltip);
    const light = colour => {
        const parts = colour.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const [one, other] = [light(style.color), light(style.backgroundColor)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""
INSIDE = """tooltip => {
    const box = tooltip.getBoundingClientRect();
    return box.left >= 0 && box.right <= document.documentElement.clientWidth
        && box.top >= 0 && box.bottom <= window.innerHeight;
}"""


@pytest.fixture(scope="module")
def opened(open_page) -> Iterator[Page]:
    visit = open_page(PAGE, "laptop")
    yield visit.page
    visit.page.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """The page as somebody finds it who has not asked for a definition yet."""
    opened.keyboard.press("Escape")
    opened.mouse.move(1, 1)
    opened.evaluate("document.activeElement.blur()")
    return opened


def described(page: Page, number: int = 0):
    """A link to a term, and the tooltip that describes it."""
    link = page.locator(LINK).nth(number)
    return link, page.locator(f"#{link.get_attribute('aria-describedby')}")


def test_hovering_shows_the_definition_and_it_stays_under_the_pointer(page: Page) -> None:
    link, tooltip = described(page)
    expect(tooltip).to_be_hidden()
    link.hover()
    expect(tooltip).to_be_visible()
    tooltip.hover()
    page.wait_for_timeout(600)  # longer than the script waits for the pointer to come back
    expect(tooltip).to_be_visible()
    page.mouse.move(1, 1)
    expect(tooltip).to_be_hidden()


def test_escape_puts_it_away_without_moving_the_pointer(page: Page) -> None:
    link, tooltip = described(page)
    link.hover()
    expect(tooltip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tooltip).to_be_hidden()


def test_focus_by_keyboard_shows_it_until_the_focus_moves_on(page: Page) -> None:
    link, tooltip = described(page)
    page.keyboard.press("Tab")  # from here on the browser shows where the focus is
    link.focus()
    expect(tooltip).to_be_visible()
    page.keyboard.press("Tab")
    expect(tooltip).to_be_hidden()


def test_nothing_on_the_page_moves(page: Page) -> None:
    link, tooltip = described(page)
    link.scroll_into_view_if_needed()
    before = link.bounding_box(), page.evaluate("document.documentElement.scrollHeight")
    link.hover()
    expect(tooltip).to_be_visible()
    after = link.bounding_box(), page.evaluate("document.documentElement.scrollHeight")
    assert after == before


def test_on_a_phone_it_is_not_cut_off(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 720})
    try:
        for number in range(page.locator(LINK).count()):
            link, tooltip = described(page, number)
            link.hover()
            expect(tooltip).to_be_visible()
            assert tooltip.evaluate(INSIDE), tooltip.text_content()
            page.keyboard.press("Escape")
            page.mouse.move(1, 1)
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_first_tap_shows_it_and_a_second_one_goes_to_the_glossary(launch, address: str) -> None:
    browser = launch()
    try:
        context = browser.new_context(viewport={"width": 375, "height": 720}, has_touch=True)
        page = context.new_page()
        page.goto(f"{address}/{PAGE}.html", wait_until="load")
        link, tooltip = described(page)
        link.tap()
        expect(tooltip).to_be_visible()
        assert page.url.endswith(f"{PAGE}.html")
        link.tap()
        page.wait_for_url("**/glossary.html#term-*")
    finally:
        browser.close()


@pytest.mark.parametrize("look", LOOKS)
def test_it_can_be_read_in_either_mode(open_page, look: str) -> None:
    visit = open_page(PAGE, look)
    link, tooltip = described(visit.page)
    link.hover()
    expect(tooltip).to_be_visible()
    contrast = tooltip.evaluate(CONTRAST)
    visit.page.close()
    assert contrast >= 4.5

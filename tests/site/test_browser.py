"""The built pages in a browser without a network: drawn, silent, alive, and fit for a phone."""

from __future__ import annotations

import contextlib
import json

import pytest
from playwright.sync_api import TimeoutError

from poisonlib.figures import theme
from tests.site.conftest import CHAPTERS, LOOKS, PAGES, SITE, WRITTEN, look_at, where, written

pytestmark = pytest.mark.site

SETTLING = 30_000  # milliseconds for a redraw, on a busy machine

# The drawn traces alone: titles and legends may change beside them.
PICTURE = """plot => [...plot.querySelectorAll('.cartesianlayer, .polarlayer, .gl-container')]
    .map(layer => layer.outerHTML).join('')"""

# What is missing or too wide on an open page.
FAULTS = """() => ({
    undrawn: [...document.querySelectorAll('.plotly-graph-div')]
        .filter(plot => !plot.querySelector('.main-svg')).map(plot => plot.id),
    unset: [...document.querySelectorAll('.math.notranslate')]
        .filter(formula => !formula.querySelector('mjx-container')).map(f => f.textContent),
    wrong: [...document.querySelectorAll('mjx-merror')].map(formula => formula.textContent),
    wide: [
        ...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []),
        ...[...document.querySelectorAll('figure.poisonlib-figure')]
            .filter(figure => figure.scrollWidth > figure.clientWidth + 1).map(f => f.id),
    ],
})"""


def test_the_site_holds_something_of_everything(site) -> None:
    """Otherwise a test below would look for nothing."""
    found = {what for page in PAGES for what in written(page)}
    assert found == set(WRITTEN)
    assert all((SITE / f"{page}.html").is_file() for page in PAGES)


@look_at(
    *((page, look) for page in CHAPTERS for look in LOOKS),
    *((page, "phone") for page in PAGES if page not in CHAPTERS),
    slow=[(page, "laptop") for page in PAGES if page not in CHAPTERS],
)
def test_a_page_opens_whole_in_the_readers_mode_without_a_network(seen) -> None:
    assert not seen.problems
    faults = seen.page.evaluate(FAULTS)
    assert seen.drawn and not any(faults.values()), faults
    mode = seen.page.evaluate("document.documentElement.dataset.theme")
    assert mode == LOOKS[seen.look]["color_scheme"]


def figures_with(seen, controls: str) -> list[tuple[str, object, object]]:
    """The figures of a page that have such controls: name, plot and the element of the controls."""
    found = []
    for element in seen.page.query_selector_all(f".poisonlib-controls{controls}"):
        plot = element.query_selector("xpath=ancestor::figure//*[contains(@class,'plotly-graph')]")
        found.append((plot.get_attribute("id"), plot, element))
    assert found, "the page's HTML has such controls, and the open page has none"
    return found


def changes(seen, plot, before: str) -> bool:
    """Whether the picture of a plot becomes another one than before."""
    moved = f"([plot, before]) => ({PICTURE})(plot) !== before"
    with contextlib.suppress(TimeoutError):
        seen.page.wait_for_function(moved, arg=[plot, before], timeout=SETTLING)
        return True
    return False


@where("sliders", "laptop")
def test_a_slider_answers_to_the_keyboard_and_changes_the_picture(seen) -> None:
    for name, plot, controls in figures_with(seen, ".poisonlib-slider"):
        frames = json.loads(controls.get_attribute("data-frames"))
        slider, output = controls.query_selector("input"), controls.query_selector("output")
        before = plot.evaluate(PICTURE)
        slider.focus()
        for key, step in (("ArrowRight", 1), ("End", len(frames) - 1)):
            seen.page.keyboard.press(key)
            assert slider.evaluate("slider => slider.valueAsNumber") == step, f"{name}: {key}"
            assert output.inner_text() == slider.get_attribute("aria-valuetext") == frames[step]
        assert changes(seen, plot, before), f"{name}: the picture stays"


@where("players", "laptop")
def test_a_player_moves_the_slider_and_stops(seen) -> None:
    for name, plot, controls in figures_with(seen, ":has(button)"):
        slider, button = controls.query_selector("input"), controls.query_selector("button")
        slider.press("Home")
        before = plot.evaluate(PICTURE)
        button.press("Enter")
        assert button.inner_text() == "Pause"
        assert changes(seen, plot, before), f"{name}: nothing plays"
        button.press("Enter")
        assert button.inner_text() == "Play"
        assert slider.evaluate("slider => slider.valueAsNumber") > 0


@where("choosers", "laptop")
def test_each_chooser_changes_the_picture(seen) -> None:
    for name, plot, controls in figures_with(seen, ".poisonlib-choosers"):
        for menu in controls.query_selector_all("select"):
            before, first = plot.evaluate(PICTURE), menu.input_value()
            menu.focus()
            seen.page.keyboard.press("ArrowDown")
            assert menu.input_value() != first
            assert changes(seen, plot, before), f"{name}: {menu.get_attribute('id')}"


@where("photographs", "laptop")
def test_photographs_of_a_figure_are_shown_to_a_keyboard(seen) -> None:
    for name, _, controls in figures_with(seen, ".poisonlib-photograph"):
        controls.query_selector("input").focus()
        shown = []
        for _ in range(2):
            face = controls.query_selector("img.face")
            assert face.get_attribute("src").startswith("data:image/"), name
            shown.append(face.get_attribute("alt"))
            seen.page.keyboard.press("ArrowRight")
        assert len(set(shown)) == 2, f"{name}: the photograph stays"


# Pixels between the lowest thing drawn and the end of the drawing.
EMPTY_BELOW = """plot => plot.getBoundingClientRect().bottom - Math.max(
    ...[...plot.querySelectorAll('.main-svg :is(text, image, path, rect:not(.bg))')]
        .filter(part => !part.closest('defs, .draglayer, .hoverlayer'))
        .map(part => part.getBoundingClientRect())
        .filter(box => box.height).map(box => box.bottom))"""


@where("sliders", "laptop", "phone")
def test_no_empty_band_is_left_where_plotlys_slider_was(seen) -> None:
    for name, plot, _ in figures_with(seen, ".poisonlib-slider"):
        assert plot.evaluate(EMPTY_BELOW) <= 40, name


FOCUSED = "summary => summary === document.activeElement"


@where("quizzes", "laptop")
def test_a_quiz_answers_to_the_keyboard(seen) -> None:
    summaries = seen.page.query_selector_all(".poisonlib-quiz summary")
    assert summaries
    for number, summary in enumerate(summaries):
        if number == 0:
            summary.focus()
        assert summary.evaluate(FOCUSED), f"Tab does not lead to {summary.inner_text()!r}"
        feedback = summary.query_selector("xpath=following-sibling::p")
        assert not feedback.is_visible()
        seen.page.keyboard.press("Enter")
        assert feedback.is_visible(), f"Enter does not open {summary.inner_text()!r}"
        assert feedback.inner_text().startswith(("Right. ", "Not quite. "))
        seen.page.keyboard.press("Space")
        assert not feedback.is_visible(), f"Space does not close {summary.inner_text()!r}"
        seen.page.keyboard.press("Tab")


# The verdict's contrast with what is really behind it: the nearest ancestor that is not clear.
CONTRASTS = """() => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const luminance = colour => channels(colour).slice(0, 3)
        .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        const colour = getComputedStyle(element).backgroundColor;
        const clear = channels(colour)[3] === 0 && element.parentElement;
        return clear ? behind(element.parentElement) : colour;
    };
    return [...document.querySelectorAll('.poisonlib-quiz :is(summary, p, strong)')].map(e => {
        const pair = [getComputedStyle(e).color, behind(e)].map(luminance);
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""


@where("quizzes", "laptop")
def test_a_quiz_can_be_read_in_either_mode(seen) -> None:
    for mode in ("light", "dark"):
        with seen.mode(mode):
            assert min(seen.page.evaluate(CONTRASTS)) >= 4.5, mode


@where("pictures", "laptop")
def test_dark_mode_leaves_pictures_as_they_are(seen) -> None:
    with seen.mode("dark"):
        filters = seen.page.eval_on_selector_all(
            ".cell_output img, .cell_output image",
            "all => all.map(image => getComputedStyle(image).filter)",
        )
    assert set(filters) == {"none"}


# What is drawn in the ink of the other mode, or on its paper: lines, words and marks.
UNSEEN = """colours => [...document.querySelectorAll('.poisonlib-drawing .main-svg *')]
    .filter(part => !part.closest('defs') && part.getClientRects().length)
    .filter(part => part.localName === 'text' || part.matches('.bg'))
    .filter(part => colours[part.matches('.bg') ? 'paper' : 'ink'] === getComputedStyle(part).fill)
    .map(part => part.textContent || part.outerHTML)"""


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


@where("figures", "laptop")
def test_figures_are_drawn_for_the_mode(seen) -> None:
    with seen.mode("dark"):
        light = {"ink": rgb(theme.INK), "paper": rgb(theme.PAPER)}
        assert not seen.page.evaluate(UNSEEN, light)
    with seen.mode("light"):
        dark = {"ink": rgb(theme.DARK[theme.INK]), "paper": rgb(theme.DARK[theme.PAPER])}
        assert not seen.page.evaluate(UNSEEN, dark)

"""The built pages in a browser without a network: drawn, silent, alive, and fit for a phone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import TimeoutError

from poisonlib.figures import theme
from tests.site.conftest import LOOKS

pytestmark = pytest.mark.site

# Console errors that are known and harmless, each with the reason why it stays. None so far.
ALLOWED_ERRORS: tuple[str, ...] = ()

SETTLING = 30_000  # milliseconds for a redraw, on a busy machine

# The drawn traces alone: titles and legends may change beside them.
PICTURE = """plot => [...plot.querySelectorAll('.cartesianlayer, .polarlayer, .gl-container')]
    .map(layer => layer.outerHTML).join('')"""


def unexpected(seen) -> list[str]:
    return [error for error in seen.errors if not error.startswith(ALLOWED_ERRORS or "\0")]


def test_a_page_loads_without_network_and_without_errors(seen) -> None:
    assert not seen.foreign
    assert not seen.missing
    assert not unexpected(seen)


def test_a_page_opens_in_the_readers_mode(seen) -> None:
    mode = seen.page.evaluate("document.documentElement.dataset.theme")
    assert mode == LOOKS[seen.look]["color_scheme"]


def test_all_figures_are_drawn_and_all_formulas_set(seen) -> None:
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


def figures_with(seen, controls: str) -> Iterator[tuple[str, object, object]]:
    """The figures of a page that have such controls: name, plot and the element of the controls."""
    for found in seen.page.query_selector_all(f".poisonlib-controls{controls}"):
        plot = found.query_selector("xpath=ancestor::figure//*[contains(@class,'plotly-graph')]")
        yield plot.get_attribute("id"), plot, found


def changes(seen, plot, before: str) -> bool:
    """Whether the picture of a plot becomes another one than before."""
    moved = f"([plot, before]) => ({PICTURE})(plot) !== before"
    with contextlib.suppress(TimeoutError):
        seen.page.wait_for_function(moved, arg=[plot, before], timeout=SETTLING)
        return True
    return False


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


def test_each_chooser_changes_the_picture(seen) -> None:
    for name, plot, controls in figures_with(seen, ".poisonlib-choosers"):
        for menu in controls.query_selector_all("select"):
            before, first = plot.evaluate(PICTURE), menu.input_value()
            menu.focus()
            seen.page.keyboard.press("ArrowDown")
            assert menu.input_value() != first
            assert changes(seen, plot, before), f"{name}: {menu.get_attribute('id')}"


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


def test_no_empty_band_is_left_where_plotlys_slider_was(seen) -> None:
    for name, plot, _ in figures_with(seen, ".poisonlib-slider"):
        assert plot.evaluate(EMPTY_BELOW) <= 40, name


FOCUSED = "summary => summary === document.activeElement"


def test_a_quiz_answers_to_the_keyboard(seen) -> None:
    for number, summary in enumerate(seen.page.query_selector_all(".poisonlib-quiz summary")):
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


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_quiz_can_be_read_in_either_mode(seen, mode: str) -> None:
    with seen.mode(mode):
        assert min(seen.page.evaluate(CONTRASTS), default=21) >= 4.5


WIDER_THAN_THE_SCREEN = """() => [
    ...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []),
    ...[...document.querySelectorAll('figure.poisonlib-figure')]
        .filter(figure => figure.scrollWidth > figure.clientWidth + 1).map(figure => figure.id),
]"""


def test_no_page_needs_sideways_scroll(seen) -> None:
    assert not seen.page.evaluate(WIDER_THAN_THE_SCREEN)


def test_dark_mode_leaves_pictures_as_they_are(seen) -> None:
    with seen.mode("dark"):
        filtered = seen.page.eval_on_selector_all(
            ".cell_output img, .cell_output image",
            "all => all.map(i => getComputedStyle(i).filter).filter(f => f !== 'none')",
        )
    assert not filtered


# What is drawn in the ink of the other mode, or on its paper: lines, words and marks.
UNSEEN = """colours => [...document.querySelectorAll('.poisonlib-drawing .main-svg *')]
    .filter(part => !part.closest('defs') && part.getClientRects().length)
    .filter(part => part.localName === 'text' || part.matches('.bg'))
    .filter(part => colours[part.matches('.bg') ? 'paper' : 'ink'] === getComputedStyle(part).fill)
    .map(part => part.textContent || part.outerHTML)"""


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_figures_are_drawn_for_the_mode(seen) -> None:
    with seen.mode("dark"):
        light = {"ink": rgb(theme.INK), "paper": rgb(theme.PAPER)}
        assert not seen.page.evaluate(UNSEEN, light)
    with seen.mode("light"):
        dark = {"ink": rgb(theme.DARK[theme.INK]), "paper": rgb(theme.DARK[theme.PAPER])}
        assert not seen.page.evaluate(UNSEEN, dark)


def test_nothing_went_wrong_while_the_page_was_used(seen) -> None:
    """The last test of a page: all knobs were turned, and the mode was changed."""
    assert not unexpected(seen)
    assert not seen.foreign and not seen.missing

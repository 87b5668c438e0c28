"""Showing figures: one call, every place where a chapter is read."""

from __future__ import annotations

import json
import sys
import types

import plotly.graph_objects as go
import pytest

from poisonlib.figures import show, theme
from tests.book.chapters import ROOT

PLOTLY = "application/vnd.plotly.v1+json"
ALT = 'A line that rises from "0" to 1 & stays.'


@pytest.fixture
def fig() -> go.Figure:
    frames = [go.Frame(data=[go.Scatter(y=[0, top])], name=str(top)) for top in (1, 2, 3)]
    return go.Figure(data=[go.Scatter(y=[0, 1])], frames=frames)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The mime bundles that a call displays."""
    bundles: list[dict] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: bundles.append(data))
    monkeypatch.delenv("POISONLIB_SITE", raising=False)
    return bundles


def test_the_site_gets_html_alone(fig, shown, monkeypatch) -> None:
    monkeypatch.setenv("POISONLIB_SITE", "1")
    show(fig, name="rising-line", alt=ALT, caption="It rises <slowly>.")
    (bundle,) = shown
    assert set(bundle) == {"text/html"}
    html = bundle["text/html"]
    assert 'id="fig-rising-line"' in html
    assert 'aria-label="A line that rises from &quot;0&quot; to 1 &amp; stays."' in html
    assert "It rises &lt;slowly&gt;.</figcaption>" in html
    assert "Plotly.newPlot" in html and "Plotly.addFrames" in html
    assert "Plotly.animate" not in html, "it would open on its last frame"
    assert "cdn" not in html and "<script src" not in html


def test_a_notebook_gets_both_forms_and_the_caption(fig, shown) -> None:
    show(fig, name="rising-line", alt=ALT, caption="It rises.")
    both, caption = shown
    assert set(both) == {PLOTLY, "text/html"}
    assert len(both[PLOTLY]["frames"]) == 3
    assert both[PLOTLY]["config"]["displayModeBar"] is False
    json.dumps(both)
    assert "It rises." in caption["text/html"]
    assert "It rises." not in both["text/html"], "the caption would stand there twice"


def test_without_caption_there_is_one_output(fig, shown) -> None:
    show(fig, name="rising-line", alt=ALT)
    assert len(shown) == 1


def test_colab_gets_plotlys_own_form(fig, shown, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    used = []
    monkeypatch.setattr(go.Figure, "show", lambda self, renderer, config: used.append(renderer))
    show(fig, name="rising-line", alt=ALT)
    assert used == ["colab"] and shown == []


def test_the_same_figure_gives_the_same_text(fig, shown) -> None:
    show(fig, name="rising-line", alt=ALT)
    show(fig, name="rising-line", alt=ALT)
    assert shown[0] == shown[1]


def test_the_figure_is_left_alone_and_drawn_in_the_books_style(fig, shown) -> None:
    before = fig.to_json()
    show(fig, name="rising-line", alt=ALT)
    assert fig.to_json() == before
    assert shown[0][PLOTLY]["layout"]["template"]["layout"]["colorway"][0] == theme.CLEAN.colour


def test_what_the_figure_says_wins_over_the_style(fig, shown) -> None:
    fig.update_layout(height=300)
    show(fig, name="rising-line", alt=ALT)
    assert shown[0][PLOTLY]["layout"]["height"] == 300


@pytest.mark.parametrize("name", ["", "Rising", "rising_line", "rising line", "-x", "x-", "2d"])
def test_names_have_one_form(fig, shown, name) -> None:
    with pytest.raises(ValueError, match="joined by hyphens.*got"):
        show(fig, name=name, alt=ALT)
    assert shown == []


@pytest.mark.parametrize("alt", ["", "figure", "   a line          "])
def test_an_alt_text_says_something(fig, shown, alt) -> None:
    with pytest.raises(ValueError, match="alt must say"):
        show(fig, name="rising-line", alt=alt)


def test_a_fixed_width_is_refused(fig, shown) -> None:
    fig.update_layout(width=900)
    with pytest.raises(ValueError, match="leave layout.width unset, got 900"):
        show(fig, name="rising-line", alt=ALT)


def test_formulas_are_refused_and_prices_are_not(fig, shown) -> None:
    show(fig.update_layout(title="costs $5"), name="rising-line", alt=ALT)
    fig.update_layout(yaxis={"title": {"text": "error $\\epsilon$"}})
    with pytest.raises(ValueError, match="second MathJax"):
        show(fig, name="rising-line", alt=ALT)


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="plotly Figure, got dict"):
        show({"data": []}, name="rising-line", alt=ALT)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


PAPERS = {"light": theme.PAPER, "dark": theme.DARK[theme.PAPER]}


@pytest.mark.parametrize("mode", PAPERS)
@pytest.mark.parametrize("role", theme.ROLES, ids=lambda role: role.name)
def test_colours_stand_out_from_the_paper(role: theme.Role, mode: str) -> None:
    """WCAG 2.1, 1.4.11: graphics need a contrast of 3:1."""
    assert contrast(PAPERS[mode], role.colour) >= 3


@pytest.mark.parametrize(("mode", "ink"), [("light", theme.INK), ("dark", theme.DARK[theme.INK])])
def test_words_can_be_read_on_the_paper(mode: str, ink: str) -> None:
    """WCAG 2.1, 1.4.3: text needs 4.5:1."""
    assert contrast(PAPERS[mode], ink) >= 4.5


@pytest.mark.parametrize("light", theme.DARK)
@pytest.mark.parametrize("what", ["fill", "stroke"])
def test_the_page_draws_dark_what_the_theme_says(light: str, what: str) -> None:
    """Plotly writes a colour as rgb(...) into the style of what it draws."""
    written = ", ".join(str(int(light[i : i + 2], 16)) for i in (1, 3, 5))
    rules = (ROOT / "book" / "_static" / "custom.css").read_text(encoding="utf-8").split("}")
    (rule,) = [rule for rule in rules if f'[style*="{what}: rgb({written})"]' in rule]
    assert f"{what}: {theme.DARK[light]} !important;" in rule


@pytest.mark.parametrize("cue", ["name", "colour", "symbol", "dash"])
def test_every_cue_tells_the_roles_apart(cue: str) -> None:
    assert len({getattr(role, cue) for role in theme.ROLES}) == len(theme.ROLES)


def test_roles_are_keywords_for_traces() -> None:
    trace = go.Scatter(marker=theme.CLOAKED.marker, line=theme.CLOAKED.line)
    assert trace.marker.symbol == "x" and trace.line.dash == "dash"

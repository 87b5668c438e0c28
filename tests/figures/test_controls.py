"""On the page a figure's knobs are native controls, each with a frame for every position."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest

from poisonlib.figures.controls import replaced
from poisonlib.figures.frames import SLIDER_ROOM, choosers, frame_name, player, slider
from poisonlib.figures.show import to_html

ALT = "A line that rises and then stays where it is."
SHARES = ("0 %", "<50> & %", 'all "%"')
MENUS = {"Person": ["Ada", "Bo <b>"], "Tool": ["Fawkes", "LowKey", "none"]}
PIXEL = "data:image/png;base64,AAAA"


class Controls(HTMLParser):
    """Every element with its attributes, and the text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]

    def texts_of(self, tag: str) -> list[str]:
        pairs = zip(self.found, self.texts, strict=True)
        return [text for (name, _), text in pairs if name == tag]


def drawn(names: list[str] | tuple[str, ...]) -> go.Figure:
    frames = [go.Frame(data=[go.Scatter(y=[0, at])], name=name) for at, name in enumerate(names)]
    return go.Figure(frames[0].data, frames=frames).update_layout(height=500)


@pytest.fixture
def sliding() -> go.Figure:
    return drawn(SHARES).update_layout(sliders=slider(SHARES, prefix="share <of> all"))


@pytest.fixture
def choosing() -> go.Figure:
    names = [frame_name(*chosen) for chosen in itertools.product(*MENUS.values())]
    return drawn(names).update_layout(meta=choosers(MENUS))


def test_a_figure_without_knobs_stays_as_it_is() -> None:
    fig = go.Figure(go.Scatter(y=[1, 2]))
    bare, html = replaced(fig, name="plain")
    assert bare == fig and html == ""


def test_a_slider_is_a_labelled_range_over_the_frames(sliding) -> None:
    bare, html = replaced(sliding, name="toy")
    found = Controls(html)
    (given,) = found.all("input")
    assert given["type"] == "range" and (given["min"], given["max"]) == ("0", "2")
    assert given["value"] == "0" and given["aria-valuetext"] == "0 %"
    assert found.all("label")[0]["for"] == found.all("output")[0]["for"] == given["id"]
    assert found.texts_of("label") == ["share <of> all"] and found.texts_of("output") == ["0 %"]
    assert json.loads(found.all("div")[0]["data-frames"]) == list(SHARES)
    assert not found.all("button")
    assert not bare.layout.sliders and len(bare.frames) == 3


def test_a_slider_that_opens_further_on_says_so(sliding) -> None:
    sliding.layout.sliders[0].active = 2
    (given,) = Controls(replaced(sliding, name="toy")[1]).all("input")
    assert given["value"] == "2" and given["aria-valuetext"] == 'all "%"'


def test_a_player_is_one_button_with_its_pace(sliding) -> None:
    bare, html = replaced(sliding.update_layout(updatemenus=player(milliseconds=700)), name="toy")
    (button,) = Controls(html).all("button")
    assert button["type"] == "button" and button["data-milliseconds"] == "700"
    assert not bare.layout.updatemenus


def test_each_chooser_is_a_labelled_menu(choosing) -> None:
    found = Controls(replaced(choosing, name="toy")[1])
    assert [label["for"] for label in found.all("label")] == ["choose-toy-1", "choose-toy-2"]
    assert [menu["id"] for menu in found.all("select")] == ["choose-toy-1", "choose-toy-2"]
    assert found.texts_of("label") == ["Person", "Tool"]
    assert found.texts_of("option") == ["Ada", "Bo <b>", "Fawkes", "LowKey", "none"]


def test_controls_wait_for_the_figure_and_hold_no_script(sliding, choosing) -> None:
    choosing.layout.meta |= {"photographs": [PIXEL], "photograph_alts": ["Ada, clean"]}
    for fig in (sliding.update_layout(updatemenus=player()), choosing):
        html = replaced(fig, name="toy")[1]
        for tag in ("input", "select", "button"):
            assert all("disabled" in given for given in Controls(html).all(tag))
        assert "<script" not in html and not re.search(r"\son\w+=", html)


def test_the_height_that_the_slider_took_is_given_back(sliding) -> None:
    assert replaced(sliding, name="toy")[0].layout.height == 500 - SLIDER_ROOM
    above = {"yanchor": "bottom", "pad": {"b": 44}}
    sliding.update_layout(sliders=[sliding.layout.sliders[0].to_plotly_json() | above])
    bare, _ = replaced(sliding.update_layout(margin={"t": 160}), name="toy")
    assert bare.layout.margin.t == 44 and bare.layout.height == 500 - (160 - 44)


def test_the_given_figure_is_not_changed(sliding, choosing) -> None:
    for fig in (sliding, choosing):
        before = fig.to_json()
        replaced(fig, name="toy")
        assert fig.to_json() == before


def test_the_same_figure_gives_the_same_text(sliding, choosing) -> None:
    for fig in (sliding, choosing):
        first, second = (to_html(fig, name="toy", alt=ALT, caption="Look.") for _ in range(2))
        assert first == second


def test_the_controls_stand_between_the_drawing_and_its_caption(sliding) -> None:
    html = to_html(sliding, name="toy", alt=ALT, caption="Look.")
    parts = ["poisonlib-drawing", "Plotly.addFrames", "poisonlib:drawn", "<input", "<figcaption"]
    assert sorted(parts, key=html.index) == parts
    assert "slider-rail" not in html and '"sliders"' not in html


@pytest.mark.parametrize("name", ["<50> & %", "0 %"])
def test_a_slider_without_one_of_its_frames_is_refused(sliding, name: str) -> None:
    sliding.frames = [frame for frame in sliding.frames if frame.name != name]
    with pytest.raises(ValueError, match=f"expected 3, 1 are missing, the first is '{name}'"):
        to_html(sliding, name="toy", alt=ALT)


def test_a_combination_without_its_frame_is_refused(choosing) -> None:
    choosing.frames = choosing.frames[:-1]
    with pytest.raises(ValueError, match=r"expected 6, 1 are missing.*'Bo <b> \| none'.*add it"):
        to_html(choosing, name="toy", alt=ALT)


def test_knobs_that_would_fight_over_the_frames_are_refused(sliding) -> None:
    sliding.layout.meta = choosers(MENUS)
    with pytest.raises(
        ValueError, match="one slider, perhaps with a player, or choosers.*a chooser of each"
    ):
        replaced(sliding, name="toy")
    with pytest.raises(ValueError, match="one slider, perhaps with a player"):
        replaced(drawn(SHARES).update_layout(updatemenus=player()), name="toy")


@pytest.mark.parametrize(
    ("photographs", "alts", "said"),
    [
        ([PIXEL, PIXEL], ["Ada"], "2 data URIs of 2 photographs, 1 texts"),
        ([PIXEL, PIXEL], ["Ada", " "], "2 data URIs of 2 photographs, 1 texts"),
        (["https://example.org/ada.png", PIXEL], ["Ada", "Bo"], "1 data URIs of 2"),
        ([PIXEL], ["Ada"], "marks up to 1"),
    ],
)
def test_photographs_have_texts_and_marks_that_fit(photographs, alts, said) -> None:
    fig = go.Figure(go.Scatter(y=[1, 2, 3], customdata=[0, None, 1]))
    fig.layout.meta = {"photographs": photographs, "photograph_alts": alts}
    with pytest.raises(ValueError, match=said):
        replaced(fig, name="toy")


def test_photographs_can_be_reached_without_a_mouse() -> None:
    fig = go.Figure(go.Scatter(y=[1, 2], customdata=[0, 1]))
    fig.layout.meta = {"photographs": [PIXEL] * 2, "photograph_alts": ["Ada", "Bo"]}
    found = Controls(replaced(fig, name="toy")[1])
    assert found.all("input")[0]["id"] == found.all("label")[0]["for"] == "photograph-toy"
    assert "point at its mark" in "".join(found.texts)

"""Live twins: there in a notebook, absent on the site, and found out when they fail."""

from __future__ import annotations

import ipywidgets
import plotly.graph_objects as go
import pytest

from poisonlib import widgets
from poisonlib.figures import theme


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list:
    displayed: list = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    monkeypatch.delenv("POISONLIB_SITE", raising=False)
    return displayed


def test_a_notebook_shows_the_control_and_calls_at_once(shown) -> None:
    calls = []
    widgets.live(lambda strength: calls.append(strength), strength=(0.0, 1.0, 0.25))
    (box,) = shown
    assert isinstance(box, ipywidgets.interactive)
    assert calls == [0.5]
    slider = box.children[0]
    assert slider.continuous_update is False
    slider.value = 0.75
    assert calls == [0.5, 0.75]


def test_a_figure_is_drawn_in_the_books_style(shown) -> None:
    widgets.live(lambda top: go.Figure(go.Scatter(y=[0, top])), top=(0, 4))
    (box,) = shown
    assert box.result.data[0].y == (0, 2)
    assert box.result.layout.template.layout.colorway[0] == theme.CLEAN.colour


def test_the_site_calls_once_and_shows_nothing(shown, monkeypatch) -> None:
    monkeypatch.setenv("POISONLIB_SITE", "1")
    calls = []
    widgets.live(lambda strength: calls.append(strength), strength=(0.0, 1.0))
    assert shown == [] and calls == [0.5]


def test_a_failing_function_fails_the_cell(shown, caplog) -> None:
    def draw(strength: float) -> None:
        raise RuntimeError("no such cloak")

    with pytest.raises(RuntimeError, match="no such cloak"):
        widgets.live(draw, strength=(0.0, 1.0))
    assert shown == []


def test_a_wrong_control_fails_the_cell(shown, caplog) -> None:
    with pytest.raises(TypeError, match="strenght"):
        widgets.live(lambda strength: None, strenght=(0.0, 1.0))


def test_without_controls_there_is_nothing_to_turn(shown) -> None:
    with pytest.raises(ValueError, match="at least one control"):
        widgets.live(lambda: None)

"""A figure's controls on the static page: native ones, for keyboard, touch and screen readers.

Plotly draws its slider and buttons as shapes that only a mouse can use. On the page they are
replaced by the browser's own, which ``book/_static/figures.js`` connects with the frames.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from poisonlib.figures.frames import SLIDER_ROOM, frame_name

if TYPE_CHECKING:
    import plotly.graph_objects as go

PHOTOGRAPH = (
    '<div class="poisonlib-controls poisonlib-photograph"><div class="poisonlib-shown">'
    "<p>To see a photograph, point at its mark, tap it, or move this slider.</p></div>"
    '<label for="photograph-{name}">Photograph</label>'
    '<input type="range" id="photograph-{name}" min="0" max="0" value="0" '
    'autocomplete="off" disabled></div>'
)


def replaced(fig: go.Figure, *, name: str) -> tuple[go.Figure, str]:
    """A figure without plotly's own controls, and the HTML of native ones that take their place.

    The plot keeps its size: the figure's height shrinks by that of its slider.

    Args:
        fig: with the slider and player of :mod:`poisonlib.figures.frames`, or with its choosers in
            ``layout.meta``, or with none of them. ``layout.meta["photographs"]``, data URIs, are
            shown where a mark is pointed at whose ``customdata`` is the photograph's place in the
            list; ``layout.meta["photograph_alts"]`` describes each of them in words.
        name: of the figure, which makes the controls' ids.

    Raises:
        ValueError: a control without its frame, several sliders, a slider together with choosers,
            or photographs that do not match their texts or marks.
    """
    import plotly.graph_objects as go

    meta = fig.layout.meta if isinstance(fig.layout.meta, dict) else {}
    _check(fig, meta)
    parts = [_choosers(meta["choosers"], name=name)] if "choosers" in meta else []
    bare = go.Figure(fig)
    if fig.layout.sliders:
        parts.append(_slider(fig, name=name))
        bare.layout.sliders = bare.layout.updatemenus = None
        control, height, top = fig.layout.sliders[0], fig.layout.height, fig.layout.margin.t
        if control.yanchor == "bottom":
            bare.layout.margin.t = control.pad.b
            bare.layout.height = height - (top - control.pad.b)
        elif height is not None:
            bare.layout.height = height - SLIDER_ROOM
    if "photographs" in meta:
        parts.append(PHOTOGRAPH.format(name=name))
    return bare, "".join(parts)


def _slider(fig: go.Figure, *, name: str) -> str:
    (control,) = fig.layout.sliders
    steps = [step.label for step in control.steps]
    active = control.active or 0
    now, about = escape(steps[active]), escape(control.currentvalue.prefix.strip().rstrip(":"))
    frames, button = escape(json.dumps(steps, ensure_ascii=False), quote=True), ""
    if fig.layout.updatemenus:
        milliseconds = fig.layout.updatemenus[0].buttons[0].args[1]["frame"]["duration"]
        button = f'<button type="button" data-milliseconds="{milliseconds}" disabled>Play</button>'
    return (
        f'<div class="poisonlib-controls poisonlib-slider" data-frames="{frames}">'
        f'<label for="slider-{name}">{about}</label>'
        # a screen reader hears the new value from the slider itself, not twice
        f'<output for="slider-{name}" aria-live="off">{now}</output>{button}'
        f'<input type="range" id="slider-{name}" min="0" max="{len(steps) - 1}" value="{active}" '
        f'aria-valuetext="{now}" autocomplete="off" disabled></div>'
    )


def _choosers(choosers: Sequence[Mapping[str, Any]], *, name: str) -> str:
    menus = []
    for number, chooser in enumerate(choosers, start=1):
        options = "".join(f"<option>{escape(option)}</option>" for option in chooser["options"])
        menus.append(
            f'<div><label for="choose-{name}-{number}">{escape(chooser["label"])}</label>'
            f'<select id="choose-{name}-{number}" autocomplete="off" disabled>{options}</select>'
            "</div>"
        )
    return f'<div class="poisonlib-controls poisonlib-choosers">{"".join(menus)}</div>'


def _check(fig: go.Figure, meta: Mapping[str, Any]) -> None:
    sliders, choosers = fig.layout.sliders, meta.get("choosers")
    if len(sliders) > 1 or (sliders and choosers) or (fig.layout.updatemenus and not sliders):
        raise ValueError(
            "a figure has one slider, perhaps with a player, or choosers: a frame cannot follow "
            "two controls; make a chooser of each with figures.frames.choosers"
        )
    wanted = [step.label for control in sliders for step in control.steps]
    if choosers:
        offered = itertools.product(*(chooser["options"] for chooser in choosers))
        wanted = [frame_name(*chosen) for chosen in offered]
    missing = [frame for frame in wanted if frame not in {drawn.name for drawn in fig.frames}]
    if missing:
        raise ValueError(
            f"each position of a control needs the frame of its name: expected {len(wanted)}, "
            f"{len(missing)} are missing, the first is {missing[0]!r}; add it to fig.frames"
        )
    photographs, alts = meta.get("photographs", []), meta.get("photograph_alts", [])
    described = sum(bool(alt.strip()) for alt in alts)
    marks = (fig.data, *(frame.data for frame in fig.frames))
    numbers = {
        number
        for trace in itertools.chain(*marks)
        if photographs and trace.customdata is not None
        for number in trace.customdata
        if isinstance(number, int)
    }
    embedded = sum(uri.startswith("data:image/") for uri in photographs)
    count = len(photographs)
    if not embedded == count == len(alts) == described or numbers - set(range(count)):
        raise ValueError(
            "photographs are data URIs (figures.faces.data_uri), each with a text for readers who "
            f"cannot see it, and marks count them from 0: got {embedded} data URIs of {count} "
            f"photographs, {described} texts and marks up to {max(numbers, default=0)}"
        )

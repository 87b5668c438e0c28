"""A figure's knobs on the static page: native controls, for keyboard, touch and screen reader.

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

HOW_TO_SEE = "To see a photograph, point at its mark, tap it, or move this slider."


def replaced(fig: go.Figure, *, name: str) -> tuple[go.Figure, str]:
    """A figure without plotly's own controls, and the HTML of native ones that take their place.

    What is drawn keeps its size: the figure gets lower by what its slider took.

    Args:
        fig: with the slider and player of :mod:`poisonlib.figures.frames`, or with its choosers in
            ``layout.meta``, or with none of them. ``layout.meta["photographs"]``, data URIs, are
            shown where a mark is pointed at whose ``customdata`` is the photograph's place in the
            list; ``layout.meta["photograph_alts"]`` says in words what each of them shows.
        name: of the figure, which makes the controls' ids.

    Raises:
        ValueError: a control without its frame, a player without its slider, several sliders, a
            slider beside choosers, or photographs that do not fit their texts or marks.
    """
    import plotly.graph_objects as go

    meta = fig.layout.meta if isinstance(fig.layout.meta, dict) else {}
    _check(fig, meta)
    parts = [_choosers(meta["choosers"], name=name)] if "choosers" in meta else []
    bare = go.Figure(fig)
    if fig.layout.sliders:
        parts.append(_slider(fig, name=name))
        bare.layout.sliders = bare.layout.updatemenus = None
        _give_room_back(bare, fig.layout.sliders[0])
    if "photographs" in meta:
        parts.append(_photograph(name=name))
    return bare, "".join(parts)


def _slider(fig: go.Figure, *, name: str) -> str:
    (control,) = fig.layout.sliders
    steps = [step.label for step in control.steps]
    active = control.active or 0
    now, about = escape(steps[active]), escape(control.currentvalue.prefix.strip().rstrip(":"))
    return (
        f'<div class="poisonlib-controls poisonlib-slider" data-frames="{_data(steps)}">'
        f'<label for="slider-{name}">{about}</label>'
        # the slider itself says its new value: the output would say it again
        f'<output for="slider-{name}" aria-live="off">{now}</output>'
        f"{_player(fig)}"
        f'<input type="range" id="slider-{name}" min="0" max="{len(steps) - 1}" value="{active}" '
        f'aria-valuetext="{now}" autocomplete="off" disabled></div>'
    )


def _player(fig: go.Figure) -> str:
    if not fig.layout.updatemenus:
        return ""
    milliseconds = fig.layout.updatemenus[0].buttons[0].args[1]["frame"]["duration"]
    return f'<button type="button" data-milliseconds="{milliseconds}" disabled>Play</button>'


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


def _photograph(*, name: str) -> str:
    return (
        '<div class="poisonlib-controls poisonlib-photograph">'
        f'<div class="poisonlib-shown"><p>{HOW_TO_SEE}</p></div>'
        f'<label for="photograph-{name}">Photograph</label>'
        f'<input type="range" id="photograph-{name}" min="0" max="0" value="0" '
        'autocomplete="off" disabled></div>'
    )


def _data(value: object) -> str:
    return escape(json.dumps(value, ensure_ascii=False), quote=True)


def _give_room_back(fig: go.Figure, control: go.layout.Slider) -> None:
    """Take off the figure's height what a slider took of it, above the plot or below."""
    height, top = fig.layout.height, fig.layout.margin.t
    if control.yanchor == "bottom":
        fig.layout.margin.t = control.pad.b
        fig.layout.height = height - (top - control.pad.b)
    elif height is not None:
        fig.layout.height = height - SLIDER_ROOM


def _check(fig: go.Figure, meta: Mapping[str, Any]) -> None:
    sliders, choosers = fig.layout.sliders, meta.get("choosers")
    if fig.layout.updatemenus and not sliders:
        raise ValueError("a player needs the slider that it moves: set layout.sliders as well")
    if len(sliders) > 1 or (sliders and choosers):
        raise ValueError(
            "a figure has one slider, or choosers: a frame cannot follow two knobs; "
            "make a chooser of each with figures.frames.choosers"
        )
    wanted = [step.label for control in sliders for step in control.steps]
    if choosers:
        offered = [chooser["options"] for chooser in choosers]
        wanted = [frame_name(*chosen) for chosen in itertools.product(*offered)]
    missing = [frame for frame in wanted if frame not in {drawn.name for drawn in fig.frames}]
    if missing:
        raise ValueError(
            f"each position of a control needs the frame of its name: expected {len(wanted)}, "
            f"{len(missing)} are missing, the first is {missing[0]!r}; add it to fig.frames"
        )
    _check_photographs(fig, meta)


def _check_photographs(fig: go.Figure, meta: Mapping[str, Any]) -> None:
    photographs, alts = meta.get("photographs", []), meta.get("photograph_alts", [])
    if len(photographs) != len(alts) or not all(alt.strip() for alt in alts):
        raise ValueError(
            f"each photograph needs a text for who cannot see it: got {len(photographs)} "
            f"photographs and {sum(bool(alt.strip()) for alt in alts)} texts"
        )
    foreign = [uri for uri in photographs if not uri.startswith("data:image/")]
    if foreign:
        raise ValueError(
            "photographs travel with the page: expected data URIs (figures.faces.data_uri), "
            f"got {foreign[0][:40]!r}"
        )
    if not photographs:
        return
    traces = [*fig.data, *(trace for frame in fig.frames for trace in frame.data)]
    given = (number for trace in traces if trace.customdata is not None
             for number in trace.customdata)  # fmt: skip
    wrong = [n for n in given if isinstance(n, int) and not 0 <= n < len(photographs)]
    if wrong:
        raise ValueError(
            f"customdata counts photographs from 0: expected at most {len(photographs) - 1}, "
            f"got {wrong[0]}"
        )

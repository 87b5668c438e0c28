"""The explorable map: a frame for each choice, and the photograph of every mark."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from poisonlib.figures import embedding_map
from poisonlib.figures.faces import data_uri
from poisonlib.figures.projection import NO_CLOAK, Scenario, Space
from poisonlib.figures.show import to_html
from tests.core.conftest import Negative, toy_extractor, toy_photos

USERS = [1, 3]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    tools = {"Negative": Negative(), "Nothing": Negative(strength=0.0)}
    return Scenario.of(toy_photos(), tools, users=USERS, each=4, seed=0)


@pytest.fixture(scope="module")
def spaces(scenario) -> list[Space]:
    return [
        replace(Space.of(toy_extractor(size=size), scenario, seed=0), name=f"toy-{2000 + size}")
        for size in (4, 8)
    ]


@pytest.fixture(scope="module")
def figure(spaces):
    return embedding_map.explorable(spaces)


def named(traces, name: str):
    (trace,) = (trace for trace in traces if trace.name == name)
    return trace


def test_every_choice_has_a_frame_and_the_first_is_open(figure, scenario):
    menus = [menu["options"] for menu in figure.layout.meta["choosers"]]
    assert [menu["label"] for menu in figure.layout.meta["choosers"]] == [
        "Person", "Tool", "Extractor",
    ]  # fmt: skip
    assert menus[0] == [scenario.photos.names[user] for user in USERS] and menus[1][0] == NO_CLOAK
    names = [" | ".join(chosen) for chosen in itertools.product(*menus)]
    assert [frame.name for frame in figure.frames] == names
    assert figure.data == figure.frames[0].data
    assert to_html(figure, name="map", alt="A map of photographs.").count("<select") == 3


def test_a_cloak_is_drawn_where_it_is_and_new_photographs_stay(figure, spaces, scenario):
    frames = {frame.name: frame for frame in figure.frames}
    person, space = scenario.photos.names[1], spaces[1]
    bare = frames[f"{person} | {NO_CLOAK} | {space.name}"]
    worn = frames[f"{person} | Negative | {space.name}"]
    assert named(bare.data, "new").x == named(worn.data, "new").x
    assert named(bare.data, "shared, as taken").x == named(worn.data, "shared, as taken").x
    assert named(bare.data, "shared, cloaked").x == (None,)
    view = space.view(1, "Negative")
    drawn = named(worn.data, "shared, cloaked")
    assert drawn.y == pytest.approx(view.shared[:, 1].tolist(), abs=1e-3)
    lines = named(worn.data, "nearest: somebody else")
    assert lines.x[0] == pytest.approx(float(view.probes[0, 0]), abs=1e-3)
    assert lines.x[1] == pytest.approx(float(view.neighbours[0, 0]), abs=1e-3)
    assert f"{view.misnamed} of {len(view.probes)}" in worn.layout.title.text


def numbered(person: str, kind: str, count: int, what: str) -> list[str]:
    return [f"{person}, {kind} photograph {number}, {what}" for number in range(1, count + 1)]


def test_each_mark_shows_its_own_photograph(figure, scenario):
    texts, pictures = (figure.layout.meta[key] for key in ("photograph_alts", "photographs"))
    light, full = embedding_map.LIGHT, embedding_map.FULL
    someone = scenario.photos.labels.tolist().index(0)
    assert pictures[someone] == data_uri(
        scenario.photos.images[someone], kind="WEBP", quality=light
    )
    assert pictures[-1] == data_uri(scenario.cloaks[3, "Nothing"][-1], kind="WEBP", quality=full)
    assert len(texts) == len(pictures) == 5 * 4 + 2 * 3 + 2 * 2 * 4
    for frame in figure.frames:
        person, tool, _ = frame.name.split(" | ")
        for trace in frame.data:
            if trace.customdata is None or trace.customdata == (None,):
                continue
            assert len(trace.customdata) == len(trace.x)
            said = [texts[number] for number in trace.customdata]
            if trace.name == "new":
                assert said == numbered(person, "new", len(said), "as taken")
            elif trace.name == "shared, cloaked":
                assert said == numbered(person, "shared", len(said), f"cloaked by {tool}")
            elif trace.name == "shared, as taken":
                assert said == numbered(person, "shared", len(said), "as taken")
            else:
                assert not any(text.startswith(f"{person},") for text in said)
                assert all(text.endswith(", as taken") for text in said)
    photos = scenario.photos
    firsts = [row for row, label in enumerate(photos.labels.tolist()) if label in USERS]
    own = {n for t in figure.data if t.name == "shared, as taken" for n in t.customdata}
    assert own <= set(firsts)


def test_the_users_own_marks_come_first_and_lie_on_top(figure):
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.name for trace in marks][0] == "new" and marks[-1].name == "other people's"
    assert [trace.zorder for trace in marks] == sorted(
        (trace.zorder for trace in marks), reverse=True
    )


def test_a_still_is_a_frame_of_the_explorable_map(figure, spaces):
    still = embedding_map.still(spaces[1], user="toy 3", tool="Negative")
    frame = next(f for f in figure.frames if f.name == f"toy 3 | Negative | {spaces[1].name}")
    assert still.data == frame.data and still.layout.title.text == frame.layout.title.text
    assert not still.frames and still.layout.meta is None

"""The knobs over precomputed frames."""

from __future__ import annotations

import pytest

from poisonlib.figures.frames import choosers, frame_name, player, slider


def test_each_step_shows_the_frame_of_its_name() -> None:
    (made,) = slider(["0%", "50%", "100%"], prefix="strength")
    assert [step["args"][0] for step in made["steps"]] == [["0%"], ["50%"], ["100%"]]
    assert made["active"] == 0
    assert made["currentvalue"]["prefix"] == "strength: "


@pytest.mark.parametrize("names", [[], ["one"], ["same", "same"]])
def test_steps_that_say_nothing_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="two or more different steps"):
        slider(names, prefix="strength")


def test_choosers_are_menus_and_a_frame_is_named_by_what_they_show() -> None:
    made = choosers({"Person": ("Ada", "Bo"), "Tool": ["Fawkes", "LowKey"]})
    assert made == {
        "choosers": [
            {"label": "Person", "options": ["Ada", "Bo"]},
            {"label": "Tool", "options": ["Fawkes", "LowKey"]},
        ]
    }
    assert frame_name("Ada", "LowKey") == "Ada | LowKey"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "a menu or more"),
        ({" ": ["a", "b"]}, "each with a label"),
        ({"Tool": ["a"]}, "'Tool' needs two or more different options .* got .'a'."),
        ({"Tool": ["a", "a"]}, "two or more different options"),
        ({"Tool": ["a", "b | c"]}, "without ' | '"),
    ],
)
def test_menus_that_name_no_frame_are_refused(options, said) -> None:
    with pytest.raises(ValueError, match=said):
        choosers(options)


def test_a_slider_leaves_the_room_that_it_is_told() -> None:
    (made,) = slider(["a", "b"], prefix="p", below=90)
    assert made["pad"]["t"] == 90


def test_a_player_plays_on_from_where_it_stands_and_stops() -> None:
    play, stop = player(milliseconds=700)[0]["buttons"]
    assert (play["label"], stop["label"]) == ("Play", "Pause")
    assert play["args"][0] is None and play["args"][1]["fromcurrent"]
    assert play["args"][1]["frame"]["duration"] == 700
    with pytest.raises(ValueError, match="positive"):
        player(milliseconds=0)

"""The slider over precomputed frames."""

from __future__ import annotations

import pytest

from poisonlib.figures.frames import slider


def test_each_step_shows_the_frame_of_its_name() -> None:
    (made,) = slider(["0%", "50%", "100%"], prefix="strength")
    assert [step["args"][0] for step in made["steps"]] == [["0%"], ["50%"], ["100%"]]
    assert made["active"] == 0
    assert made["currentvalue"]["prefix"] == "strength: "


@pytest.mark.parametrize("names", [[], ["one"], ["same", "same"]])
def test_steps_that_say_nothing_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="two or more different steps"):
        slider(names, prefix="strength")

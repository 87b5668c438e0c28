"""Shares of attributes, and distances of photographs."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from poisonlib.figures import balance
from poisonlib.figures.theme import CLEAN, TARGET

USERS = pandas.DataFrame({"age": ["young", "young", "old"], "hair_style": ["bob"] * 3})
PUBLIC = pandas.DataFrame({"age": ["old", "middle"], "hair_style": ["bob", "long"]})


def figure():
    groups = {"users": USERS, "public": PUBLIC}
    return balance.shares(groups, ["age", "hair_style"], roles=[CLEAN, TARGET])


def test_shares_of_each_group_add_up_to_one() -> None:
    for frame in figure().frames:
        for bars in frame.data:
            assert sum(bars.x) == pytest.approx(1)


def test_a_value_that_one_group_lacks_has_share_nought() -> None:
    users, public = figure().frames[0].data
    assert dict(zip(users.customdata, users.x, strict=True))["middle"] == 0
    assert dict(zip(public.customdata, public.x, strict=True))["middle"] == pytest.approx(0.5)


def test_the_axis_names_the_values_of_each_frame() -> None:
    fig = figure()
    assert set(fig.layout.yaxis.ticktext) == {"young", "middle", "old"}
    assert list(fig.frames[1].layout.yaxis.ticktext) == ["bob", "long"]


def test_the_slider_names_the_attributes() -> None:
    assert [step.label for step in figure().layout.sliders[0].steps] == ["age", "hair style"]


def test_distances_are_shares_of_pairs() -> None:
    fig = balance.distances(np.array([0.1, 0.1, 0.5]), np.array([1.4] * 4), bins=20)
    same, different = fig.data
    assert sum(same.y) == pytest.approx(1)
    assert max(different.y) == pytest.approx(1)
    assert different.x[int(np.argmax(different.y))] == pytest.approx(1.4, abs=0.1)

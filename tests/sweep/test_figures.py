"""The bars of a sweep's hours are those of the cost model, in every frame."""

from __future__ import annotations

import pytest

from workbench.sweep import Cost, hours_by_workers

COST = Cost(36_000.0, 720.0, 3600.0)


def test_a_bar_is_what_the_cost_model_says() -> None:
    figure = hours_by_workers(COST, workers=(1, 4), faster=(1, 10), efficiency=0.5)
    assert [frame.name for frame in figure.frames] == ["1", "10"]
    for frame, speed in zip(figure.frames, (1, 10), strict=True):
        for place, count in enumerate((1, 4)):
            total = sum(bars.y[place] for bars in frame.data)
            wall = COST.wall(count, efficiency=0.5, faster=speed)
            assert total == pytest.approx(wall / 3600)


def test_a_faster_network_does_not_look_up_faster() -> None:
    slow, fast = hours_by_workers(COST, faster=(1, 100)).frames
    assert slow.data[2].y == fast.data[2].y
    assert slow.data[0].y[0] == pytest.approx(100 * fast.data[0].y[0])


def test_parts_differ_by_more_than_colour() -> None:
    figure = hours_by_workers(COST)
    patterns = [bars.marker.pattern.shape for bars in figure.data]
    assert len(set(patterns)) == len(patterns) == 3

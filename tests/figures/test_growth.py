"""The film of a gallery that grows shows the rows it was given, no further than its round."""

from __future__ import annotations

import pandas
import pytest
import torch

from poisonlib.figures import growth


@pytest.fixture
def table() -> pandas.DataFrame:
    rows = []
    for extractor in ("softmax-2014", "magface-2021"):
        for attack, leaked in (("no cloak", 0), ("LowKey", 0), ("LowKey", 1)):
            bare = attack == "no cloak"
            for number in range(4):
                error = 0.1 if bare else 1 - (0.2 + leaked * 0.1) * number
                rows.append(
                    {"attack": attack, "extractor": extractor, "leaked": leaked, "round": number}
                    | {"condition": "control" if bare else "cloaked", "whose": "user"}
                    | {"false_adds": 0.1}
                    | {"error": error, "low": error - 0.05, "high": error + 0.05, "n": 140}
                    | {"users": 20, "own": 5 * number, "lost": number, "taken": 0}
                    | {"others_right": 100 * number, "others_wrong": 6 * number}
                )
    return pandas.DataFrame(rows)


def test_each_frame_shows_the_rounds_so_far(table: pandas.DataFrame) -> None:
    figure = growth.error_by_round(table)
    assert [frame.name for frame in figure.frames] == ["0", "1", "2", "3"]
    assert len(figure.data) == 2 * 2 * 2, "two curves in each of four panels"
    for number, frame in enumerate(figure.frames):
        assert all(list(curve.x) == list(range(number + 1)) for curve in frame.data)
    curve = figure.frames[2].data[1]
    assert curve.y[-1] == pytest.approx(0.6) and curve.name == "LowKey"
    assert list(curve.error_y.array) == pytest.approx([0, 0, 0.05]), "interval of the last one"
    leaked = figure.frames[2].data[3]
    assert leaked.y[-1] == pytest.approx(0.4) and leaked.xaxis == "x2"
    assert figure.layout.sliders and figure.layout.updatemenus
    with pytest.raises(ValueError, match="one threshold"):
        growth.error_by_round(pandas.concat([table, table.assign(false_adds=0.01)]))


def test_outcomes_compare_the_last_round_with_the_first(table: pandas.DataFrame) -> None:
    ends = growth.outcomes(table, distractors=10)
    row = ends[(ends["attack"] == "LowKey") & (ends["leaked"] == 1)].iloc[0]
    assert row["before"] == 1 and row["error"] == pytest.approx(0.1) and row["heals"]
    assert row["kept"] == 15 / 60 and row["lost"] == 3 / 60 and row["polluted"] == 18 / 600
    bare = ends[ends["attack"] == "no cloak"].iloc[0]
    assert not bare["heals"]


def test_the_map_lights_up_what_was_kept() -> None:
    frames = [growth.Frame(torch.zeros(k, 2), 7 - k, 7) for k in range(3)]
    figure = growth.gallery_map(torch.ones(2, 2), -torch.ones(5, 2), torch.zeros(3, 2), frames)
    assert [len(frame.data[0].x) for frame in figure.frames[1:]] == [1, 2]
    assert figure.frames[0].data[0].x == (None,)
    assert figure.frames[2].layout.title.text == "Misnamed: 5 of 7"
    assert all(frame.traces == (3,) for frame in figure.frames)


def test_the_plane_holds_what_varies_most() -> None:
    generator = torch.Generator().manual_seed(0)
    flat = torch.randn(50, 2, generator=generator) @ torch.eye(6)[[1, 4]] * 3
    directions = growth.plane(flat + 0.01 * torch.randn(50, 6, generator=generator))
    assert directions.shape == (6, 2)
    assert directions[[1, 4]].square().sum() == pytest.approx(2, abs=0.01)

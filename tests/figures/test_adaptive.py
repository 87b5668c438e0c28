"""The adaptive chapter's figures show what the tables say, and planes keep distances."""

from __future__ import annotations

import pandas
import plotly.graph_objects as go
import pytest
import torch
from torch.nn import functional as F

from poisonlib import paper
from poisonlib.figures import adaptive, planes, shares, theme
from poisonlib.statistics import wilson

USERS, N = ("ada", "bo", "cleo"), 7
TOOLS = ("Fawkes v0.3", "LowKey")
START = "softmax-2014"


def trial(attack, extractor, cloaked, *, clean=1, recogniser="1-NN", **columns) -> list[dict]:
    """Rows of a trial in which every user has the same number of errors."""
    rows = []
    for condition, errors in (("control", clean), ("cloaked", cloaked)):
        for user in USERS:
            for whose, k, n in (("user", errors, N), ("others", 5, 100)):
                row = {"attack": attack, "extractor": extractor, "recogniser": recogniser}
                row |= {"condition": condition, "user": user, "whose": whose}
                rows.append(row | {"errors": k, "n": n, "error": k / n} | columns)
    return rows


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    """The ordinary extractor loses everybody; what has learnt from a tool loses one of seven."""
    rows = []
    for start in (START, "arcface-2019"):
        known = {"ordinary": (), adaptive.TUNED: (), "adapted": TOOLS}
        known |= {adaptive.WITHOUT + tool: tuple(set(TOOLS) - {tool}) for tool in TOOLS}
        for trainer, learnt in known.items():
            for tool in TOOLS:
                said = {"trainer": trainer, "start": start}
                errors = 1 if tool in learnt else 6
                rows += trial(tool, f"{trainer}-{start}", errors, **said)
    for trainer, errors in (("ordinary", 7), ("adapted", 2)):
        said = {"recogniser": "linear", "trainer": trainer, "start": START}
        rows += trial("LowKey", f"{trainer}-{START}", errors, **said)
    return pandas.DataFrame(rows)


def test_every_trainer_is_a_mark_with_its_interval(table) -> None:
    fig = adaptive.error_by_trainer(table, claims=[paper.ADAPTIVE])
    steps = [frame.name for frame in fig.frames]
    assert steps == ["softmax, 1-NN", "softmax, linear", "arcface, 1-NN"]
    assert fig.frames[0].data == fig.data
    marks = {trace.name: trace for trace in fig.data}
    assert len(marks) == len(adaptive.TRAINERS)
    robust = marks["cloaked, adapted extractor"]
    assert list(robust.x) == list(TOOLS) and list(robust.y) == [1 / 7, 1 / 7]
    assert robust.y[0] + robust.error_y.array[0] == pytest.approx(wilson(3, 21).high)
    assert robust.marker.color == theme.DEFENDED.colour
    assert list(marks["cloaked, ordinary extractor"].y) == [6 / 7, 6 / 7]
    assert str(paper.ADAPTIVE) in fig.layout.annotations[0].text


def test_what_was_not_measured_leaves_a_gap(table) -> None:
    linear = adaptive.error_by_trainer(table).frames[1].data
    marks = {trace.name: trace for trace in linear}
    ordinary = marks["cloaked, ordinary extractor"]
    assert list(ordinary.x) == list(TOOLS)
    assert ordinary.y[0] != ordinary.y[0] and ordinary.y[1] == 1.0
    assert pandas.isna(list(marks["cloaked, fine-tuned on clean ones"].y)).all()


def test_the_tool_that_was_left_out_is_framed(table) -> None:
    fig = adaptive.tools_left_out(table[table["recogniser"] == "1-NN"])
    grid = fig.data[0]
    rows, columns = list(fig.layout.yaxis.ticktext), list(fig.layout.xaxis.ticktext)
    assert rows[0] == "ordinary" and rows[-1] == "all<br>three"
    assert columns == ["no<br>cloak", "Fawkes<br>v0.3", "LowKey"]
    framed = {((s.x0 + s.x1) / 2, (s.y0 + s.y1) / 2) for s in fig.layout.shapes}
    expected = {(columns.index("Fawkes<br>v0.3"), rows.index("without<br>v0.3"))}
    expected |= {(columns.index("LowKey"), rows.index("without<br>LowKey"))}
    assert framed == expected
    for x, y in framed:
        assert grid.z[int(y)][int(x)] == 6 / 7, "it is fooled by what it has not learnt"
    assert all(row[0] == 1 / 7 for row in grid.z)
    assert [frame.name for frame in fig.frames] == [START, "arcface-2019"]


def test_the_loss_grows_into_its_axis() -> None:
    fig = adaptive.loss_curve([3.0, 1.0], epochs=4)
    assert list(fig.data[0].x) == [1, 2] and list(fig.data[0].y) == [3.0, 1.0]
    assert fig.layout.xaxis.range[1] > 4
    for losses in ([], [1.0] * 5):
        with pytest.raises(ValueError, match="1 to 4 losses"):
            adaptive.loss_curve(losses, epochs=4)


def test_leaks_move_the_marks_along_the_curves() -> None:
    rows = []
    for share, errors in ((0.0, 7), (0.5, 4), (1.0, 1)):
        for tool in TOOLS:
            rows += trial(tool, f"leaks-{share}", errors, share=share)
    fig = shares.error_by_leaks(pandas.DataFrame(rows))
    curves = [trace for trace in fig.data if trace.mode == "lines"]
    fallen = [1, 4 / 7, 1 / 7]
    assert [list(curve.y) for curve in curves] == [[1 / 7] * 3, fallen, fallen]
    assert [frame.name for frame in fig.frames] == ["0%", "50%", "100%"]
    for frame, error in zip(fig.frames, (1, 4 / 7, 1 / 7), strict=True):
        assert [mark.y[0] for mark in frame.data] == [1 / 7, error, error]
        assert len({mark.x[0] for mark in frame.data[1:]}) == len(TOOLS), "marks stand apart"
        assert all(fig.data[place].mode == "markers" for place in frame.traces)
        assert frame.name in frame.layout.title.text


def test_each_judge_of_the_next_attack_is_a_curve() -> None:
    rows = []
    for tool in ("LowKey", "Fawkes v1.0"):
        for extractor, most in (("adapted-one", 7), ("adapted-two", 2)):
            for share, errors in ((1.0, most), (0.0, 1)):
                rows += trial(f"{tool} on the adapted extractor", extractor, errors, share=share)
    judges = [
        shares.Judge("its own", "adapted-one", theme.CLOAKED),
        shares.Judge("another", "adapted-two", theme.DEFENDED),
    ]
    rate = wilson(1, 21)
    fig = shares.next_move(pandas.DataFrame(rows), judges=judges, unprotected=rate)
    assert [frame.name for frame in fig.frames] == ["LowKey", "Fawkes v1.0"]
    curves = {trace.name: trace for trace in fig.data}
    assert list(curves["no cloak"].y) == [rate.value] * 2
    assert list(curves["its own"].x) == [0.0, 1.0] and list(curves["its own"].y) == [1 / 7, 1.0]
    assert list(curves["another"].y) == [1 / 7, 2 / 7]


def rows_of_people() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Four people with five unit rows each, well apart, and probes of the first."""
    draw = torch.Generator().manual_seed(0)
    homes = torch.eye(6)[:4]
    labels = torch.arange(4).repeat_interleave(5)
    rows = F.normalize(homes[labels] + 0.05 * torch.randn(20, 6, generator=draw), dim=1)
    probes = F.normalize(homes[:1] + 0.05 * torch.randn(7, 6, generator=draw), dim=1)
    return rows, labels, probes


def test_a_plane_shows_the_user_to_the_right_and_never_stretches() -> None:
    gallery, labels, probes = rows_of_people()
    seen = planes.plane(
        "one", gallery=gallery, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    assert seen.right.all() and seen.title == "Misnamed: 0 of 7 clean photographs"
    assert seen.probes[:, 0].min() > seen.others[:, 0].max() + 0.5
    assert len(seen.others) == 15 and len(seen.cloaked) == 5
    in_plane, in_space = torch.pdist(seen.probes), torch.pdist(probes)
    assert (in_plane <= in_space + 1e-5).all(), "a projection shortens, or keeps"


def test_a_cloak_that_moves_the_gallery_moves_the_neighbours() -> None:
    gallery, labels, probes = rows_of_people()
    cloaked = gallery.clone()
    cloaked[labels == 0] = F.normalize(torch.eye(6)[5:] - 0.5 * torch.eye(6)[:1], dim=1)
    fooled = planes.plane(
        "fooled", gallery=cloaked, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    found = planes.plane(
        "found", gallery=gallery, labels=labels, probes=probes, user=0, shown=[1, 2, 3]
    )
    assert not fooled.right.any()
    assert fooled.cloaked[:, 0].max() < fooled.probes[:, 0].min()
    fig = planes.neighbours([fooled, found])
    renamed = planes.neighbours([fooled, found], prefix="strength")
    assert renamed.layout.sliders[0].currentvalue.prefix == "strength: "
    assert isinstance(fig, go.Figure)
    assert [frame.name for frame in fig.frames] == ["fooled", "found"]
    right, wrong = fig.data[0], fig.data[1]
    assert list(right.x) == [None] and len(wrong.x) == 3 * 7
    assert fig.frames[1].layout.title.text == found.title != fooled.title
    everyone = [trace for trace in fig.data if trace.name == "other people"]
    assert len(everyone[0].x) == 15


def test_a_plane_needs_people_who_are_there() -> None:
    gallery, labels, probes = rows_of_people()
    place = {"gallery": gallery, "labels": labels, "probes": probes, "user": 0}
    with pytest.raises(ValueError, match="at least two other people"):
        planes.plane("few", **place, shown=[0, 1])
    with pytest.raises(ValueError, match="no photographs of \\[9\\]"):
        planes.plane("unknown", **place, shown=[1, 9])

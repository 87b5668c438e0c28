"""Error-rate figures show what the tables say, interval and all."""

import pandas
import pytest

from poisonlib import paper
from poisonlib.figures import results
from poisonlib.trial import Trial, summarise
from tests.core.conftest import Negative, toy_extractor, toy_photos


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    trial = Trial(Negative(), toy_extractor(), name="negative")
    return trial.run(toy_photos(), users=[0, 1, 2], seed=0).table


def test_every_mark_is_a_row_with_its_interval(table):
    summary = summarise(table)
    figure = results.error_by_tool({"1-NN": summary}, claims=[paper.PROTECTED])
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"unprotected", "cloaked", "everyone else"}
    row = summary[(summary["condition"] == "cloaked") & (summary["whose"] == "user")].iloc[0]
    mark = by_name["cloaked"]
    assert mark.y[0] == row["error"] == 1.0
    assert mark.y[0] - mark.error_y.arrayminus[0] == pytest.approx(row["low"])
    band = figure.layout.shapes[0]
    assert band.y0 < 0.55 < 0.77 < band.y1
    assert "55% to 77%" in figure.layout.annotations[0].text


def test_a_slider_step_for_each_recogniser(table):
    summary = summarise(table)
    other = summary.assign(error=summary["error"] / 2)
    figure = results.error_by_tool({"1-NN": summary, "linear": other})
    assert [frame.name for frame in figure.frames] == ["1-NN", "linear"]
    assert figure.frames[1].data[1].y[0] == figure.frames[0].data[1].y[0] / 2


def test_each_user_is_a_mark(table):
    figure = results.error_of_each_user(table)
    assert len(figure.data) == 1 and len(figure.data[0].y) == 3
    assert set(figure.data[0].text) == {"toy 0", "toy 1", "toy 2"}


def test_budget_curve_runs_from_weak_to_strong():
    rows = pandas.DataFrame(
        {"tool": "t", "mode": ["high", "low"], "dssim": [0.02, 0.01], "error": [0.9, 0.3]}
        | {"low": [0.8, 0.2], "high": [1.0, 0.4]}
    )
    figure = results.error_by_budget(rows)
    assert list(figure.data[0].text) == ["low", "high"]
    assert list(figure.data[0].x) == [0.01, 0.02]

"""The timeline's figures show what the tables say: every row, in order, with its interval."""

from __future__ import annotations

import pandas
import plotly.graph_objects as go
import pytest

from poisonlib import generations, paper
from poisonlib.figures import ablation, grids, spread, switching, theme
from poisonlib.figures import timeline as timelines
from poisonlib.figures.frames import player, slider
from poisonlib.statistics import wilson

USERS = ("ada", "bo", "cleo")
N = 7
EXTRACTORS = ("vit-2025", "softmax-2014", "magface-2021", "clip-2021", "triplet-2015")


def trial(attack, extractor, cloaked, *, clean=(0, 0, 1), others=5, **columns) -> list[dict]:
    """Rows of a trial: errors of each user, cloaked and not, and of everybody else."""
    same = {"attack": attack, "extractor": extractor, "recogniser": "NearestNeighbour"}
    rows = []
    for condition, counts in (("control", clean), ("cloaked", cloaked)):
        for user, errors in zip(USERS, counts, strict=True):
            for whose, k, n in (("user", errors, N), ("others", others, 100)):
                row = {"condition": condition, "user": user, "whose": whose}
                rows.append(same | row | {"errors": k, "n": n, "error": k / n} | columns)
    return rows


@pytest.fixture(scope="module")
def table() -> pandas.DataFrame:
    rows = []
    for extractor in EXTRACTORS:
        old = extractor in ("softmax-2014", "triplet-2015")
        rows += trial("Fawkes v0.3", extractor, (7, 7, 6) if old else (0, 1, 0))
        rows += trial("LowKey", extractor, (7, 0, 3) if extractor == "vit-2025" else (7, 7, 7))
    return pandas.DataFrame(rows)


@pytest.fixture(scope="module")
def mixes() -> pandas.DataFrame:
    rows = []
    for extractor, counts in (("arcface-2019", (0, 4, 7)), ("clip-2021", (0, 0, 1))):
        for share, errors in zip((0.0, 0.5, 1.0), counts, strict=True):
            for old in ("Fawkes v0.3", "nothing"):
                columns = {"share": share, "old": old, "new": "Fawkes v1.0"}
                rows += trial(f"{old} to v1.0", extractor, (errors,) * 3, **columns)
    return pandas.DataFrame(rows)


# Order and pooling


def test_extractors_come_in_order_of_release_and_then_by_name() -> None:
    expected = ["softmax-2014", "triplet-2015", "clip-2021", "magface-2021", "vit-2025"]
    assert generations.by_release(EXTRACTORS * 2) == expected
    assert generations.family("robust-clip-2021") == "robust-clip"
    with pytest.raises(ValueError, match="year"):
        generations.year("mine")


def test_pooling_keeps_experiments_apart(mixes) -> None:
    pooled = generations.pooled(mixes[mixes["whose"] == "user"], by=["old", "share"])
    cloaked = pooled[(pooled["condition"] == "cloaked") & (pooled["extractor"] == "arcface-2019")]
    assert len(cloaked) == 6
    assert set(cloaked[cloaked["share"] == 0.5]["error"]) == {4 / 7}
    assert set(cloaked["n"]) == {21} and set(cloaked["users"]) == {3}


def test_everybody_is_counted_once_when_nobody_cloaks(table) -> None:
    rates = generations.unprotected(table)
    assert list(rates) == generations.by_release(EXTRACTORS)
    assert rates["clip-2021"] == wilson(0 + 5, 7 + 100)


# Verdicts


def test_the_line_lies_between_the_papers_failure_and_its_success() -> None:
    assert paper.UNPROTECTED.high < paper.FOOLED_ABOVE < paper.PROTECTED.low


@pytest.mark.parametrize(
    ("low", "high", "unprotected", "expected"),
    [
        (0.9, 1.0, 0.03, "fooled"),
        (0.0, 0.1, 0.03, "not fooled"),
        (0.2, 0.5, 0.03, "undecided"),
        (0.4, 0.5, 0.6, "not fooled"),  # no worse than without a cloak
        (0.5, 0.7, 0.6, "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval(low, high, unprotected, expected) -> None:
    assert paper.verdict(low=low, high=high, unprotected=unprotected) == expected


def test_a_verdict_refuses_bounds_out_of_order() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        paper.verdict(low=0.5, high=0.4, unprotected=0.1)


def test_the_paper_says_one_thing_about_a_pair() -> None:
    pairs = [(said.attack, said.extractor) for said in paper.TRANSFERS]
    assert len(set(pairs)) == len(pairs)
    assert {attack for attack, _ in pairs} == set(paper.RELEASED) == set(theme.TOOLS)
    assert paper.transfer("LowKey", "magface-2021").fooled
    assert not paper.transfer("Fawkes v1.0", "magface-2021").fooled
    assert paper.transfer("LowKey", "vit-2025") is None


def test_agreement_is_our_verdict_beside_the_papers(table) -> None:
    rows = generations.judged(table).set_index(["attack", "extractor"])
    assert list(dict.fromkeys(rows.index.get_level_values(1))) == generations.by_release(EXTRACTORS)
    agreement = rows["agreement"]
    assert set(agreement) <= set(generations.AGREEMENTS)
    assert agreement["Fawkes v0.3", "softmax-2014"] == "as in the paper"
    assert agreement["Fawkes v0.3", "triplet-2015"] == "not as in the paper"
    assert agreement["LowKey", "vit-2025"] == "the paper is silent"
    row = rows.loc[("Fawkes v0.3", "softmax-2014")]
    rate = wilson(20, 21)
    assert (row["error"], row["low"], row["high"]) == (rate.value, rate.low, rate.high)
    assert row["clean"] == 1 / 21


# The grid


def test_each_square_says_its_number_and_what_the_paper_says(table) -> None:
    fig = grids.attacks_by_extractors(table)
    cells, texts = fig.data
    assert list(fig.layout.yaxis.ticktext)[0] == "softmax<br>2014"
    assert list(cells.z[0]) == [1 / 21, 20 / 21, 1.0]
    assert "<b>95</b>" in texts.text[1] and "paper: yes" in texts.text[1]
    assert "paper: –" in texts.text[-1]
    rate = wilson(20, 21)
    hover = cells.customdata[0][1]
    assert f"[{rate.low:.1%}, {rate.high:.1%}]" in hover and "21 photographs, 3 users" in hover


def test_disagreement_with_the_paper_is_framed(table) -> None:
    fig = grids.attacks_by_extractors(table)
    centres = {((s.x0 + s.x1) / 2, round((s.y0 + s.y1) / 2)) for s in fig.layout.shapes}
    rows = generations.judged(table)
    order = generations.by_release(EXTRACTORS)
    columns = {"Fawkes v0.3": 1, "LowKey": 2}
    wrong = rows[rows["agreement"] == "not as in the paper"]
    pairs = zip(wrong["attack"], wrong["extractor"], strict=True)
    assert centres == {(columns[attack], order.index(name)) for attack, name in pairs}
    assert len(wrong) > 0


def test_text_stands_out_from_its_square() -> None:
    assert grids.Square(0.1).ink == theme.PAPER and grids.Square(0.9).ink == grids.BLACK
    assert grids.Square(None).ink == theme.INK, "nothing is drawn behind it"


def test_a_pair_that_was_not_run_is_a_dash(table) -> None:
    missing = (table["attack"] == "LowKey") & (table["extractor"] == "vit-2025")
    fig = grids.attacks_by_extractors(table[~missing])
    assert fig.data[0].z[-1][2] is None and fig.data[1].text[-1] == "–"


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows of 1"):
        grids.grid([[grids.Square(0.1)]], rows=["a", "b"], columns=["c"])


def test_real_recognisers_stand_beside_ours_of_the_nearest_year(table) -> None:
    rows = trial("LowKey", "dlib-2017", (1, 1, 1), photographs="LFW")
    rows += trial("LowKey", "dlib-2017", (7, 7, 6), photographs="people")
    fig = grids.real_beside_ours(pandas.DataFrame(rows), table)
    assert [frame.name for frame in fig.frames] == ["no cloak", "LowKey"]
    assert list(fig.frames[1].data[0].z[0]) == [3 / 21, 20 / 21, 1.0]
    assert list(fig.frames[0].data[0].z[0])[0] == 1 / 21
    assert "triplet" in fig.frames[1].data[1].text[2]
    assert grids.nearest_year("dlib-2017", ["cosface-2018", "b-2016"]) == "b-2016"


# The timeline


def test_history_tells_tools_and_extractors_in_order() -> None:
    events = timelines.history(EXTRACTORS, {"LowKey": 2021, "Fawkes v0.3": 2020})
    assert [event.label for event in events] == [
        "2014 softmax", "2015 triplet", "2020 Fawkes v0.3", "2021 LowKey", "2021 clip",
        "2021 magface", "2025 vit",
    ]  # fmt: skip


def test_the_timeline_grows_by_one_extractor_at_a_time(table) -> None:
    fig = timelines.timeline(table)
    seen = [[y for y in frame.data[1].y if y is not None] for frame in fig.frames]
    assert [len(points) for points in seen] == [1, 2, 2, 2, 3, 4, 5]
    assert seen[-1] == [20 / 21, 20 / 21, 1 / 21, 1 / 21, 1 / 21]
    rate = wilson(20, 21)
    bars = fig.frames[-1].data[1].error_y
    assert bars.array[0] == pytest.approx(rate.high - rate.value)
    assert bars.arrayminus[0] == pytest.approx(rate.value - rate.low)
    assert list(fig.frames[-1].data[0].y) == [1 / 21] * 5
    assert len(fig.data[0].x) == 1, "it opens on its first frame"


def test_the_timeline_marks_where_a_tool_comes_out(table) -> None:
    fig = timelines.timeline(table)
    lines = [shape.x0 for shape in fig.layout.shapes if shape.type == "line"]
    assert lines == [2, 3]
    assert [note.text for note in fig.layout.annotations] == [
        "Fawkes v0.3 comes out", "LowKey comes out"
    ]  # fmt: skip


def test_the_timeline_can_be_played_stopped_and_moved(table) -> None:
    fig = timelines.timeline(table)
    play, stop = fig.layout.updatemenus[0].buttons
    assert (play.label, stop.label) == ("Play", "Pause")
    assert play.args[0] is None and play.args[1]["fromcurrent"]
    steps = [step.args[0][0] for step in fig.layout.sliders[0].steps]
    assert steps == [frame.name for frame in fig.frames]
    with pytest.raises(ValueError, match="positive"):
        player(milliseconds=0)


def test_a_slider_leaves_the_room_that_it_is_told() -> None:
    (made,) = slider(["a", "b"], prefix="p", below=90)
    assert made["pad"]["t"] == 90


# No way back


def test_each_change_of_tools_is_a_curve_over_the_share(mixes) -> None:
    fig = switching.error_by_share(mixes)
    assert [frame.name for frame in fig.frames] == ["arcface-2019", "clip-2021"]
    bare, first, second = fig.frames[0].data
    assert (first.name, second.name) == ("v0.3 → v1.0", "clean → v1.0")
    assert list(first.x) == [0, 0.5, 1] and list(first.y) == [0, 4 / 7, 1]
    assert first.error_y.array[1] == pytest.approx(wilson(12, 21).high - 12 / 21)
    assert set(bare.y) == {1 / 21}
    assert (first.marker.symbol, second.marker.symbol) == ("triangle-up", "triangle-up-open")


def test_the_way_back_is_the_share_from_which_the_error_stays_high(mixes) -> None:
    found = switching.half_point(mixes, line=0.3).set_index(["old", "extractor"])["share"]
    assert found["nothing", "arcface-2019"] == 0.5
    assert pandas.isna(found["nothing", "clip-2021"])
    assert switching.half_point(mixes, line=0.5)["share"].min() == 1.0


# Users apart


def test_every_user_is_one_mark_and_equal_ones_stand_apart(table) -> None:
    fig = spread.users_by_tool(table)
    last = fig.frames[-1]
    assert last.name == "vit-2025"
    users, mean = last.data[2], last.data[3]
    assert dict(zip(users.text, users.y, strict=True)) == {"ada": 1.0, "bo": 0.0, "cleo": 3 / 7}
    assert mean.y[0] == 10 / 21
    first = fig.frames[0].data[2]
    assert list(first.y) == [1.0] * 3 and len(set(first.x)) == 3


def test_the_spread_counts_pairs_of_users(table) -> None:
    rows = spread.spread(table, by=0.5).set_index(["attack", "extractor"])
    row = rows.loc[("LowKey", "vit-2025")]
    assert (row["least"], row["most"], row["users"]) == (0, 1, 3)
    assert row["pairs_apart"] == pytest.approx(2 / 3)  # 1 and 0, 1 and 3/7; 3/7 and 0 are nearer
    assert rows.loc[("LowKey", "softmax-2014"), "pairs_apart"] == 0
    with pytest.raises(ValueError, match="two users"):
        spread.share_of_pairs_apart(pandas.Series([0.5]), by=0.5)


# Why


@pytest.fixture(scope="module")
def variants() -> pandas.DataFrame:
    rows = trial("LowKey", "a-2014", (7, 7, 7), variant="base")
    rows += trial("LowKey", "b-2014", (0, 0, 1), variant="more people", clean=(0, 0, 0))
    rows += trial("LowKey", "c-2014", (7, 6, 7), variant="depth")
    return pandas.DataFrame(rows)


def test_each_variant_shows_its_errors_and_the_clean_one(variants) -> None:
    fig = ablation.error_by_variant(variants)
    bare, worn = fig.data
    assert list(bare.x) == [1 / 21, 0, 1 / 21]
    assert list(worn.x) == [1, 1 / 21, 20 / 21]
    assert list(fig.layout.yaxis.ticktext) == ["base", "more<br>people", "depth"]
    assert [round(y) for y in worn.y] == [0, 1, 2]
    assert worn.error_x.array[1] == pytest.approx(wilson(1, 21).high - 1 / 21)


def test_a_change_is_called_one_where_the_intervals_part(variants) -> None:
    found = ablation.changes(variants).set_index("variant")
    assert found.loc["more people", "effect"] == "weakens the cloak"
    assert found.loc["more people", "against_base"] == pytest.approx(1 / 21 - 1)
    assert found.loc["depth", "effect"] == "no clear change"
    back = ablation.changes(variants, base="more people").set_index("variant")
    assert back.loc["base", "effect"] == "strengthens the cloak"
    with pytest.raises(ValueError, match="no variant 'nothing'"):
        ablation.changes(variants, base="nothing")


@pytest.mark.parametrize("make", ["timeline", "grid", "users"])
def test_figures_leave_their_width_to_the_page(table, make) -> None:
    fig = {
        "timeline": timelines.timeline,
        "grid": grids.attacks_by_extractors,
        "users": spread.users_by_tool,
    }[make](table)
    assert isinstance(fig, go.Figure) and fig.layout.width is None

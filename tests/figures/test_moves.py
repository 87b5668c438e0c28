"""The trainer's moves: the best of each, judged by the book's rule, and drawn with its interval."""

from __future__ import annotations

import pandas
import pytest

from poisonlib import paper
from poisonlib.figures import moves

OLD, NEWER, NEWEST = "softmax-2014", "magface-2021", "vit-2025"
TOOL = "LowKey"


def trial(extractor: str, cloaked: int, **more: object) -> list[dict]:
    """Two users' rows, of 70 photographs each; without a cloak one error each."""
    return [
        {"attack": TOOL, "extractor": extractor, "recogniser": "1-NN", "condition": condition}
        | {"user": user, "whose": "user", "errors": errors, "n": 70, "error": errors / 70}
        | {"dssim": 0.01, "lpips": 0.01, "linf": 0.1}
        | more
        for condition, errors in (("control", 1), ("cloaked", cloaked))
        for user in ("a", "b")
    ]


@pytest.fixture
def tables() -> dict[str, pandas.DataFrame]:
    timeline = trial(OLD, 70) + trial(NEWER, 35) + trial(NEWEST, 60)
    adaptive = trial(OLD, 70, trainer="ordinary", start=OLD)
    adaptive += trial(f"adapted-{OLD}", 2, trainer="adapted", start=OLD)
    washed = [
        {"attack": TOOL, "extractor": OLD, "condition": condition, "whose": "user"}
        | {"purifier": purifier, "error": error, "low": error - 0.02, "high": error + 0.02}
        | {"n": 140, "users": 2}
        for purifier, cloaked in (("none", 0.9), ("blur", 0.8), ("denoiser", 0.3))
        for condition, error in (("control", 0.1), ("cloaked", cloaked))
    ]
    galleries = [
        {"part": "gallery", "attack": attack, "leaks": leaks, "filtered": filtered}
        | {"user": user, "errors": errors, "n": 70}
        for attack, leaks, filtered, errors in (
            ("clean", 17, True, 2),
            (TOOL, 0, True, 70),
            (TOOL, 0, False, 60),
            (TOOL, 2, True, 20),
        )
        for user in ("a", "b")
    ]
    return {
        "timeline": pandas.DataFrame(timeline),
        "adaptive": pandas.DataFrame(adaptive),
        "purification": pandas.DataFrame(washed),
        "detection": pandas.DataFrame([*galleries, {"part": "scores", "attack": TOOL}]),
    }


def test_each_move_is_the_best_of_its_kind(tables: dict[str, pandas.DataFrame]) -> None:
    rows = moves.answers(OLD, filtered_on=OLD, **tables).set_index("move")
    assert list(rows.index) == list(moves.MOVES)
    assert rows["error"].tolist() == pytest.approx([1.0, 0.5, 2 / 70, 0.3, 1.0])
    assert rows["how"][moves.WAIT] == NEWER and rows["how"][moves.PURIFY] == "denoiser"
    assert rows["n"].tolist() == [140] * 5 and rows["users"].tolist() == [2] * 5
    assert rows["outcome"].tolist() == [
        "the cloak holds",
        "the cloak holds",
        "the trainer wins",
        "undecided",
        moves.LEFT_OUT,
    ]
    assert rows["clean"][moves.DETECT] == 4 / 140
    for row in rows.itertuples():
        bound = paper.verdict(low=row.low, high=row.high, unprotected=row.clean)
        assert row.verdict == bound


def test_waiting_needs_something_later(tables: dict[str, pandas.DataFrame]) -> None:
    young = tables | {
        "adaptive": tables["adaptive"].assign(start=NEWEST),
        "purification": tables["purification"].assign(extractor=NEWEST),
    }
    rows = moves.answers(NEWEST, filtered_on=OLD, **young)
    assert moves.WAIT not in set(rows["move"]), "nothing is newer than the newest"
    assert moves.DETECT not in set(rows["move"]), "galleries were filtered for another extractor"


def test_a_start_without_a_record_is_refused(tables: dict[str, pandas.DataFrame]) -> None:
    with pytest.raises(ValueError, match="adaptive has no extractor 'magface-2021'"):
        moves.answers(NEWER, filtered_on=OLD, **tables)


def test_the_figure_moves_with_the_start(tables: dict[str, pandas.DataFrame]) -> None:
    rows = moves.answers(OLD, filtered_on=OLD, **tables)
    figure = moves.by_move({OLD: rows, "another": rows[rows["move"] != moves.DETECT]})
    assert [frame.name for frame in figure.frames] == [OLD, "another"]
    first, second = (frame.data[0] for frame in figure.frames)
    assert list(first.x) == list(moves.MOVES) and first.y[1] == pytest.approx(0.5)
    assert first.error_y.array[1] == pytest.approx(rows["high"][1] - 0.5)
    assert second.y[-1] != second.y[-1], "no mark where nothing was recorded"

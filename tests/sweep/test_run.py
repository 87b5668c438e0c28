"""A sweep is its trials, each job done once, whatever happened in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas
import pyarrow.parquet
import pytest

from poisonlib.trial import Trial
from tests.sweep.conftest import TOOLS, TOY, smaller
from tests.toys import people
from workbench import sweep
from workbench.sweep import jobs
from workbench.sweep.store import Store

ORDER = ["seed", "attack", "condition", "user", "whose"]


def in_order(table: pandas.DataFrame) -> pandas.DataFrame:
    return table.sort_values(ORDER).reset_index(drop=True)


def test_its_table_is_that_of_the_trials(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder)
    expected = []
    for name, attack in TOOLS.items():
        for seed in toys.seeds:
            trial = Trial(attack, TOY, name=name)
            result = trial.run(people(6, 5), users=toys.users, seed=seed)
            expected.append(result.table.assign(recogniser="1-NN", seed=seed))
    pandas.testing.assert_frame_equal(in_order(outcome.table), in_order(pandas.concat(expected)))
    assert outcome.made == 1 + 12 + 8 and not outcome.failed


def test_nothing_is_done_twice(toys: sweep.Config, folder: Path) -> None:
    first = sweep.run(toys, folder)
    again = sweep.run(toys, folder)
    assert again.made == 0 and again.found == first.made
    made = Counter((entry.kind, entry.key) for entry in sweep.entries(again.store))
    assert len(made) == first.made and set(made.values()) == {1}
    pandas.testing.assert_frame_equal(first.table, again.table)


def test_more_tools_are_added_to_what_is_there(toys: sweep.Config, folder: Path) -> None:
    sweep.run(smaller(toys, tools=("one",)), folder)
    outcome = sweep.run(toys, folder)
    assert outcome.made == 6 + 4
    assert set(outcome.table["attack"]) == {"one", "two"}


def test_a_damaged_or_lost_cloak_is_made_again(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder)
    damaged, lost = sorted(outcome.store.folder.glob("cloaks/*/*.cloak"))[:2]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    lost.unlink()
    assert sweep.run(toys, folder).made == 2


def test_what_fails_does_not_end_the_rest(
    toys: sweep.Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = jobs.Cloaks.do

    def broken(self: jobs.Cloaks, store: Store) -> bool:
        if self.tool == "two" and self.seed == 1:
            raise OSError(28, "No space left on device")
        return work(self, store)

    monkeypatch.setattr(jobs.Cloaks, "do", broken)
    monkeypatch.setattr(jobs.Turns, "do", _refusing(jobs.Turns.do))
    outcome = sweep.run(toys, folder)
    assert len(outcome.failed) == 3 + 2
    assert "No space left" in outcome.failed[0][1]
    assert outcome.made + len(outcome.failed) == 21
    kept = outcome.table.groupby(["attack", "seed"]).size()
    assert set(kept.index) == {("one", 0), ("one", 1), ("two", 0)}
    monkeypatch.undo()


def _refusing(work: Callable) -> Callable:
    def turns(self: jobs.Turns, store: Store) -> bool:
        if self.tool == "two" and self.seed == 1:
            raise ValueError("a cloak is missing")
        return work(self, store)

    return turns


def test_the_table_says_where_it_comes_from(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder, command="python -m poisonlib sweep toys.toml")
    schema = pyarrow.parquet.read_schema(outcome.store.results)
    said = json.loads(schema.metadata[b"poisonlib"])
    assert said["provenance"]["command"] == "python -m poisonlib sweep toys.toml"
    assert sweep.Config(**said["config"]) == toys


def test_a_folder_of_something_else_is_left_alone(toys: sweep.Config, folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ValueError, match="is no sweep's folder and not empty"):
        sweep.run(toys, folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_folder_of_other_photographs_is_left_alone(toys: sweep.Config, folder: Path) -> None:
    sweep.run(toys, folder)
    with pytest.raises(ValueError, match="holds a sweep of the photographs 'people'"):
        sweep.run(smaller(toys, photographs="lfw"), folder)


def test_a_start_that_was_killed_is_begun_again(toys: sweep.Config, folder: Path) -> None:
    folder.mkdir()
    (folder / ".photographs.npy.12.partial").write_bytes(b"\x93NUMPY")
    assert not sweep.run(toys, folder).failed


def test_progress_counts_every_job(toys: sweep.Config, folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    sweep.run(toys, folder, progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(1, 22))
    assert {total for _, total, _ in seen} == {21}
    assert any("one for person" in what for _, _, what in seen)

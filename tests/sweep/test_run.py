"""A sweep is its trials, each job done once, whatever happened in between."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pandas
import pyarrow.parquet
import pytest

from poisonlib import atomic
from poisonlib.trial import Trial
from tests.sweep.toys import PEOPLE, TOOLS, TOY
from workbench import sweep
from workbench.sweep import jobs

ORDER = ["seed", "attack", "condition", "user", "whose"]


def in_order(table: pandas.DataFrame) -> pandas.DataFrame:
    return table.sort_values(ORDER).reset_index(drop=True)


def test_its_table_is_that_of_the_trials(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder)
    expected = []
    for name in TOOLS:
        for seed in toys.seeds:
            trial = Trial(jobs._tools()[name], TOY, name=name)
            result = trial.run(PEOPLE, users=toys.users, seed=seed)
            expected.append(result.table.assign(recogniser="1-NN", seed=seed))
    columns = list(outcome.table.columns)
    pandas.testing.assert_frame_equal(
        in_order(outcome.table), in_order(pandas.concat(expected))[columns]
    )
    assert outcome.done == 1 + 12 + 8 and not outcome.failed


def test_a_finished_sweep_has_nothing_to_do(toys: sweep.Config, folder: Path) -> None:
    first = sweep.run(toys, folder)
    again = sweep.run(toys, folder)
    assert again.done == 0 and again.done_before == first.done
    assert len(again.timings) == first.done
    pandas.testing.assert_frame_equal(first.table, again.table)


def test_more_tools_are_added_to_what_is_there(toys: sweep.Config, folder: Path) -> None:
    sweep.run(dataclasses.replace(toys, tools=("one",)), folder)
    outcome = sweep.run(toys, folder)
    assert outcome.done == 6 + 4 + 1, "cloaks and trials of one tool, and the embeddings"
    assert set(outcome.table["attack"]) == {"one", "two"}


def test_a_damaged_or_lost_cloak_is_crafted_again(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder)
    damaged, lost = sorted(outcome.folder.path.glob("cloaks/*/*.cloak"))[:2]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    lost.unlink()
    assert sweep.run(toys, folder).done == 0, "they are not needed any more"
    (folder / "sweep.jsonl").unlink()
    assert sweep.run(toys, folder).done == 1 + 2 + 8


def test_the_folder_holds_no_embeddings(toys: sweep.Config, folder: Path) -> None:
    sweep.run(toys, folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {"cloaks", "people.json", "photographs.npy", "results.parquet", "sweep.jsonl"}
    assert '"embeddings by toy"' in (folder / "sweep.jsonl").read_text()
    assert (folder / "sweep.jsonl").stat().st_size < 40_000


def test_what_fails_does_not_end_the_rest(
    toys: sweep.Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(kind: type[jobs.Job], error: Exception) -> None:
        work = kind.run

        def broken(self, *arguments):
            if self.tool == "two" and self.seed == 1:
                raise error
            return work(self, *arguments)

        monkeypatch.setattr(kind, "run", broken)

    failing(jobs.CloakJob, OSError(28, "No space left on device"))
    failing(jobs.TrialJob, ValueError("a cloak is missing"))
    outcome = sweep.run(toys, folder)
    assert len(outcome.failed) == 3 + 2
    assert "No space left" in outcome.failed[0][1]
    assert outcome.done + len(outcome.failed) == 21
    finished = outcome.table.groupby(["attack", "seed"]).size()
    assert set(finished.index) == {("one", 0), ("one", 1), ("two", 0)}


def test_the_table_has_its_provenance(toys: sweep.Config, folder: Path) -> None:
    outcome = sweep.run(toys, folder, command="python -m poisonlib sweep toys.toml")
    schema = pyarrow.parquet.read_schema(outcome.folder.table)
    metadata = json.loads(schema.metadata[b"poisonlib"])
    assert metadata["provenance"]["command"] == "python -m poisonlib sweep toys.toml"
    assert sweep.Config(**metadata["config"]) == toys


def test_a_folder_of_something_else_is_left_alone(toys: sweep.Config, folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ValueError, match="is no sweep's folder and not empty"):
        sweep.run(toys, folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_folder_of_other_photographs_is_left_alone(toys: sweep.Config, folder: Path) -> None:
    sweep.run(toys, folder)
    with pytest.raises(ValueError, match="holds a sweep of the photographs 'people'"):
        sweep.run(dataclasses.replace(toys, photographs="lfw"), folder)


def test_a_start_that_was_killed_is_begun_again(toys: sweep.Config, folder: Path) -> None:
    folder.mkdir()
    (folder / f".12{atomic.PARTIAL}").write_bytes(b"\x93NUMPY")
    assert not sweep.run(toys, folder).failed


def test_progress_counts_every_job(toys: sweep.Config, folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    sweep.run(toys, folder, progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(1, 22))
    assert {total for _, total, _ in seen} == {21}
    assert any("one for person" in doing for _, _, doing in seen)

"""Recorded results say where they come from, and are never half there."""

import json

import pandas
import pytest

from poisonlib import provenance
from poisonlib.cli import main, parser, typed


def test_recorded_round_trip(tmp_path):
    origin = provenance.of_run("python -m poisonlib record toy", seed=3, seconds=1.26)
    provenance.Recorded([{"error": 0.5, "n": 2}], origin).save(tmp_path / "toy.json")
    again = provenance.load("toy", folder=tmp_path)
    assert again.provenance == origin and again.table["error"].tolist() == [0.5]
    assert [path.name for path in tmp_path.iterdir()] == ["toy.json"]
    assert "seed 3" in str(origin) and origin.seconds == 1.3 and "torch" in origin.versions


def test_rows_need_not_have_the_same_columns(tmp_path):
    origin = provenance.of_run("python -m poisonlib record toy", seed=0, seconds=0)
    rows = [{"a": 1, "b": "x"}, {"a": 2, "c": [0.5, 1e-9]}]
    provenance.Recorded(rows, origin).save(tmp_path / "toy.json")
    assert provenance.load("toy", folder=tmp_path).rows == rows
    assert len((tmp_path / "toy.json").read_text().splitlines()) < 30


def test_a_missing_value_is_null_for_strict_readers(tmp_path):
    origin = provenance.of_run("python -m poisonlib record toy", seed=0, seconds=0)
    made = provenance.Recorded([{"a": float("nan"), "b": 1}, {"a": 0.5, "b": 2}], origin)
    made.save(tmp_path / "toy.json")
    strict = json.loads((tmp_path / "toy.json").read_text(), parse_constant=pytest.fail)
    assert strict["rows"] == [[None, 1], [0.5, 2]]
    again = provenance.load("toy", folder=tmp_path).table
    pandas.testing.assert_frame_equal(again, made.table, check_like=True)


def test_unknown_records_are_named(tmp_path):
    (tmp_path / "known.json").write_text("{}")
    with pytest.raises(ValueError, match="no recorded result 'toy'; there are: known"):
        provenance.load("toy", folder=tmp_path)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "toy.json"
    provenance.write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        provenance.write_json(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": 1}


@pytest.mark.parametrize("record", sorted(provenance.RECORDED.glob("*.json")), ids=lambda p: p.stem)
def test_shipped_records_are_whole(record):
    recorded = provenance.load(record.stem)
    origin = recorded.provenance
    assert recorded.rows and origin.date and origin.commit
    assert origin.command.startswith("python -m ")


def test_the_command_line_explains_itself(capsys):
    for command in ([], ["people"], ["train"], ["record"]):
        with pytest.raises(SystemExit) as left:
            parser().parse_args([*command, "--help"])
        assert left.value.code == 0
    assert "--people-folder" in capsys.readouterr().out


def test_typed_leaves_folders_out():
    arguments = parser().parse_args(["record", "baseline", "--users", "3", "--out-folder", "/x"])
    typed_again = "python -m poisonlib record baseline --processes 1 --seed 0 --users 3"
    assert typed(arguments) == typed_again


def test_mistakes_end_with_one_line(tmp_path, capsys):
    code = main(["train", "softmax-2014", "--people-folder", str(tmp_path / "none")])
    assert code == 2
    said = capsys.readouterr().err
    assert said.startswith("poisonlib: ") and "Traceback" not in said

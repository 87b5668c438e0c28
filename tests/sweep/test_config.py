"""A sweep's file: every mistake in it is an error before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.sweep import Config

GOOD = {
    "photographs": '"people"',
    "users": "2",
    "tools": '["LowKey", "Fawkes v0.3"]',
    "extractors": '["clip-2021"]',
}


def written(folder: Path, **keys: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in keys.items()), encoding="utf-8")
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    config = Config.read(written(tmp_path, **GOOD, seeds="[3, 4]"))
    assert config == Config("people", ("LowKey", "Fawkes v0.3"), ("clip-2021",), 2, (3, 4))
    assert Config(**config.to_json()) == config


def test_a_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    config = Config.read(written(tmp_path, **GOOD | {"photographs": '"album"'}))
    assert config.photographs == str(tmp_path / "album")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"tools": '["Lowkey"]'}, r"tools has the unknown 'Lowkey'; known are: .*LowKey"),
        ({"tools": "[]"}, "tools must be a list of strings, with one at least"),
        ({"tools": '"LowKey"'}, "tools must be a list of strings"),
        ({"tools": '["LowKey", "LowKey"]'}, "tools must name each once"),
        ({"seeds": "[true]"}, "seeds must be a list of whole numbers"),
        ({"seeds": "[-1]"}, "seeds must be whole numbers >= 0, got -1"),
        ({"users": "-1"}, "users must be a whole number >= 0, got -1"),
        ({"users": '"all"'}, "users must be a whole number >= 0, got 'all'"),
        ({"users_per_job": "0"}, "users_per_job must be a whole number >= 1, got 0"),
        ({"recognisers": '["2-NN"]'}, "recognisers has the unknown '2-NN'; known are: 1-NN"),
        ({"photographs": "3"}, "photographs must be"),
        ({"user": "3"}, "unknown key 'user'; known are: photographs"),
        ({"users": "["}, "is not a TOML file"),
    ],
)
def test_a_mistake_is_an_error(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config.read(written(tmp_path, **GOOD | changes))


def test_a_missing_key_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no configuration .*; write one"):
        Config.read(tmp_path / "sweep.toml")
    with pytest.raises(ValueError, match="lacks the key 'tools'"):
        Config.read(written(tmp_path, photographs='"people"'))


def test_an_unknown_extractor_ends_it_before_it_starts() -> None:
    with pytest.raises(ValueError, match="no extractor 'clip-2022'"):
        Config("people", ("LowKey",), ("clip-2022",)).check_extractors()

"""A configuration that is run on toys, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweep import toys as toy_sweep
from workbench import sweep
from workbench.sweep import jobs


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[sweep.Config]:
    toy_sweep.use_toys(monkeypatch.setattr, seconds=0.0)
    yield toy_sweep.config_of_toys()
    jobs._tools.cache_clear()
    jobs._extractor.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sweep"

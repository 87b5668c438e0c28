"""A sweep of toys: six people, two quick tools, one small network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from poisonlib.attacks import LowKey
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
from tests.toys import PooledLinear, people
from workbench import extractors, sweep
from workbench.sweep import config, jobs

CARD = Card("toy", 2026, "linear", "none", "none", 48, 16, "MIT")
TOY = ModuleExtractor(PooledLinear(), CARD, Preprocessing(size=48))
TOOLS = {name: LowKey([TOY], steps=steps) for name, steps in (("one", 1), ("two", 2))}


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[sweep.Config]:
    """A configuration that is run on toys, in this process."""
    monkeypatch.setattr(config, "tools", lambda: TOOLS)
    monkeypatch.setattr(jobs, "tools", lambda: TOOLS)
    monkeypatch.setattr(extractors, "load", lambda name: TOY)
    monkeypatch.setattr(sweep.Config, "load", lambda self: people(6, 5))
    jobs._tools.cache_clear()
    jobs._extractor.cache_clear()
    yield sweep.Config("people", ("one", "two"), ("toy",), users=3, seeds=(0, 1), turns=2)
    jobs._tools.cache_clear()
    jobs._extractor.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sweep"


def smaller(one: sweep.Config, **changes: object) -> sweep.Config:
    return dataclasses.replace(one, **changes)

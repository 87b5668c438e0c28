"""Every example in a docstring does what it says, by itself, without a network."""

from __future__ import annotations

import doctest
import importlib
import socket
from pathlib import Path

import pytest
import torch

from tests.test_packages import modules


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, a cache of its own, no network, and the same draws each time."""

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("an example opens a connection")

    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("POISONLIB_SITE", "0")  # examples may set either, which ends with them
    monkeypatch.setattr(socket.socket, "connect", refuse)


def examples() -> list[doctest.DocTest]:
    """The examples of all modules; each imports what it uses, as a reader has to."""
    finder = doctest.DocTestFinder()
    found = (finder.find(importlib.import_module(name), name) for name in modules())
    written = [test for tests in found for test in tests if test.examples]
    for test in written:
        test.globs.clear()
    return written


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_does_what_it_says(example: doctest.DocTest) -> None:
    for line in example.examples:
        assert doctest.SKIP not in line.options, "an example is run, not skipped"
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example, out=output.append, clear_globs=False)
    assert not runner.failures, "".join(output)

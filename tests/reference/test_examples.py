"""Every public name has an example, and every example does what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import socket
from pathlib import Path

import pytest
import torch

from tests.reference.names import ROOMS, documented, is_code, public

# Public names without an example, each with the reason.
EXEMPT: dict[str, str] = {
    **{
        f"workbench.extractors.pretrained.{name}": "builds a network from weights not shipped"
        for name in ("facenet", "mobilefacenet", "edgeface", "clip", "siglip2")
    },
    **{
        f"workbench.sweep.{name}": "runs tools at full strength: minutes"
        for name in ("run", "Outcome")
    },
}


def resolve(path: str) -> object:
    """What a dotted name of the reference stands for."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


NAMES = [path for path in documented() if is_code(resolve(path))]


def test_the_reference_documents_every_public_name_once() -> None:
    found = documented()
    assert len(found) == len(set(found)), "a name stands on two pages"
    missing = {one.path for one in public()} - set(found)
    assert not missing, "give each a directive on its room's page in book/api"


def test_every_room_of_the_package_is_known() -> None:
    package = Path(importlib.import_module("poisonlib").__file__).parent
    rooms = {path.stem for path in package.glob("[a-z]*") if path.name != "data"}
    inner = {"training": "by its modules", "cli": "has a page of commands"}
    assert rooms - set(ROOMS) - set(inner) == set(), "list it in tests/reference/names.py"


@pytest.mark.parametrize("path", [path for path in NAMES if path not in EXEMPT])
def test_a_name_has_an_example(path: str) -> None:
    assert "\nExample:\n" in inspect.getdoc(resolve(path)), "end its docstring with an example"


def test_no_exemption_is_left_over() -> None:
    assert all("Example:" not in inspect.getdoc(resolve(path)) for path in EXEMPT)


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
    """The examples of everything that the reference documents."""
    finder = doctest.DocTestFinder(recurse=False)
    values = [(path, inspect.unwrap(resolve(path))) for path in NAMES]
    found = [finder.find(value, name=path, globs={}, module=False) for path, value in values]
    return [test for tests in found for test in tests if test.examples]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_does_what_it_says(example: doctest.DocTest) -> None:
    for line in example.examples:
        assert doctest.SKIP not in line.options, "an example is run, not skipped"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example, out=said.append, clear_globs=False)
    assert not runner.failures, "".join(said)

"""One stack, written down in three places that must agree."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def normal(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return re.sub(r"[-_.]+", "-", name).lower() + "==" + version


def pins(*extras: str) -> set[str]:
    """The project's own pins and those of some extras."""
    found = [*PROJECT["dependencies"], *(pin for extra in extras for pin in EXTRAS[extra])]
    return {normal(pin) for pin in found}


def lock() -> set[str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {normal(line) for line in lines if not line.startswith("#")}


def test_every_requirement_is_pinned_exactly() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins(*EXTRAS))


def test_conda_users_get_the_same_pins() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    from_pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    assert "--editable ." in from_pip
    given = {normal(line) for line in from_pip if not line.startswith("--")}
    assert given == pins("people", "sweep", "book", "test")


def test_conda_users_get_a_python_that_the_package_accepts() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(item for item in environment["dependencies"] if str(item).startswith("python="))
    least = PROJECT["requires-python"].removeprefix(">=")
    assert [*map(int, python.removeprefix("python=").split("."))] >= [*map(int, least.split("."))]


def test_the_lock_holds_every_pin() -> None:
    assert pins(*EXTRAS) - lock() == set()


def test_the_makefile_installs_by_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--constraint requirements.lock" in makefile
    assert "EXTRAS ?= people,sweep,book,test" in makefile


@pytest.mark.parametrize("pin", sorted(pins("book", "test")))
def test_what_is_installed_is_what_is_pinned(pin: str) -> None:
    name, _, version = pin.partition("==")
    assert distribution(name).version == version


def test_nobody_is_sent_to_the_package_index_for_it() -> None:
    """There, ``poisonlib`` is somebody else's, and the name of this distribution is free."""
    assert PROJECT["name"] == "data-poisoning-book"
    wanted = re.compile(rf"pip install[^\n]*['\" ](poisonlib|{PROJECT['name']})\b")
    for folder in ("poisonlib", "workbench", "studio", "book", "tools"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in {".py", ".md", ".ipynb", ".ipy"}:
                assert not wanted.search(file.read_text(encoding="utf-8")), file

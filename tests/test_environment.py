"""One stack, written down in three places that must agree."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
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


def test_renewing_the_lock_installs_every_extra(tmp_path: Path) -> None:
    """With a stand-in for Python whose pip writes down what it is asked for."""
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "tools/renew-lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(
        f"""#!/bin/sh
case "$2" in
venv) mkdir "$3/bin" && cp "$0" "$3/bin/python" ;;
pip) shift 2; echo "$@" >> {shlex.quote(str(tmp_path / "asked"))}; echo "torch==1.0" ;;
*) exec {shlex.quote(sys.executable)} "$@" ;;
esac
"""
    )
    python.chmod(0o755)
    subprocess.run(
        [tmp_path / "tools/renew-lock"], env=os.environ | {"PYTHON": str(python)}, check=True
    )
    installed, frozen = (tmp_path / "asked").read_text().splitlines()
    assert installed == f"install --quiet --editable .[{','.join(EXTRAS)}]"
    assert frozen == "freeze --exclude-editable"
    assert (tmp_path / "requirements.lock").read_text().splitlines()[-1] == "torch==1.0"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_checkout_has_the_line_ends_of_the_repository(tmp_path: Path) -> None:
    """Also where git is told to write those of Windows, which no script survives."""
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\n")
    git = ["git", "-C", str(tmp_path), "-c", "core.autocrlf=true"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    script.unlink()
    subprocess.run([*git, "checkout", "--quiet", "--", "script"], check=True)
    assert script.read_bytes() == b"#!/bin/sh\n"


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

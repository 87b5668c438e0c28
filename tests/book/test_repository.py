"""Where a copy of the book is published: one address, which leads nowhere else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml

from tests.book import chapters as book
from tools import poisonlib_repository as repository

ADDRESS = "https://github.com/somebody/book"
COLAB = {"colab_url": "https://colab.research.google.com"}


def cell(root: Path) -> str:
    return (root / "tools" / "setup-cell.ipy").read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the address is written into, with one chapter."""
    for name in ("_config.yml", "tools/setup-cell.ipy", "book/map.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(book.ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def checkout(copy: Path) -> Path:
    """The same with an ``origin`` on a forge, and no address of its own."""
    git = ["git", "-C", str(copy)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "remote", "add", "origin", f"{ADDRESS}.git"], check=True)
    return copy


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        (f"{ADDRESS}.git\n", ADDRESS),
        ("git@github.com:somebody/book.git", ADDRESS),
        ("ssh://git@github.com:22/somebody/book", ADDRESS),
        ("https://name:secret@github.com/somebody/book/", ADDRESS),
        ("https://gitlab.com/group/part/book", "https://gitlab.com/group/part/book"),
        ("https://github.com/somebody", None),
        ("https://example.org/somebody/book", None),
        ("/home/github.com/somebody/book", None),
        ("../github.com/somebody/book", None),
        ("", None),
    ],
)
def test_a_remote_on_a_forge_has_an_address(remote: str, address: str | None) -> None:
    assert repository.web_address(remote) == address


def test_the_setup_cell_has_the_address_of_the_config_or_none() -> None:
    config = yaml.safe_load((book.ROOT / "_config.yml").read_text(encoding="utf-8"))
    address = config["repository"]["url"]
    assert f'BOOK = "{address and "git+"}{address}"\n' in cell(book.ROOT), "run `make address`"


def test_without_an_address_there_are_no_buttons(copy: Path) -> None:
    theme = repository.buttons({"repository_url": "", "launch_buttons": COLAB}, copy)
    assert not any(theme[f"use_{name}_button"] for name in ("repository", "issues"))
    assert theme["launch_buttons"] == {}


def test_a_checkout_leads_to_its_origin_but_not_to_colab(checkout: Path) -> None:
    theme = repository.buttons({"launch_buttons": COLAB}, checkout)
    assert theme["repository_url"] == ADDRESS and theme["use_issues_button"]
    assert (theme["launch_buttons"] == COLAB) == (f'"git+{ADDRESS}"' in cell(checkout))


def test_a_folder_inside_of_a_checkout_is_not_published_with_it(checkout: Path) -> None:
    assert repository.origin(checkout) == ADDRESS
    assert repository.origin(checkout / "book") is None


def test_a_written_address_brings_all_buttons_and_is_written_once(checkout: Path) -> None:
    changed = repository.write(ADDRESS, checkout)
    assert {file.name for file in changed} <= {"_config.yml", "setup-cell.ipy", "map.ipynb"}
    assert repository.write(ADDRESS, checkout) == []
    config = yaml.safe_load((checkout / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == ADDRESS
    notebook = book.Chapter(checkout / "book" / "map.ipynb")
    assert notebook.cells[1].source == cell(checkout).strip()
    assert f'BOOK = "git+{ADDRESS}"' in notebook.cells[1].source
    theme = {"repository_url": ADDRESS, "launch_buttons": COLAB}
    assert repository.buttons(theme, checkout)["launch_buttons"] == COLAB


@pytest.mark.parametrize("where", ["", f"git+{ADDRESS}"])
def test_on_colab_the_cell_installs_from_the_address_or_says_how(where: str, monkeypatch) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell, installed = InteractiveShell(), []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    shell.register_magic_function(installed.append, magic_name="pip")
    code = re.sub(r'BOOK = ".*"', f'BOOK = "{where}"', cell(book.ROOT))
    result = shell.run_cell(code)
    if where:
        assert result.success and installed[0].endswith(f'"{where}"')
    else:
        assert isinstance(result.error_in_exec, ModuleNotFoundError) and not installed
        assert "upload a copy" in str(result.error_in_exec)

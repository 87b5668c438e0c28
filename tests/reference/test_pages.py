"""The pages of the reference show all public modules, and name what exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.book.chapters import ROOT
from tests.test_packages import modules
from tools.poisonlib_reference import description, directives, is_code, public

PAGES = sorted((ROOT / "book" / "api").glob("*.md"))
SHOWN = Counter(
    name
    for page in PAGES
    for name in re.findall(r"^```\{public\} (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
)
each_module = pytest.mark.parametrize("name", SHOWN)


def test_every_package_with_public_names_stands_on_one_page() -> None:
    packages = (name for name in modules() if hasattr(importlib.import_module(name), "__path__"))
    public = {name for name in packages if hasattr(importlib.import_module(name), "__all__")}
    assert public and public <= set(SHOWN), "give it a {public} directive in book/api"
    assert set(SHOWN.values()) == {1}, "a module stands on two pages"


@each_module
def test_what_a_module_offers_is_described(name: str) -> None:
    module = importlib.import_module(name)
    offered = public(module)
    assert inspect.getdoc(module) and offered
    bare = [
        one
        for one, value in offered.items()
        if not (inspect.getdoc(value) if is_code(value) else description(name, one))
    ]
    assert not bare, "say in a docstring what it is"
    assert all(f"{name}.{one}" in "\n".join(directives(module)) for one in offered)


ROLE = re.compile(r":(?:py:)?(?:mod|class|func|meth|data|attr|exc|obj):`(?:[^`<]*<)?~?([\w.]+)>?`")


def resolves(target: str) -> bool:
    """Whether a dotted name leads to something that can be imported."""
    parts = target.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            fields = getattr(value, "__dataclass_fields__", {}) | getattr(
                value, "__annotations__", {}
            )
            if not hasattr(value, part):
                return part in fields
            value = getattr(value, part)
        return True
    return False


@pytest.mark.parametrize("package", ["poisonlib", "workbench", "studio"])
def test_a_docstring_refers_to_what_exists(package: str) -> None:
    """By its full name, by its name in the module, or by that of a method in one of its classes."""
    lost = []
    for name in modules():
        if name.split(".")[0] != package:
            continue
        module = importlib.import_module(name)
        classes = [value for value in vars(module).values() if inspect.isclass(value)]
        places = [name, *(f"{value.__module__}.{value.__qualname__}" for value in classes)]
        for target in ROLE.findall(Path(module.__file__).read_text(encoding="utf-8")):
            if not (resolves(target) or any(resolves(f"{place}.{target}") for place in places)):
                lost.append(f"{name}: {target}")
    assert not lost


PYTHON = [
    (file.name, block)
    for file in (ROOT / "README.md", ROOT / "book" / "api" / "index.md")
    for block in re.findall(r"^```python\n(.*?)^```", file.read_text("utf-8"), re.DOTALL | re.M)
]


def test_the_code_in_the_readme_names_what_exists() -> None:
    assert PYTHON
    for file, block in PYTHON:
        names: dict[str, str] = {}
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                names |= {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        used = set(re.findall(r"\b\w+(?:\.\w+)*", block))
        for name, target in names.items():
            assert resolves(target), f"{file}: {target}"
            for attribute in (one for one in used if one.startswith(f"{name}.")):
                assert resolves(attribute.replace(name, target, 1)), f"{file}: {attribute}"

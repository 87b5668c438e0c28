"""What is public: the names that the reference documents, and whose examples run as tests.

A room is public by the ``__all__`` of its ``__init__``. A module that is named there, a room that
is one module, and the modules of :data:`MODULES` are public by what they define: functions,
classes, and the constants that say beside them what they are. A leading underscore hides a name.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "book" / "api"

ROOMS = (
    "people",
    "photos",
    "folders",
    "attacks",
    "extractors",
    "recognition",
    "trial",
    "defenses",
    "audit",
    "experiments",
    "scoreboard",
    "sweep",
    "figures",
    "widgets",
    "uploads",
    "assets",
    "checks",
    "statistics",
    "atomic",
    "provenance",
    "networks",
    "paper",
    "chronicle",
)
# Modules that are public besides: what a room's docstring sends its reader to, and the parts of a
# room without `__all__`.
MODULES = (
    "people.identity",
    "people.nuisance",
    "people.appearance",
    "training.recipes",
    "training.losses",
    "training.augment",
    "training.contrastive",
    "training.loop",
)
DIRECTIVE = re.compile(r"^\.\. auto(?:class|function|data|exception):: (\S+)$", re.MULTILINE)
MODULE = re.compile(r"^\.\. currentmodule:: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Public:
    """A public name: where it is found, and what it stands for."""

    module: str
    name: str
    value: object

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


def is_code(value: object) -> bool:
    """Whether it is a function or class, and not a constant or a name for a type."""
    return inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value))


def defined(module: ModuleType) -> list[str]:
    """The functions, classes and described constants of a module's own code."""
    from sphinx.pycode import ModuleAnalyzer

    described = {name for _, name in ModuleAnalyzer.for_module(module.__name__).find_attr_docs()}
    names: list[str] = []
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in getattr(target, "elts", [target])]
            # A name for a type (`Progress = Callable[...]`) is written out where it is used.
            names += [part.id for part in parts if part.id in described and part.id.isupper()]
    return [name for name in names if not name.startswith("_")]


def public() -> Iterator[Public]:
    """Every public name of the package, each once."""
    pending = [f"poisonlib.{name}" for name in (*ROOMS, *MODULES)]
    met: set[int] = set()  # a class that both a room and its module name is the room's
    while pending:
        module = importlib.import_module(pending.pop(0))
        for name in getattr(module, "__all__", None) or defined(module):
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                pending.append(value.__name__)
            elif not is_code(value) or id(value) not in met:
                met.add(id(value))
                yield Public(module.__name__, name, value)


def documented() -> list[str]:
    """The names that the pages of the reference document, in their order."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        modules = [(match.start(), match[1]) for match in MODULE.finditer(text)]
        for match in DIRECTIVE.finditer(text):
            before = [module for start, module in modules if start < match.start()]
            found.append(f"{before[-1]}.{match[1]}" if before else match[1])
    return found

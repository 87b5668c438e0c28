"""The rooms of the package: imports flow one way, and importing costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "poisonlib"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The order of the rooms: a module imports from its own room and from those before it.
FLOOR = ("checks", "atomic", "statistics", "provenance", "networks", "assets", "paper", "chronicle")
ROOMS = (
    ("people", "photos"),
    ("attacks",),
    ("folders",),
    ("extractors",),
    ("training",),
    ("recognition",),
    ("trial",),
    ("defenses",),
    ("experiments",),
    ("scoreboard",),
    ("audit",),
    ("sweep",),
    ("figures", "widgets", "uploads"),
    ("cli", "__main__"),
)
PLACE = {name: 0 for name in FLOOR} | {
    name: place for place, names in enumerate(ROOMS, start=1) for name in names
}
# Compiled inner loops: numba's decorators stand at the top, so nothing may import these modules
# but a function that renders. The front doors below are held to that.
COMPILED = {"people/raster.py", "people/shading.py"}
HEAVY = {"anny", "facenet_pytorch", "lpips", "numba", "open_clip", "torchvision"}
DRAWING = {"IPython", "ipywidgets", "plotly"}


def room(module: Path) -> str:
    """The room of a module of the package; the package's own ``__init__`` has none."""
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(module: Path, *, top_only: bool = False) -> Iterator[str]:
    """Dotted names that a module imports, ``if TYPE_CHECKING`` left out."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not (top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            pending += ast.iter_child_nodes(node)


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


each_module = pytest.mark.parametrize("module", MODULES, ids=name_of)


@each_module
def test_every_module_has_a_place(module: Path) -> None:
    assert room(module) == "__init__" or room(module) in PLACE


@each_module
def test_imports_flow_one_way(module: Path) -> None:
    own = PLACE.get(room(module), 0)
    for imported in imports(module):
        parts = imported.split(".")
        if parts[0] == "poisonlib" and len(parts) > 1 and parts[1] in PLACE:
            assert PLACE[parts[1]] <= own or parts[1] == room(module), (
                f"{name_of(module)} imports {imported}, a room further down the line"
            )


@each_module
def test_nothing_heavy_is_imported_at_the_top(module: Path) -> None:
    refused = HEAVY if room(module) in ("figures", "widgets", "uploads") else HEAVY | DRAWING
    if name_of(module) in COMPILED:
        refused = refused - {"numba"}
    top = {name.partition(".")[0] for name in imports(module, top_only=True)}
    assert top & refused == set()


@each_module
def test_no_relative_imports(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    relative = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
    assert not relative, "write the full name: tools/stale_chapters.py follows those"


def run_fresh(code: str, *arguments: str) -> None:
    """Run code in a fresh interpreter; what it asserts is shown when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def dotted(module: Path) -> str:
    parts = module.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def test_importing_everything_seeds_and_downloads_nothing() -> None:
    code = """
import importlib, random, socket, sys

import numpy, torch

def refuse(*arguments, **keywords):
    raise AssertionError("an import opens a connection")

def state():
    return random.getstate(), numpy.random.get_state()[1].tobytes(), torch.get_rng_state().tolist()

socket.socket.connect = socket.create_connection = refuse
before, threads = state(), torch.get_num_threads()
for module in sys.argv[1:]:
    importlib.import_module(module)
assert state() == before, "an import draws from or seeds a global random state"
assert torch.get_num_threads() == threads, "an import sets the number of threads"
"""
    run_fresh(code, *(dotted(module) for module in MODULES if module.name != "__main__.py"))


def test_the_front_doors_load_nothing_heavy() -> None:
    code = """
import importlib, sys

for module in sys.argv[2:]:
    importlib.import_module(module)
    loaded = sorted(set(sys.argv[1].split(",")) & set(sys.modules))
    assert not loaded, f"importing {module} loads {loaded}"
"""
    doors = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__init__.py")]
    named = sorted(dotted(door) for door in doors if door.name != "__main__.py")
    run_fresh(code, ",".join(sorted(HEAVY | {"plotly", "ipywidgets"})), *named)

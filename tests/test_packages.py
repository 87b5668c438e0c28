"""Importing the packages costs nothing. `make lint` holds which module may import which."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Optional, or slow to import.
HEAVY = {"anny", "dlib", "distributed", "facenet_pytorch", "lpips", "onnxruntime", "open_clip"}
HEAVY |= {"torchvision"}
DRAWING = {"IPython", "ipywidgets", "plotly"}

IMPORT = """
import importlib, json, random, socket, sys

import numpy, torch

def refuse(*arguments, **keywords):
    raise AssertionError("an import opens a connection")

def state():
    return random.getstate(), numpy.random.get_state()[1].tobytes(), torch.get_rng_state().tolist()

socket.socket.connect = socket.create_connection = refuse
before, threads = state(), torch.get_num_threads()
for modules, refused in json.loads(sys.argv[1]):
    for module in modules:
        importlib.import_module(module)
        loaded = set(refused) & set(sys.modules)
        assert not loaded, f"importing {module} loads {loaded}"
assert state() == before, "an import draws from or seeds a global random state"
assert torch.get_num_threads() == threads, "an import sets the number of threads"
"""


def modules() -> list[str]:
    """Dotted names of all modules but those that run when they are imported."""
    packages = (ROOT / name for name in ("poisonlib", "workbench", "studio"))
    files = (file for package in packages for file in sorted(package.rglob("*.py")))
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def test_importing_loads_seeds_and_downloads_nothing() -> None:
    every = modules()
    renders = [name for name in every if name.startswith("studio.people")]  # compiled by numba
    draws = [name for name in every if "figures" in name]
    draws += [name for name in every if name in ("poisonlib.widgets", "workbench.uploads")]
    light = [name for name in every if name not in renders and name not in draws]
    assert renders and draws and len(light) > 60
    groups = [
        (light, [*HEAVY, *DRAWING, "numba"]),
        (draws, [*HEAVY, "numba"]),
        (renders, [*HEAVY]),
    ]
    command = [sys.executable, "-c", IMPORT, json.dumps(groups)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr

"""Forget the executed chapters whose code in the packages has changed since.

Jupyter Book caches an executed notebook by the notebook's own code, and does not see that a module
it imports was edited. This tool does: it follows the imports of each chapter through the packages,
hashes what it finds, and drops from the cache exactly the chapters for which something moved. The
build begins with it (``tools/run_chapters.py``).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("poisonlib", "workbench", "studio")
SHARED_INPUTS = ("requirements.lock", "poisonlib/data")
"""What every chapter depends on besides code: the installed versions and the shipped data."""


def imported_names(code: str) -> Iterator[str]:
    """Dotted names inside the packages that Python code refers to, functions' bodies included.

    A string such as ``"poisonlib.extractors.softmax"`` counts as an import, because registries
    load modules by name.
    """
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.partition(".")[0] in PACKAGES and "." in node.value:
                yield node.value


def notebook_code(notebook: Path) -> str:
    """The Python of all code cells, with IPython's magics translated."""
    from IPython.core.inputtransformer2 import TransformerManager

    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return "\n".join(TransformerManager().transform_cell(source) for source in sources)


def files_of(name: str, root: Path) -> Iterator[Path]:
    """The files that importing a dotted name runs: the packages on the way and the module itself.

    The last part may be a function or class; then the module before it is the one.
    """
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    folder = root
    for part in parts:
        module, package = folder / f"{part}.py", folder / part / "__init__.py"
        if package.is_file():
            yield package
            folder = folder / part
        elif module.is_file():
            yield module
            return
        else:
            return


def closure(code: str, root: Path) -> set[Path]:
    """All modules of the packages that running ``code`` may import, directly or indirectly."""
    found: set[Path] = set()
    pending = [file for name in imported_names(code) for file in files_of(name, root)]
    while pending:
        file = pending.pop()
        if file not in found:
            found.add(file)
            names = imported_names(file.read_text(encoding="utf-8"))
            pending += [inner for name in names for inner in files_of(name, root)]
    return found


def fingerprint(files: Iterable[Path], root: Path) -> str:
    """One hash of the names and contents of files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def chapter_fingerprints(root: Path) -> dict[str, str]:
    """For each chapter (path without its ending, as Sphinx names pages) what it depends on."""
    shared = []
    for name in SHARED_INPUTS:
        path = root / name
        shared += [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    chapters = sorted((root / "book").rglob("*.ipynb"))
    return {
        chapter.relative_to(root).with_suffix("").as_posix(): fingerprint(
            closure(notebook_code(chapter), root).union(shared), root
        )
        for chapter in chapters
        if ".ipynb_checkpoints" not in chapter.parts
    }


def forget(chapters: Iterable[str], root: Path, build: Path) -> None:
    """Remove chapters from the cache of executed notebooks and from Sphinx's cache of pages.

    A cached notebook that belongs to no file any more goes as well: a chapter that takes its
    place under another name would find it by content.
    """
    chapters = set(chapters)
    for chapter in chapters:
        (build / ".doctrees" / f"{chapter}.doctree").unlink(missing_ok=True)
    folder = build / ".jupyter_cache"
    if not (folder / "global.db").is_file():
        return
    from jupyter_cache import get_cache

    cache = get_cache(str(folder))
    for record in cache.list_cache_records():
        file = Path(record.uri)
        owner = file.relative_to(root) if file.is_relative_to(root) else None
        if owner is None or not file.is_file() or owner.with_suffix("").as_posix() in chapters:
            cache.remove_cache(record.pk)


def update(root: Path) -> list[str]:
    """Forget what is stale under ``root`` and return those chapters' names."""
    build = root / "_build"
    memory = build / ".chapter-inputs.json"
    before = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    now = chapter_fingerprints(root)
    stale = [chapter for chapter in now if before.get(chapter) != now[chapter]]
    forget(stale, root, build)
    # Only now: after a kill in between, the same chapters are forgotten once more.
    build.mkdir(exist_ok=True)
    draft = memory.with_suffix(".part")
    draft.write_text(json.dumps(now, indent=1), encoding="utf-8")
    os.replace(draft, memory)
    return [chapter for chapter in stale if chapter in before]

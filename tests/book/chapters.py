"""The chapters as files: what the tests of the book read out of notebooks and contents."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook; ``index`` is its place in the notebook."""

    index: int
    kind: str
    source: str
    tags: frozenset[str]
    metadata: dict

    def tagged(self, prefix: str) -> str | None:
        """What follows ``prefix:`` in the first tag that begins so."""
        for tag in sorted(self.tags):
            if tag.startswith(f"{prefix}:"):
                return tag.removeprefix(f"{prefix}:")
        return None

    def tree(self) -> ast.Module:
        """The parsed code, IPython's magics translated."""
        from IPython.core.inputtransformer2 import TransformerManager

        return ast.parse(TransformerManager().transform_cell(self.source))


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book."""

    path: Path

    @property
    def page(self) -> str:
        """The page's address on the site, without ``.html``."""
        return self.path.relative_to(ROOT).with_suffix("").as_posix()

    @property
    def notebook(self) -> dict:
        return json.loads(self.path.read_text(encoding="utf-8"))

    @property
    def cells(self) -> list[Cell]:
        return [
            Cell(
                index=index,
                kind=cell["cell_type"],
                source="".join(cell["source"]),
                tags=frozenset(cell["metadata"].get("tags", ())),
                metadata=cell["metadata"],
            )
            for index, cell in enumerate(self.notebook["cells"])
        ]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def text(self) -> str:
        return "\n\n".join(cell.source for cell in self.cells if cell.kind == "markdown")


def pages() -> list[str]:
    """All pages of the contents, in order, as ``book/index``."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            found.extend(node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    return found


def chapters() -> list[Chapter]:
    """The notebooks among the pages, in order."""
    files = (ROOT / f"{page}.ipynb" for page in pages())
    return [Chapter(file) for file in files if file.is_file()]


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    """The calls ``name(...)`` and ``anything.name(...)`` in some code."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) == name
    ]


def figure_names(chapter: Chapter) -> list[str]:
    """The names of all figures that a chapter shows."""
    return _names_given(chapter, "show")


def quiz_names(chapter: Chapter) -> list[str]:
    """The names of all quizzes of a chapter."""
    return _names_given(chapter, "quiz")


def _names_given(chapter: Chapter, function: str) -> list[str]:
    return [
        keyword.value.value
        for cell in chapter.code
        for call in calls(cell.tree(), function)
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]

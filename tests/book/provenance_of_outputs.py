"""Which figures and tables of a chapter are computed in it, and which are read from a record.

A figure or table is *recorded* where anything that it shows comes from ``provenance.load``. What
comes from where is followed through assignments, loops, functions and appended lists, cell by
cell, as the chapter runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.book.chapters import Chapter

SHOWS = {"show": "figure", "table": "table"}
GROWS = ("append", "extend", "update")


@dataclass(frozen=True)
class Output:
    """A figure or table of a chapter.

    Attributes:
        kind: ``"figure"`` or ``"table"``.
        code: the call that shows it.
        recorded: whether it depends on a record.
    """

    kind: str
    code: str
    recorded: bool


def outputs(sources: Iterable[str]) -> Iterator[Output]:
    """The figures and tables of code cells, in order."""
    recorded: set[str] = set()
    helpers: dict[str, str] = {}
    for source in sources:
        yield from _statements(ast.parse(source).body, recorded, helpers)


def of_chapter(chapter: Chapter) -> list[Output]:
    """The figures and tables of a chapter."""
    left_out = {"setup", "live", "quiz"}  # a live twin shows what the figure before it shows
    return list(outputs(cell.source for cell in chapter.code if not left_out & cell.tags))


def _statements(
    body: list[ast.stmt], recorded: set[str], helpers: dict[str, str]
) -> Iterator[Output]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            if _depends(node, recorded):
                recorded.add(node.name)
            for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
                if kind := _kind(call, helpers):
                    helpers[node.name] = kind
            continue
        if isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.Try):
            if isinstance(node, ast.For):
                _assign([node.target], node.iter, recorded)
            for item in getattr(node, "items", []):
                if item.optional_vars is not None:
                    _assign([item.optional_vars], item.context_expr, recorded)
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []), recorded, helpers)
            continue
        for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
            if kind := _kind(call, helpers):
                shown = call.args if isinstance(call.func, ast.Name) else call.args[:1]
                is_recorded = any(_depends(each, recorded) for each in (call.func, *shown))
                yield Output(kind, ast.unparse(call)[:70], is_recorded)
            elif isinstance(call.func, ast.Attribute) and call.func.attr in GROWS:
                if any(_depends(each, recorded) for each in call.args):
                    recorded |= _names(call.func.value)
        if isinstance(node, ast.Assign):
            _assign(node.targets, node.value, recorded)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _assign([node.target], node.value, recorded)
        elif isinstance(node, ast.AugAssign) and _depends(node.value, recorded):
            recorded |= _names(node.target)


def _kind(call: ast.Call, helpers: dict[str, str]) -> str | None:
    """What a call shows: by ``figures.show`` or ``figures.table``, or by a function of these."""
    if isinstance(call.func, ast.Name):
        return helpers.get(call.func.id)
    is_figures = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "figures"
    return SHOWS.get(call.func.attr) if is_figures else None


def _assign(targets: list[ast.expr], value: ast.expr, recorded: set[str]) -> None:
    depends = _depends(value, recorded)
    for target in targets:
        plain = {inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        if depends:
            recorded |= plain
        elif not isinstance(target, ast.Subscript | ast.Attribute):
            recorded -= plain


def _depends(node: ast.AST, recorded: set[str]) -> bool:
    return bool(_names(node) & recorded) or any(
        isinstance(inner, ast.Attribute) and ast.unparse(inner) == "provenance.load"
        for inner in ast.walk(node)
    )


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}

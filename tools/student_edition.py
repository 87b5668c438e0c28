"""Write the notebooks without the solutions of their exercises, for a class.

    python tools/student_edition.py --out student        # or: make student OUT=student

Each exercise keeps its text, its stub and its check; the solution goes, and so does everything that
was ever computed from it. An untouched edition runs from top to bottom: a check says *not done yet*
as long as the stub raises its NotImplementedError, and checks for real whatever takes its place.
The glossary and the references lie beside the notebooks, as in the book.

A second run renews what came from here, and stops before it writes anything if somebody has worked
in one of the notebooks; ``--force`` overwrites that work.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import io
import json
import os
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

BESIDE = ("glossary.md", "references.bib")
"""What the notebooks link to and cite from."""

RECORD = ".student-edition.json"
"""In the edition's folder: what was written there, to tell it from what a student changed."""

# What is inside a STRING token, or since Python 3.12 inside one of these, must stay as it is.
TEXT_TOKENS = {
    getattr(tokenize, name)
    for name in ("STRING", "FSTRING_MIDDLE", "TSTRING_MIDDLE")
    if hasattr(tokenize, name)
}


class CannotConvert(ValueError):
    """A notebook that cannot become a student's; the message says what to do."""


def student_notebook(notebook: Mapping) -> dict:
    """A notebook without solutions and outputs whose exercises' checks wait for an answer.

    Args:
        notebook: as read from an ``.ipynb`` file; left as it is.

    Raises:
        CannotConvert: an exercise does not have the form that CONTRIBUTING.md asks for, or another
            cell needs its solution.
    """
    cells, hints = [], {}
    number, own, solved = "", set(), False
    for index, original in enumerate(notebook["cells"]):
        cell, source, tags = copy.deepcopy(original), _source(original), _tags(original)
        if "solution" in tags:
            if not own:
                raise CannotConvert(f"cell {index} is a solution, and no exercise is before it")
            solved = True
            continue
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            if "exercise" in tags:
                stubs = _stubs(source, index)
                number, own, solved = _number(cells, index), set(stubs), False
                hints |= stubs
            elif hints and (needed := _called(source, index) & set(hints)):
                if "check" not in tags:
                    raise CannotConvert(
                        f"cell {index} calls {', '.join(sorted(needed))}, which students have yet "
                        "to write; move it into the check of that exercise"
                    )
                known = [hints[name] for name in hints if name in needed]
                cell["source"] = _lines(waiting(source, number, known, index))
                own = set()
            elif solved and own:
                raise CannotConvert(
                    f"cell {index} follows the solution of exercise {number} and does not call "
                    f"{', '.join(sorted(own))}; tag the cell that checks the exercise `check`"
                )
        cells.append(cell)
    if own:
        raise CannotConvert(f"nothing checks exercise {number}; add a cell tagged `check` to it")
    about = notebook["metadata"]
    kept = {key: about[key] for key in ("kernelspec", "language_info") if key in about}
    return {**copy.deepcopy(dict(notebook)), "cells": cells, "metadata": kept}


def waiting(source: str, number: str, hints: list[str], index: int = 0) -> str:
    """The check of an exercise, which while a stub still raises says so instead of failing.

    Only the stub's own error counts, known by its text: PyTorch, too, raises NotImplementedError,
    and a wrong answer must not pass for none.

    Args:
        source: the check's code.
        number: of the exercise.
        hints: what the stubs that it calls say.
        index: of the cell, for messages.
    """
    tree = _parsed(source, index)
    if isinstance(last := tree.body[-1], ast.Expr) and not _shows_itself(last.value):
        # Jupyter shows the value of a last expression, unless it stands inside a block.
        opened, closed = ("((", "))") if isinstance(last.value, ast.Tuple) else ("(", ")")
        source = _around(source, last.value, f"display{opened}", closed)
    quoted = [json.dumps(hint, ensure_ascii=False) for hint in hints]
    other = (
        f"str(hint) != {quoted[0]}" if len(quoted) == 1 else f"str(hint) not in {_tuple(quoted)}"
    )
    checked = (
        "# Waits for your answer above, then checks it.\n"
        f"try:\n{_indented(source)}\n"
        "except NotImplementedError as hint:\n"
        f"    if {other}:\n"
        "        raise\n"
        f'    print("Exercise {number} is not done yet:", hint)'
    )
    block = ast.parse(checked).body[0]
    if ast.dump(ast.Module(block.body, [])) != ast.dump(ast.Module(ast.parse(source).body, [])):
        raise CannotConvert(f"cell {index} changes its meaning when it is indented; rewrite it")
    return checked


def edition(book: Path) -> dict[str, str]:
    """All files of the edition, by name, made from the folder of the book.

    Raises:
        CannotConvert: the message names the notebook and its cell.
        FileNotFoundError: there are no notebooks, or one of the files beside them is missing.
    """
    notebooks = sorted(book.glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"no notebooks in {book}; name the book's folder with --book")
    names = {file.name for file in notebooks}.union(BESIDE)
    files = {}
    for file in notebooks:
        try:
            made = student_notebook(json.loads(file.read_text(encoding="utf-8")))
        except (CannotConvert, json.JSONDecodeError, KeyError) as error:
            raise CannotConvert(f"{file}: {error}") from error
        for cell in made["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = _lines(_without_links(_source(cell), book, names))
        files[file.name] = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return files | {name: (book / name).read_text(encoding="utf-8") for name in BESIDE}


def write(files: Mapping[str, str], out: Path, *, force: bool = False) -> list[str]:
    """Bring a folder up to date and return the names of the files written.

    Notebooks that were only run, and not edited, count as unchanged and stay as they are unless
    the book's have changed. Files of other names are never touched.

    Raises:
        FileExistsError: somebody changed files there, and ``force`` is not set; nothing is written.
        NotADirectoryError: ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file; name a folder with OUT= or --out")
    record = out / RECORD
    try:
        written = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    except json.JSONDecodeError:
        written = {}  # Damaged: then whatever differs may be a student's.
    here = {name: fingerprint(name, out / name) for name in files if (out / name).exists()}
    wanted = {name: fingerprint(name, text) for name, text in files.items()}
    stale = [name for name in files if here.get(name) != wanted[name]]
    edited = [name for name in stale if name in here and here[name] != written.get(name)]
    if edited and not force:
        raise FileExistsError(
            f"somebody worked in {', '.join(edited)} in {out}; nothing was written. Choose another "
            "folder (make student OUT=...; --out), or overwrite that work (FORCE=1; --force)"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in stale:
        _replace(out / name, files[name])
        # After every file: a run that is stopped knows its own files when it is started again.
        written[name] = wanted[name]
        _replace(record, json.dumps(written, indent=1) + "\n")
    return stale


def fingerprint(name: str, content: str | Path) -> str:
    """A hash of a file's text; of a notebook its cells' kinds and sources alone count."""
    if isinstance(content, Path):
        if not content.is_file():
            return "no file"
        content = content.read_bytes().decode("utf-8", errors="surrogateescape")
    if name.endswith(".ipynb"):
        try:
            cells = [(cell["cell_type"], _source(cell)) for cell in json.loads(content)["cells"]]
        except (json.JSONDecodeError, KeyError, TypeError):
            pass  # No notebook any more: whatever it is, it is not what was written.
        else:
            content = json.dumps(cells)
    return hashlib.sha256(content.encode("utf-8", errors="surrogateescape")).hexdigest()


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.part")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, file)


def _source(cell: Mapping) -> str:
    return "".join(cell["source"])


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def _tags(cell: Mapping) -> set[str]:
    return set(cell["metadata"].get("tags", ()))


def _parsed(source: str, index: int) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise CannotConvert(
            f"cell {index} is not plain Python ({error.msg}); exercises and what follows them "
            "cannot use magics"
        ) from error


def _stubs(source: str, index: int) -> dict[str, str]:
    """What each function of a stub says when it is called."""
    stubs = {}
    for function in _parsed(source, index).body:
        if isinstance(function, ast.FunctionDef):
            match function.body[-1]:
                case ast.Raise(
                    exc=ast.Call(
                        func=ast.Name("NotImplementedError"), args=[ast.Constant(str(hint))]
                    )
                ) if hint:
                    stubs[function.name] = hint
                case _:
                    raise CannotConvert(
                        f"cell {index}: {function.name} is no stub; end it with "
                        'raise NotImplementedError("a hint")'
                    )
    if not stubs:
        raise CannotConvert(f"cell {index} is tagged `exercise` and defines no function")
    return stubs


def _number(cells: list[dict], index: int) -> str:
    """The number of the exercise whose stub comes next."""
    for cell in reversed(cells):
        if cell["cell_type"] == "markdown":
            if found := re.findall(r"^### Exercise (\d+)", _source(cell), re.MULTILINE):
                return found[-1]
            break
    raise CannotConvert(f"cell {index}: the text above has no heading `### Exercise N: title`")


def _called(source: str, index: int) -> set[str]:
    """Names that some code refers to."""
    return {node.id for node in ast.walk(_parsed(source, index)) if isinstance(node, ast.Name)}


def _shows_itself(value: ast.expr) -> bool:
    """Whether an expression has nothing for Jupyter to show: print(...) and figures.show(...)."""
    if not isinstance(value, ast.Call):
        return False
    return (getattr(value.func, "id", None) or getattr(value.func, "attr", None)) in (
        "print",
        "show",
    )


def _around(source: str, node: ast.expr, before: str, after: str) -> str:
    """Source with text put around a node; columns of syntax trees are counted in bytes."""
    lines = [line.encode() for line in _lines(source)]
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    text = b"".join(lines)
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    return (text[:begin] + before.encode() + text[begin:end] + after.encode() + text[end:]).decode()


def _indented(source: str) -> str:
    inside = set(_inside_texts(source))
    return "\n".join(
        f"    {line}" if line.strip() and number not in inside else line
        for number, line in enumerate(source.splitlines(), start=1)
    )


def _inside_texts(source: str) -> Iterator[int]:
    """Numbers of the lines that begin inside a text of several lines."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXT_TOKENS:
            yield from range(token.start[0] + 1, token.end[0] + 1)


def _tuple(items: list[str]) -> str:
    return "".join(("(\n", *(f"        {item},\n" for item in items), "    )"))


def _without_links(text: str, book: Path, names: set[str]) -> str:
    """Markdown whose links to pages of the book that stay behind have become plain text."""

    def plain(link: re.Match) -> str:
        page = link["page"]
        left_behind = page not in names and (book / page).is_file()
        return (link["text"] or Path(page).stem) if left_behind else link[0]

    return re.sub(r"(?<!!)\[(?P<text>[^][]*)\]\((?P<page>[\w./-]+)(#[\w-]*)?\)", plain, text)


def main(arguments: list[str] | None = None) -> int:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description="Write the notebooks without solutions, still running from top to bottom."
    )
    parser.add_argument("--out", type=Path, default=root / "student", help="folder to write to")
    parser.add_argument("--book", type=Path, default=root / "book", help="folder of the chapters")
    parser.add_argument(
        "--force", action="store_true", help="overwrite notebooks that somebody has worked in"
    )
    given = parser.parse_args(arguments)
    out, book = given.out.resolve(), given.book.resolve()
    if out == book or book in out.parents:
        print(f"{given.out} is where the book itself lies; choose another folder", file=sys.stderr)
        return 1
    try:
        files = edition(book)
        written = write(files, out, force=given.force)
    except (CannotConvert, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The student edition is in {given.out}: {len(files)} files, {len(written)} of them new")
    return 0


if __name__ == "__main__":
    sys.exit(main())

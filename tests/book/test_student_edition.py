"""The student edition: no solution is left, and checks wait for an answer without trusting one."""

from __future__ import annotations

import ast
import builtins
import copy
import json
import re
import symtable
from pathlib import Path

import nbformat
import pytest

from tests.book import chapters as book
from tests.book.chapters import Cell, Chapter
from tools import student_edition
from tools.student_edition import CannotConvert, student_notebook, waiting

EXERCISES = [
    chapter for chapter in book.chapters() if any("exercise" in cell.tags for cell in chapter.code)
]
each_chapter = pytest.mark.parametrize("chapter", EXERCISES, ids=lambda chapter: chapter.path.stem)

STUB = 'def double(number):\n    """Twice the number."""\n    raise NotImplementedError("add it")'
SOLUTION = "def double(number):\n    secret = number\n    return number + secret"
CHECK = 'assert double(2) == 4, "twice two"\nprint("well done")'


def code(source: str, *tags: str, **metadata: object) -> dict:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags), **metadata})
    cell["outputs"] = [nbformat.v4.new_output("stream", text="from secret number")]
    return cell


def text(source: str) -> dict:
    return nbformat.v4.new_markdown_cell(source)


def toy(check: str = CHECK, stub: str = STUB, then: str = 'print("the end")') -> dict:
    """A chapter with one exercise, run and saved with everything that Jupyter leaves behind."""
    return nbformat.v4.new_notebook(
        cells=[
            text("# Toy\n\n[Next](other.ipynb), [](withheld.md), [a term](glossary.md#term)"),
            code("%matplotlib inline", "setup"),
            text("### Exercise 7: double it"),
            code(stub, "exercise"),
            code(SOLUTION, "solution", "hide-input", jupyter={"source_hidden": True}),
            code(check, "check"),
            code(then),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "widgets": {"state": "secret number"},
        },
    )


def sources(notebook: dict, tag: str) -> list[str]:
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if tag in cell["metadata"].get("tags", ())
    ]


def answered(edition: dict, answer: str, capsys: pytest.CaptureFixture) -> str:
    """What stub, answer and check print, one after the other."""
    namespace: dict = {"display": lambda value: print("shown:", value)}
    for source in (*sources(edition, "exercise"), answer, *sources(edition, "check")):
        exec(compile(source, "cell", "exec"), namespace)
    return capsys.readouterr().out


def test_an_untouched_exercise_says_so_and_goes_on(capsys: pytest.CaptureFixture) -> None:
    assert answered(student_notebook(toy()), "", capsys) == "Exercise 7 is not done yet: add it\n"


def test_a_right_answer_passes(capsys: pytest.CaptureFixture) -> None:
    assert answered(student_notebook(toy()), SOLUTION, capsys) == "well done\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("def double(number):\n    return number", AssertionError),
        ("def double(number):\n    return number +* 2", SyntaxError),
        ("def double(number):\n    return numbre * 2", NameError),
        # What PyTorch raises for an operation that a dtype lacks is no missing answer.
        (
            "def double(number):\n    raise NotImplementedError('not implemented for Half')",
            NotImplementedError,
        ),
    ],
)
def test_a_wrong_answer_fails(
    answer: str, error: type[Exception], capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(error):
        answered(student_notebook(toy()), answer, capsys)


def test_an_exercise_of_two_functions_waits_for_both(capsys: pytest.CaptureFixture) -> None:
    stub = f'{STUB}\n\n\ndef half(number):\n    raise NotImplementedError("so \\"halve\\" it")'
    check = f'{CHECK}\nassert half(2) == 1, "half of two"'
    edition = student_notebook(toy(check, stub))
    printed = answered(edition, SOLUTION, capsys)
    assert printed == 'well done\nExercise 7 is not done yet: so "halve" it\n'
    with pytest.raises(AssertionError, match="half of two"):
        answered(edition, f"{SOLUTION}\n\n\ndef half(number):\n    return number", capsys)


def test_a_check_keeps_its_texts_and_what_it_shows(capsys: pytest.CaptureFixture) -> None:
    long = (
        'story = """a\n  b\nc"""\nassert double(2) == 4, "é" # the same\n# why\n"ü", [story, (\n1)]'
    )
    printed = answered(student_notebook(toy(long)), SOLUTION, capsys)
    assert printed == "shown: ('ü', ['a\\n  b\\nc', 1])\n"


def test_nothing_of_the_solution_is_left() -> None:
    original = toy()
    before = copy.deepcopy(original)
    edition = student_notebook(original)
    assert original == before, "the book's notebook was changed"
    assert "secret" in json.dumps(original) and "secret" not in json.dumps(edition)
    assert sources(edition, "exercise") == [STUB]
    assert [cell["execution_count"] for cell in edition["cells"] if "outputs" in cell] == [None] * 4
    nbformat.validate(nbformat.from_dict(edition))


@pytest.mark.parametrize(
    ("notebook", "message"),
    [
        (toy(then="double(8)"), "cell 6 calls double"),
        (toy(check="assert True"), "cell 5 follows the solution of exercise 7"),
        (toy(stub="def double(number):\n    return 0"), "double is no stub"),
        (toy(stub="double = None"), "defines no function"),
        (toy(check="%time double(2)"), "cell 5 is not plain Python"),
        ({**toy(), "cells": toy()["cells"][4:]}, "no exercise is before it"),
        ({**toy(), "cells": toy()["cells"][:5]}, "nothing checks exercise 7"),
        ({**toy(), "cells": toy()["cells"][3:]}, "no heading `### Exercise N"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_converted_says_why(notebook: dict, message: str) -> None:
    with pytest.raises(CannotConvert, match=re.escape(message)):
        student_notebook(notebook)


# The folder.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A book of two chapters with what lies beside them."""
    folder = tmp_path / "book"
    folder.mkdir()
    for name in ("toy.ipynb", "other.ipynb"):
        (folder / name).write_text(json.dumps(toy()), encoding="utf-8")
    for name in ("glossary.md", "references.bib", "withheld.md"):
        (folder / name).write_text(f"{name}, é\n", encoding="utf-8")
    return folder


def run(folder: Path, out: Path, *options: str) -> int:
    return student_edition.main(["--book", str(folder), "--out", str(out), *options])


def files(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in out.iterdir()}


def test_the_folder_holds_what_the_notebooks_need(folder: Path, tmp_path: Path) -> None:
    assert run(folder, out := tmp_path / "class" / "one") == 0
    assert set(files(out)) == {
        "toy.ipynb",
        "other.ipynb",
        "glossary.md",
        "references.bib",
        student_edition.RECORD,
    }
    first = nbformat.read(out / "toy.ipynb", as_version=4).cells[0].source
    assert first == "# Toy\n\n[Next](other.ipynb), withheld, [a term](glossary.md#term)"


def test_a_second_run_renews_what_came_from_here(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder, out) == run(folder, out) == 0
    ran = json.loads((out / "toy.ipynb").read_text(encoding="utf-8"))
    ran["cells"][3]["outputs"], ran["metadata"]["widgets"] = [], {"run": "only"}
    (out / "toy.ipynb").write_text(json.dumps(ran), encoding="utf-8")
    (out / "my-notes.md").write_text("mine", encoding="utf-8")
    before = files(out)
    assert run(folder, out) == 0
    assert files(out) == before, "a notebook that was only run is left alone"
    (folder / "toy.ipynb").write_text(json.dumps(toy(then='print("new")')), encoding="utf-8")
    assert run(folder, out) == 0
    assert b'print(\\"new\\")' in files(out)["toy.ipynb"]
    assert files(out)["my-notes.md"] == b"mine"


@pytest.mark.parametrize("record", ["as written", "damaged", "gone"])
@pytest.mark.parametrize("work", ["an answer", "no notebook any more"])
def test_a_students_work_is_not_overwritten(
    work: str, record: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    run(folder, out)
    mine = json.loads((out / "toy.ipynb").read_text(encoding="utf-8"))
    mine["cells"][3]["source"] = SOLUTION
    content = json.dumps(mine) if work == "an answer" else "\xff{"
    (out / "toy.ipynb").write_bytes(content.encode("latin-1"))
    if record == "damaged":
        (out / student_edition.RECORD).write_text("{", encoding="utf-8")
    if record == "gone":
        (out / student_edition.RECORD).unlink()
    # The other chapter is new, and is not written either.
    (folder / "other.ipynb").write_text(json.dumps(toy(then='print("new")')), encoding="utf-8")
    before = files(out)
    capsys.readouterr()
    assert run(folder, out) == 1
    said = capsys.readouterr().err
    assert "toy.ipynb" in said and "--force" in said
    assert files(out) == before
    assert run(folder, out, "--force") == 0
    assert "secret" not in files(out)["toy.ipynb"].decode()
    assert run(folder, out) == 0


def test_bad_input_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    assert run(folder, folder) == run(folder, folder / "inside") == 1
    assert "choose another folder" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert run(folder, tmp_path / "file") == 1
    assert "is a file" in capsys.readouterr().err
    assert run(tmp_path / "nowhere", out) == 1
    assert "--book" in capsys.readouterr().err
    (folder / "toy.ipynb").write_text(json.dumps(toy(then="double(8)")), encoding="utf-8")
    assert run(folder, out) == 1
    assert "toy.ipynb: cell 6 calls double" in capsys.readouterr().err
    (folder / "toy.ipynb").write_text("{", encoding="utf-8")
    assert run(folder, out) == 1
    assert not out.exists()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# The book's own chapters.


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return student_edition.edition(book.ROOT / "book")


def test_every_notebook_of_the_book_is_there(made: dict[str, str]) -> None:
    notebooks = {name for name in made if name.endswith(".ipynb")}
    assert notebooks == {chapter.path.name for chapter in book.chapters()}
    linked = {
        page
        for content in made.values()
        for page in re.findall(r"\]\(([\w./-]+\.(?:ipynb|md))", content)
    }
    assert linked <= set(made), "a link leads out of the folder"


@each_chapter
def test_a_chapter_loses_its_solutions_and_nothing_else(
    chapter: Chapter, made: dict[str, str]
) -> None:
    content = made[chapter.path.name]
    edition = json.loads(content)
    nbformat.validate(nbformat.from_dict(edition))
    before = {cell["id"]: cell for cell in chapter.notebook["cells"]}
    after = {cell["id"]: cell for cell in edition["cells"]}
    gone = [before[name] for name in before if name not in after]
    assert [name for name in before if name in after] == list(after)
    assert gone and all("solution" in cell["metadata"]["tags"] for cell in gone)
    assert not sources(edition, "solution")
    kept = "\n".join("".join(cell["source"]) for cell in before.values() if cell not in gone)
    for cell in gone:
        # A line that the solution shares with the stub or the chapter tells nothing.
        for line in "".join(cell["source"]).splitlines():
            if len(line.strip()) > 12 and line.strip() not in kept:
                assert json.dumps(line.strip(), ensure_ascii=False)[1:-1] not in content, line
    checks = sources(edition, "check")
    for name, cell in after.items():
        if cell["source"] != before[name]["source"] and cell["cell_type"] == "code":
            assert "check" in cell["metadata"]["tags"]
    waits = [check for check in checks if "is not done yet" in check]
    assert len(waits) == len(sources(edition, "exercise")) == len(gone)
    live = sources(chapter.notebook, "live")
    assert sources(edition, "live") == live


def names(cell: Cell) -> tuple[set[str], set[str]]:
    """The global names that a cell looks up, and those that it binds."""
    whole = symtable.symtable(ast.unparse(cell.tree()), "cell", "exec")
    looked_up: set[str] = set()
    inner = [whole]
    while inner:
        table = inner.pop()
        inner += table.get_children()
        looked_up |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is whole or symbol.is_global())
        }
    bound = {
        symbol.get_name()
        for symbol in whole.get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }
    return looked_up, bound


@each_chapter
def test_nothing_depends_on_a_solution(chapter: Chapter) -> None:
    """Also not on a check, which ends early as long as its stub stands."""
    given = {*dir(builtins), "get_ipython", "display"}  # IPython has two of its own
    unsure: set[str] = set()
    mine: set[str] = set()
    after_solution = False
    for cell in chapter.code:
        looked_up, bound = names(cell)
        if "solution" in cell.tags:
            after_solution = True
        elif "exercise" in cell.tags:
            mine = bound
        else:
            known = given | mine | bound if after_solution else given | bound
            missing = looked_up - known
            assert not missing, f"cell {cell.index} needs {missing} of an exercise"
            changed = looked_up & unsure - bound
            assert not changed, f"cell {cell.index} uses {changed}, which a check changes"
            if after_solution:
                unsure |= bound
            else:
                given |= bound
            after_solution = False


def test_a_chapter_runs_untouched_and_holds_answers_to_account(
    made: dict[str, str], tmp_path: Path
) -> None:
    """In one kernel: the edition as it is, then right answers, a wrong one."""
    from nbclient import NotebookClient

    name = "07_outlook.ipynb"
    notebook = nbformat.reads(made[name], as_version=4)
    stubs = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", ())]
    checks = [cell for cell in notebook.cells if "is not done yet" in cell.source]
    solutions = sources(book.Chapter(book.ROOT / "book" / name).notebook, "solution")
    (first, *_) = re.findall(r"^def (\w+)\(", stubs[0].source, re.MULTILINE)
    nothing = f"def {first}(*arguments, **keywords):\n    return None"

    def then(source: str, *tags: str) -> nbformat.NotebookNode:
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
        notebook.cells.append(cell)
        return cell

    answered = []
    for solution, check in zip(solutions, checks, strict=True):
        then(solution)
        answered.append(then(check.source))
    then(nothing)
    wrong = then(checks[0].source, "raises-exception")
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()

    def printed(cell: nbformat.NotebookNode) -> str:
        return "".join(output.get("text", "") for output in cell.outputs)

    assert all("is not done yet" in printed(check) for check in checks)
    assert not any("is not done yet" in printed(check) for check in answered)
    assert any(output.output_type == "error" for output in wrong.outputs)


def test_a_check_by_itself() -> None:
    assert waiting("assert double(2) == 4", "1", ["add it"]) == (
        "# Waits for your answer above, then checks it.\n"
        "try:\n"
        "    assert double(2) == 4\n"
        "except NotImplementedError as hint:\n"
        '    if str(hint) != "add it":\n'
        "        raise\n"
        '    print("Exercise 1 is not done yet:", hint)'
    )

"""What every chapter is made of. CONTRIBUTING.md says the same in prose."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from pathlib import Path

import nbformat
import nbstripout
import pytest

from tests.book import chapters as book
from tests.book.chapters import Cell, Chapter, calls

CHAPTERS = book.chapters()
SETUP = (book.ROOT / "tools" / "setup-cell.ipy").read_text(encoding="utf-8").strip()
each_page = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path.stem)
# The numbered notebooks teach, and so do appendices with exercises; the others only show.
NUMBERED = [chapter for chapter in CHAPTERS if re.match(r"\d\d_", chapter.path.stem)]
LESSONS = [
    chapter
    for chapter in CHAPTERS
    if chapter in NUMBERED or any("exercise" in cell.tags for cell in chapter.code)
]
each_chapter = pytest.mark.parametrize("chapter", NUMBERED, ids=lambda chapter: chapter.path.stem)
each_lesson = pytest.mark.parametrize("chapter", LESSONS, ids=lambda chapter: chapter.path.stem)


def functions(cell: Cell) -> dict[str, ast.FunctionDef]:
    """The functions that a cell defines, by name."""
    return {node.name: node for node in cell.tree().body if isinstance(node, ast.FunctionDef)}


def followers(chapter: Chapter, cell: Cell) -> list[Cell]:
    """The code cells after a cell."""
    return [other for other in chapter.code if other.index > cell.index]


def headings(chapter: Chapter) -> list[tuple[int, str]]:
    """(level, text) of all headings, those in fenced blocks left out."""
    text = re.sub(r"^(```|:::).*?^\1", "", chapter.text, flags=re.DOTALL | re.MULTILINE)
    return [(len(m[1]), m[2].strip()) for m in re.finditer(r"^(#+)\s+(.*)$", text, re.MULTILINE)]


def test_every_notebook_is_in_the_contents() -> None:
    found = {file.relative_to(book.ROOT) for file in (book.ROOT / "book").glob("*.ipynb")}
    listed = {chapter.path.relative_to(book.ROOT) for chapter in CHAPTERS}
    assert found == listed


@each_page
def test_no_outputs_are_stored(chapter: Chapter) -> None:
    notebook = nbformat.read(chapter.path, as_version=4)
    stripped = nbstripout.strip_output(
        nbformat.read(chapter.path, as_version=4), keep_output=False, keep_count=False, keep_id=True
    )
    assert notebook == stripped, "run `make strip`"
    assert notebook.metadata.kernelspec.name == "python3"


@each_chapter
def test_it_begins_with_what_it_is_for(chapter: Chapter) -> None:
    first = chapter.cells[0]
    assert first.kind == "markdown"
    for promise in ("Objectives:", "Prerequisites:", "Time:"):
        assert f"**{promise}**" in first.source, f"the first cell lacks **{promise}**"
    assert re.search(r"\*\*Time:\*\*.*\d+ minutes?", first.source)


@each_page
def test_the_setup_cell_comes_second(chapter: Chapter) -> None:
    cell = chapter.cells[1]
    assert cell.source.strip() == SETUP, "copy tools/setup-cell.ipy, or run `make address`"
    assert {"setup", "remove-cell"} <= cell.tags
    others = [other.index for other in chapter.code[1:] if "setup" in other.tags]
    assert not others


@each_page
def test_headings_are_in_order(chapter: Chapter) -> None:
    found = headings(chapter)
    assert found[0][0] == 1
    assert [level for level, _ in found].count(1) == 1
    for (above, _), (below, text) in zip(found, found[1:], strict=False):
        assert below <= above + 1, f"{text!r} skips a level"


@each_chapter
def test_it_ends_with_exercises_a_summary_and_its_sources(chapter: Chapter) -> None:
    sections = [text for level, text in headings(chapter) if level == 2]
    assert {"Exercises", "Summary", "Sources"} <= set(sections)
    assert sections[-1] == "Sources"
    assert "{bibliography}" in chapter.text


@each_page
def test_figures_are_shown_in_one_way(chapter: Chapter) -> None:
    for cell in chapter.code:
        for call in calls(cell.tree(), "show"):
            given = {keyword.arg for keyword in call.keywords}
            name = next((k.value for k in call.keywords if k.arg == "name"), None)
            where = f"cell {cell.index}: {ast.unparse(call)[:60]}"
            assert isinstance(name, ast.Constant), f"{where}: name must be written out"
            assert {"alt", "caption"} <= given, f"{where}: alt and caption are missing"


def test_figure_names_are_unique_in_the_book() -> None:
    names = Counter(name for chapter in CHAPTERS for name in book.figure_names(chapter))
    assert [name for name, count in names.items() if count > 1] == []


@each_page
def test_live_widgets_stay_off_the_page(chapter: Chapter) -> None:
    shown_before = False
    for cell in chapter.code:
        if calls(cell.tree(), "live"):
            assert {"live", "remove-cell"} <= cell.tags, f"cell {cell.index}"
            assert shown_before, f"cell {cell.index}: the page needs a figure of the same idea"
        shown_before = shown_before or bool(calls(cell.tree(), "show"))


@each_lesson
def test_checks_say_what_to_look_at(chapter: Chapter) -> None:
    checks = [cell for cell in chapter.code if "check" in cell.tags]
    assert checks, "a chapter has at least one check cell"
    for cell in checks:
        asserts = [node for node in ast.walk(cell.tree()) if isinstance(node, ast.Assert)]
        assert asserts, f"cell {cell.index} checks nothing"
        assert all(node.msg for node in asserts), f"cell {cell.index}: an assert has no message"


@each_lesson
def test_what_you_should_see_is_checked(chapter: Chapter) -> None:
    cells = chapter.cells
    expectations = [cell for cell in cells if "What you should see" in cell.source]
    assert expectations
    for cell in expectations:
        following = cells[cell.index + 1]
        assert "check" in following.tags, f"cell {cell.index} is not followed by its check"


@each_lesson
def test_exercises_have_a_stub_a_solution_and_a_check(chapter: Chapter) -> None:
    stubs = [cell for cell in chapter.code if "exercise" in cell.tags]
    assert (2 if chapter in NUMBERED else 1) <= len(stubs) <= 4
    for stub in stubs:
        title, (solution, check) = chapter.cells[stub.index - 1], followers(chapter, stub)[:2]
        where = f"cell {stub.index}"
        assert re.search(r"^### Exercise \d+: ", title.source, re.MULTILINE), where
        assert {"solution", "hide-input"} <= solution.tags, f"{where}: no folded solution follows"
        assert solution.metadata.get("jupyter", {}).get("source_hidden"), where
        assert "check" in check.tags, f"{where}: nothing checks the solution"
        assert functions(stub), f"{where}: the stub defines no function"
        for name, function in functions(stub).items():
            solved = functions(solution).get(name)
            assert solved, f"{where}: the solution does not define {name}"
            assert ast.unparse(solved.args) == ast.unparse(function.args), f"{where}: {name}"
            # With the stub still in place the check must fail, so it must call the function.
            assert calls(check.tree(), name), f"{where}: the check does not call {name}"


@each_chapter
def test_a_quiz_comes_before_the_exercises(chapter: Chapter) -> None:
    sections = [text for level, text in headings(chapter) if level == 2]
    place = sections.index("Check yourself")
    assert sections[place + 1] == "Exercises"
    (cell,) = (cell for cell in chapter.code if "quiz" in cell.tags)
    above = [other.source for other in chapter.cells[: cell.index] if other.kind == "markdown"]
    assert re.search(r"^## (.*)$", above[-1], re.MULTILINE)[1] == "Check yourself"
    # Nobody should read the answers with the questions, neither on the page nor in JupyterLab.
    assert "remove-input" in cell.tags
    assert cell.metadata.get("jupyter", {}).get("source_hidden")


@each_chapter
def test_a_quiz_answers_every_option(chapter: Chapter) -> None:
    """The cell runs by itself, and what makes no good question is refused when it does."""
    (cell,) = (cell for cell in chapter.code if "quiz" in cell.tags)
    *before, shown = cell.tree().body
    namespace: dict = {}
    exec(compile(ast.Module(before, []), str(chapter.path), "exec"), namespace)
    assert isinstance(shown, ast.Expr), "the quiz is the cell's last expression"
    html = eval(compile(ast.Expression(shown.value), str(chapter.path), "eval"), namespace).data
    questions = html.split("<li>")[1:]
    assert len(questions) >= 3
    for question in questions:
        feedback = re.findall(r"</summary><p [^>]*><strong>[\w ]+\.</strong> \w+", question)
        assert len(feedback) == question.count("<details>") >= 2, question
    places = {question.partition("Right.")[0].count("<details>") for question in questions}
    assert len(places) > 1, "the right answer always stands at the same place"


def test_quiz_names_are_unique_in_the_book() -> None:
    names = Counter(name for chapter in CHAPTERS for name in book.quiz_names(chapter))
    assert [name for name, count in names.items() if count > 1] == []


@each_lesson
def test_stubs_are_not_implemented_yet(chapter: Chapter) -> None:
    for stub in (cell for cell in chapter.code if "exercise" in cell.tags):
        for name, function in functions(stub).items():
            # Default values and annotations may need the chapter's imports: leave them out.
            function.args.defaults, function.args.kw_defaults = (
                [],
                [None] * len(function.args.kwonlyargs),
            )
            positional = [*function.args.posonlyargs, *function.args.args]
            for argument in (*positional, *function.args.kwonlyargs):
                argument.annotation = None
            function.returns, function.decorator_list = None, []
            module = ast.fix_missing_locations(ast.Module([function], []))
            namespace: dict = {}
            exec(compile(module, str(chapter.path), "exec"), namespace)
            keywords = {argument.arg: None for argument in function.args.kwonlyargs}
            with pytest.raises(NotImplementedError, match=r"\w"):
                namespace[name](*[None] * len(positional), **keywords)


@each_page
def test_what_is_taught_agrees_with_the_library(chapter: Chapter) -> None:
    """The check cell compares the two (nbval runs it); here: there is one, and it calls both."""
    for cell in chapter.code:
        taught = cell.tagged("taught")
        if taught is None:
            continue
        where = f"cell {cell.index}, taught:{taught}"
        module, _, name = taught.rpartition(".")
        assert hasattr(importlib.import_module(module), name), f"{where}: no such function"
        by_hand = [own for own in functions(cell) if own in (name, f"{name}_by_hand")]
        assert by_hand, f"{where}: the cell defines neither {name} nor {name}_by_hand"
        check = followers(chapter, cell)[0]
        assert "check" in check.tags, f"{where}: the next code cell is no check"
        called = Counter(
            getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            for node in ast.walk(check.tree())
            if isinstance(node, ast.Call)
        )
        assert called[by_hand[0]] >= 1, f"{where}: the check does not call {by_hand[0]}"
        assert called[name] >= 1 + (by_hand[0] == name), f"{where}: the library is not called"


@each_page
def test_code_fits_the_column(chapter: Chapter) -> None:
    wide = [
        f"cell {cell.index}: {line}"
        for cell in chapter.code
        if not {"setup", "remove-cell"} & cell.tags
        for line in cell.source.splitlines()
        if len(line) > 80
    ]
    assert not wide


def test_the_setup_cell_pins_what_the_project_pins() -> None:
    lock = (book.ROOT / "requirements.lock").read_text(encoding="utf-8").lower().splitlines()
    pins = re.findall(r"[\w-]+==\S+", SETUP)
    assert pins
    assert [pin for pin in pins if pin.lower() not in lock] == []


def test_the_setup_cell_does_nothing_here(tmp_path: Path) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    def refuse() -> None:
        raise AssertionError("the setup cell installs something")

    code = TransformerManager().transform_cell(SETUP)
    assert "get_ipython" in code, "the test looks at what the cell would run"
    exec(compile(code, "setup-cell", "exec"), {"get_ipython": refuse})

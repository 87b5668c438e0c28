"""The instructors' guide names what there is: figures, exercises, targets and commands."""

from __future__ import annotations

import re
import shlex

import pytest

from poisonlib import cli
from tests.book import chapters as book

GUIDE = (book.ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
TEACHING = {
    int(match[1]): chapter
    for chapter in book.chapters()
    if (match := re.match(r"(\d\d)_", chapter.path.stem))
}
COMMANDS = [
    shlex.split(re.sub(r"#.*", "", line).removeprefix("$ "), posix=True)
    for block in re.findall(r"^```console\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def test_the_figures_to_project_exist() -> None:
    linked = set(re.findall(r'href="(\w+)\.html#fig-([\w-]+)"', GUIDE))
    assert len(linked) == len(set(re.findall(r'href="([^"]+)"', GUIDE))) > 0
    assert linked <= {
        (chapter.path.stem, name)
        for chapter in book.chapters()
        for name in book.figure_names(chapter)
    }


@pytest.mark.parametrize("number", TEACHING)
def test_every_exercise_has_a_grading_note(number: int) -> None:
    grading = GUIDE.split("## Grading the exercises")[1].split("\n## ")[0]
    _, heading, notes = grading.partition(f"### Chapter {number}\n")
    assert heading, f"add '### Chapter {number}' to the grading notes of book/instructors.md"
    notes = notes.split("\n### ")[0]
    exercises = [cell for cell in TEACHING[number].code if "exercise" in cell.tags]
    assert len(re.findall(r"^\d+\. \*\*", notes, re.MULTILINE)) == len(exercises)


@pytest.mark.parametrize("number", TEACHING)
def test_every_chapter_has_its_difficulties_and_a_place_in_a_plan(number: int) -> None:
    stumbles = GUIDE.split("## What students stumble over")[1].split("\n## ")[0]
    assert f"### Chapter {number}\n" in stumbles, "add it to book/instructors.md"
    plans = GUIDE.split("## What students stumble over")[0]
    assert f"]({TEACHING[number].path.name})" in plans


def test_a_plan_is_as_long_as_it_says() -> None:
    plans = re.findall(r"^\| minutes \|.*?\n\n", GUIDE, re.DOTALL | re.MULTILINE)
    assert [sum(map(int, re.findall(r"^\| (\d+) ", plan, re.MULTILINE))) for plan in plans] == (
        [90] * 4
    )


def test_the_targets_exist() -> None:
    makefile = (book.ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|\$ |=\S+ )make ([a-z]+)", GUIDE))
    assert {"student", "env"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize(
    "words",
    [command for command in COMMANDS if "poisonlib" in command],
    ids=lambda words: " ".join(words[words.index("poisonlib") :]),
)
def test_poisonlib_knows_its_commands(words: list[str]) -> None:
    chosen = cli.parser().parse_args(words[words.index("poisonlib") + 1 :])
    assert callable(chosen.run)

"""What the reference and the glossary write into pages, and the commands that the pages show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from docutils import nodes

from poisonlib import cli
from tools import poisonlib_glossary, poisonlib_reference

ROOT = Path(__file__).resolve().parents[2]
PAGE, README = ROOT / "book" / "api" / "cli.md", ROOT / "README.md"
COMMAND = re.compile(r"^(?:\$ \S+/)?python -m poisonlib (.+)$", re.MULTILINE)
TYPED, IN_README = (COMMAND.findall(page.read_text(encoding="utf-8")) for page in (PAGE, README))


@pytest.mark.parametrize("typed", [*TYPED, *IN_README])
def test_an_example_of_a_command_is_understood(typed: str) -> None:
    chosen = cli.parser().parse_args(shlex.split(typed))
    assert callable(chosen.run)


def test_every_command_has_an_example() -> None:
    assert {typed.split()[0] for typed in TYPED} == set(cli.COMMANDS)


def test_a_page_shows_what_the_command_itself_says() -> None:
    text = poisonlib_reference.help_of("people pack")
    assert text.startswith("usage: python -m poisonlib people pack")
    assert "the first ones" in text


def test_a_re_exported_constant_is_described_where_it_is_defined() -> None:
    (line, *_) = poisonlib_reference.description("poisonlib.tools", "BASELINE")
    assert line.startswith("The recogniser generation of the paper's baseline")


def test_attributes_that_share_a_line_are_told_apart() -> None:
    told = poisonlib_reference.one_each([":ivar low, high: bounds.", ":ivar n: trials."])
    assert told == [":ivar low: bounds.", ":ivar high: bounds.", ":ivar n: trials."]


def glossary(meaning: nodes.Node) -> nodes.document:
    from docutils.utils import new_document

    document = new_document("glossary")
    term = nodes.term("", "a term", ids=["term-a-term"])
    item = nodes.definition_list_item("", term, nodes.definition("", meaning))
    document += nodes.definition_list("", item)
    return document


def test_a_definition_is_plain_text() -> None:
    formula = nodes.math("", r"(1 - \mathrm{SSIM}) / 2")
    meaning = nodes.paragraph("", "", nodes.Text("How visible:\n"), formula)
    found = poisonlib_glossary.definitions(glossary(meaning))
    assert found == {"a-term": "How visible: (1 \N{MINUS SIGN} SSIM) / 2"}


def test_a_formula_that_is_no_text_is_refused() -> None:
    meaning = nodes.paragraph("", "", nodes.math("", r"\sqrt{2}"))
    with pytest.raises(ValueError, match="write the definition without it"):
        poisonlib_glossary.definitions(glossary(meaning))


def test_a_link_is_described_by_one_escaped_tooltip_a_page() -> None:
    link = (
        '<a class="reference internal" href="glossary.html#term-cloak">'
        '<span class="xref std std-term">cloak</span></a>'
    )
    page = poisonlib_glossary.with_tooltips(link + link, {"cloak": "a < b", "unused": "c"})
    assert page.count('aria-describedby="definition-cloak"') == 2
    assert page.count('id="definition-cloak"') == 1
    assert "a &lt; b" in page and "unused" not in page
    assert poisonlib_glossary.with_tooltips("<p>cloak</p>", {"cloak": "c"}) == "<p>cloak</p>"

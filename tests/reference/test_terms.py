"""The glossary's terms are linked: each chapter links a term that it uses, and links no other."""

from __future__ import annotations

import re

import pytest

from tests.book import chapters as book

GLOSSARY = (book.ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^(?!:::|# )(\S.*)\n    ", GLOSSARY, re.MULTILINE)

# Words of every day, which chapters also use in their plain meaning: linked where it helps.
EVERYDAY = {"clean", "data poisoning", "error", "evasion", "identity", "perturbation"}
EVERYDAY |= {"protection", "stranger", "transfer", "user"}

# Where a word is no use of a term in running prose: headings, fences, tables, code, roles, links.
ELSEWHERE = re.compile(
    r"^#+ [^\n]*$|^:::[^\n]*$|^\s*\|[^\n]*$|^:[a-z-]+:[^\n]*$|```.*?```|\$\$.*?\$\$|\$[^$\n]*\$"
    r"|\{[\w:]+\}`[^`]*`|`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<[^>\n]*>",
    re.MULTILINE | re.DOTALL,
)


def links(text: str) -> set[str]:
    """The terms that a text links to."""
    found = re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", text)
    return {" ".join(term.split()) for term in found}


def uses(text: str, term: str) -> bool:
    """Whether running prose uses a term, in the singular or the plural."""
    prose = ELSEWHERE.sub(" ", text)
    return (
        re.search(rf"(?<![\w-]){re.escape(term)}(s|es)?(?![\w-])", prose, re.IGNORECASE) is not None
    )


def test_the_glossary_is_in_order_and_names_each_term_once() -> None:
    assert len(TERMS) > 40
    assert sorted(TERMS, key=str.casefold) == TERMS


# The cover promises in plain words and explains nothing yet.
@pytest.mark.parametrize("chapter", book.chapters()[1:], ids=lambda chapter: chapter.path.stem)
def test_a_chapter_links_the_terms_that_it_uses(chapter: book.Chapter) -> None:
    text = chapter.text
    unlinked = {term for term in set(TERMS) - EVERYDAY if uses(text, term)} - links(text)
    assert not unlinked, "write {term}`word` at the first use"


@pytest.mark.parametrize("chapter", book.chapters(), ids=lambda chapter: chapter.path.stem)
def test_every_linked_term_is_in_the_glossary(chapter: book.Chapter) -> None:
    known = {term.casefold() for term in TERMS}
    assert {term.casefold() for term in links(chapter.text)} <= known

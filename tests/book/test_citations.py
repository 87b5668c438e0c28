"""Citations are words that lead to an entry of the bibliography."""

from __future__ import annotations

import re

import pytest
from pybtex.database import parse_file

from tests.book import chapters as book
from tools.poisonlib_citations import ROLE, keys

ENTRIES = parse_file(str(book.ROOT / "book" / "references.bib")).entries
IN_BRACKETS = r"\(\w[^()]*, \d{4}(; \w[^()]*, \d{4})*\)"
IN_TEXT = r"\w[^()]* \(\d{4}\)"
CITING = [chapter for chapter in book.chapters() if "{footcite" in chapter.text]


@pytest.mark.parametrize("chapter", CITING, ids=lambda chapter: chapter.path.stem)
def test_a_citation_reads_as_one_and_leads_to_an_entry(chapter: book.Chapter) -> None:
    cited = ROLE.findall(chapter.text)
    assert len(cited) == chapter.text.count("{footcite")
    for role, words in cited:
        form = IN_BRACKETS if role == "p" else IN_TEXT
        assert re.fullmatch(form, words), f"{words}: write (Name, year) or Name (year)"
        for key in keys(words):
            assert key in ENTRIES, f"{words}: book/references.bib has no {key}"
    assert "{footbibliography}" not in chapter.text, "write {bibliography}: JupyterLab knows it"


def test_keys_are_a_name_and_the_year_of_the_entry() -> None:
    for key, entry in ENTRIES.items():
        assert keys(key) == [key], "letters, digits and hyphens"
        assert key.endswith(f"-{entry.fields['year']}"), key

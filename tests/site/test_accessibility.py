"""axe-core finds nothing: once on each chapter, and once for each kind of other page.

Chapters take turns, in light mode on a laptop and in dark mode on a phone; the others are looked at
on a phone. All pages in both looks are for `make test-all`.
"""

from __future__ import annotations

import itertools

import pytest

from tests.site.conftest import CHAPTERS, LOOKS, PAGES, look_at

pytestmark = pytest.mark.site

# The reference is made of one kind of page, but for its first one and its commands.
PATTERNS = ("book/api/index", "book/api/attacks", "book/api/cli")
TURNS = [
    *zip(CHAPTERS, itertools.cycle(LOOKS), strict=False),
    *((page, "phone") for page in PAGES if page in PATTERNS),
    *((page, "phone") for page in PAGES if page not in CHAPTERS and "/api/" not in page),
]
OTHERS = [(page, look) for page in PAGES for look in LOOKS if (page, look) not in TURNS]

# Axe need not look at the inside of a drawing, which is one image with a text (role="img");
# tests/book/test_show.py holds the contrast of its colours.
CONTEXT = {"exclude": [[".poisonlib-drawing > *"]]}
# Of each colour in the code one word will do: all of them took nearly all of the time.
KEEP_ONE_WORD_OF_A_KIND = """() => {
    const seen = new Set();
    for (const word of [...document.querySelectorAll('.highlight span[class]')]) {
        if (seen.has(word.className)) word.replaceWith(...word.childNodes);
        seen.add(word.className);
    }
    document.querySelectorAll('.highlight pre').forEach(block => block.normalize());
}"""
# Without `preload` axe reads styles where they are; with it, it asks the server for them anew.
OPTIONS = {"resultTypes": ["violations"], "preload": False}


def test_every_chapter_and_every_pattern_has_its_turn() -> None:
    assert {*CHAPTERS, *PATTERNS} <= {page for page, _ in TURNS} <= set(PAGES)
    assert len(set(TURNS)) == len(TURNS) and {look for _, look in TURNS} == set(LOOKS)


@look_at(*TURNS, slow=OTHERS)
def test_a_page_is_accessible(seen) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    seen.page.evaluate(KEEP_ONE_WORD_OF_A_KIND)
    found = axe.run(seen.page, context=CONTEXT, options=OPTIONS)
    assert not found.violations_count, found.generate_report()

"""axe-core finds nothing on any page: on a laptop in light mode, on a phone in dark mode."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.site

# What axe need not look at:
# - the inside of a drawing, which is one image with a text (role="img"); tests/book/test_show.py
#   holds the contrast of its colours;
# - a kind of word in the code that it has seen on the page already: nearly all of its time.
CONTEXT = {"exclude": [[".poisonlib-drawing > *"], ["[data-repeated]"]]}
MARK_REPEATED = """() => {
    const seen = new Set();
    for (const word of document.querySelectorAll('.highlight span[class]')) {
        if (seen.has(word.className)) word.dataset.repeated = '';
        seen.add(word.className);
    }
}"""
# Without `preload` axe reads styles where they are; with it, it asks the server for them anew.
OPTIONS = {"resultTypes": ["violations"], "preload": False}


def test_a_page_is_accessible(seen) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    seen.page.evaluate(MARK_REPEATED)
    found = axe.run(seen.page, context=CONTEXT, options=OPTIONS)
    assert not found.violations_count, found.generate_report()

"""Result tables show every row, errors with their interval."""

import pandas

from poisonlib.figures import table

FRAME = pandas.DataFrame(
    {"attack": ["a<b", "c"], "error": [0.051, 1.0], "low": [0.037, 0.973], "high": [0.07, 1.0]}
    | {"n": [700, 140], "share": [0.25, 0.5]}
)


def test_an_error_and_its_bounds_are_one_column():
    html = table(FRAME, rates=["share"]).data
    assert "5.1% [3.7, 7.0]" in html and "100.0% [97.3, 100.0]" in html
    assert "25.0%" in html and "<th>low</th>" not in html and "photographs" in html


def test_text_is_escaped_and_columns_are_picked_in_order():
    html = table(FRAME, columns=["n", "attack"]).data
    assert "a&lt;b" in html and html.index("photographs") < html.index("tool")
    assert "error" not in html


def test_pages_of_the_book_are_links_here_and_on_the_site(monkeypatch):
    frame = pandas.DataFrame({"taught": ["book/02_baseline_attack"], "said": ["<b>"]})
    here = table(frame, pages=["taught"]).data
    assert '<a href="02_baseline_attack.ipynb">chapter 2</a>' in here
    assert "&lt;b&gt;" in here
    assert 'poisonlib-wrap">&lt;b&gt;' in table(frame, wrapped=["said"]).data
    monkeypatch.setenv("POISONLIB_SITE", "1")
    assert 'href="02_baseline_attack.html"' in table(frame, pages=["taught"]).data

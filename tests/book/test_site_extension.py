"""What the site serves itself is taken from the installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import poisonlib_site


def test_plotly_and_mathjax_are_copied_with_their_fonts(tmp_path: Path) -> None:
    files = [file.as_posix() for file in poisonlib_site.copy_assets(tmp_path)]
    assert {"plotly.min.js", "mathjax/tex-chtml.js"} <= set(files)
    assert any(file.endswith("MathJax_Main-Regular.woff") for file in files)
    assert all((tmp_path / file).stat().st_size > 0 for file in files)


def test_a_second_copy_writes_only_what_changed(tmp_path: Path) -> None:
    poisonlib_site.copy_assets(tmp_path)
    plotly, mathjax = tmp_path / "plotly.min.js", tmp_path / "mathjax/tex-chtml.js"
    right = plotly.read_bytes()
    plotly.write_bytes(right[:100])  # a copy that was killed half-way
    before = mathjax.stat().st_mtime_ns
    poisonlib_site.copy_assets(tmp_path)
    assert plotly.read_bytes() == right
    assert mathjax.stat().st_mtime_ns == before


def test_a_package_that_moved_its_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="plotly .* has no nowhere.js; look where"):
        poisonlib_site._packaged("plotly", "nowhere.js")


def test_figures_are_numbered_by_chapter_and_pages_without_one_by_letters() -> None:
    chapters = {"index": None, "one": 1, "two": 2, "board": None, "people": None, "glossary": None}
    figures = {"one": ["fig-a", "fig-b"], "two": ["fig-c"], "board": ["fig-d"], "people": ["fig-e"]}
    assert poisonlib_site.numbered(figures, chapters) == {
        "fig-a": ("one", "1.1"),
        "fig-b": ("one", "1.2"),
        "fig-c": ("two", "2.1"),
        "fig-d": ("board", "A.1"),
        "fig-e": ("people", "B.1"),
    }


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("<th></th><th>tool</th>", "<td></td><th>tool</th>"),
        ('<th class="head"><p></p></th>', '<td class="head"></td>'),
        ("<thead><tr></tr></thead>", "<thead><tr></tr></thead>"),
        ('<table border="1" class="dataframe">', '<table class="dataframe" tabindex="0">'),
        (
            '<div class="sidebar-primary-item">\n<a class="navbar-brand logo" href="#">',
            '<div class="sidebar-primary-item" role="navigation" aria-label="Start page">\n'
            '<a class="navbar-brand logo" href="#">',
        ),
        (
            '<span class="sig-paren">(</span>\n\n<dl>\n<dd><em class="sig-param">a</em>,</dd>\n'
            '<dd><em class="sig-param">b</em>,</dd>\n</dl>\n\n<span class="sig-paren">)</span>',
            '<span class="sig-paren">(</span>\n\n<span class="sig-lines">\n'
            '<span class="sig-line"><em class="sig-param">a</em>,</span>\n'
            '<span class="sig-line"><em class="sig-param">b</em>,</span>\n</span>\n\n'
            '<span class="sig-paren">)</span>',
        ),
        (
            '<div class="citation" id="id4" role="doc-biblioentry">',
            '<div class="citation" id="id4">',
        ),
        ('<div role="list" class="citation-list">', '<div class="citation-list">'),
        (
            '<summary><span class="toctree-toggle">',
            '<summary aria-label="Pages of this part"><span class="toctree-toggle">',
        ),
    ],
)
def test_pages_are_mended_for_keyboard_and_screen_reader_once(wrong: str, right: str) -> None:
    assert poisonlib_site.mended(wrong) == right == poisonlib_site.mended(right)

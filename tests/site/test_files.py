"""The built pages as files: nothing is missing, nothing points outside, every figure is there."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.book import chapters as book
from tools.poisonlib_repository import buttons

pytestmark = pytest.mark.site
PAGES = [*book.pages(), "genindex", "search"]
COLAB = "https://colab.research.google.com"


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))

    @functools.cached_property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.found if "id" in attributes}


@functools.cache
def parsed(file: Path) -> Elements:
    """The elements of a file, which is read once."""
    return Elements(file.read_text(encoding="utf-8"))


def elements(site: Path, page: str) -> Elements:
    return parsed((site / f"{page}.html").resolve())


def references(found: Elements) -> Iterator[tuple[str, str]]:
    """Every address that a page loads or links to, as (tag, address)."""
    for tag, attributes in found.found:
        for key in ("href", "src"):
            if key in attributes and not (tag == "link" and attributes.get("rel") == "canonical"):
                yield tag, attributes[key]


@pytest.mark.parametrize("page", PAGES)
def test_every_internal_link_leads_somewhere(site: Path, page: str) -> None:
    broken = []
    for _, address in references(elements(site, page)):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        here = (site / f"{page}.html").resolve()
        target = (here.parent / unquote(parts.path)).resolve() if parts.path else here
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            broken.append(f"{address}: no such file")
        elif parts.fragment and target.suffix == ".html":
            if unquote(parts.fragment) not in parsed(target).ids:
                broken.append(f"{address}: no such place on the page")
    assert not broken


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_loaded_from_elsewhere_and_every_image_says_what_it_shows(
    site: Path, page: str
) -> None:
    found = elements(site, page)
    loaded = [address for tag, address in references(found) if tag != "a"]
    assert loaded and not [address for address in loaded if urlsplit(address).netloc]
    silent = [
        attributes.get("src", "")
        for tag, attributes in found.found
        if tag == "img"
        # myst-nb writes the file's name where no alt text is given
        and ("alt" not in attributes or "_images/" in attributes["alt"])
    ]
    assert not silent


@pytest.mark.parametrize("chapter", book.chapters(), ids=lambda chapter: chapter.path.stem)
def test_every_figure_of_the_chapter_is_on_its_page(site: Path, chapter: book.Chapter) -> None:
    found = elements(site, chapter.page)
    figures = [a for tag, a in found.found if tag == "figure" and "poisonlib-figure" in a["class"]]
    assert {a["id"] for a in figures} == {f"fig-{name}" for name in book.figure_names(chapter)}
    assert len(figures) == len(book.figure_names(chapter))
    drawings = [a for _, a in found.found if a.get("class") == "poisonlib-drawing"]
    assert len(drawings) == len(figures)
    assert all(a["role"] == "img" and a["aria-label"] for a in drawings)


NUMBERED = re.compile(
    r'id="(fig-[a-z0-9-]+)">(?:(?!</figure>).)*?'
    r'poisonlib-number">(?:Figure ([0-9A-Z]+\.[0-9]+)\. )?',
    re.DOTALL,
)
LINKED = re.compile(r'<a [^>]*href="[^"]*#(fig-[a-z0-9-]+)"[^>]*><span[^>]*>Figure ?([^<]*)</span>')


def numbers(site: Path) -> dict[str, dict[str, str]]:
    """The numbers of all figures but the cover, in order, by page."""
    texts = {page: (site / f"{page}.html").read_text(encoding="utf-8") for page in PAGES}
    return {page: dict(NUMBERED.findall(text)) for page, text in texts.items()}


def test_figures_are_numbered_by_chapter_in_their_order(site: Path) -> None:
    cover = book.pages()[0]
    counted = [list(of.values()) for page, of in numbers(site).items() if of and page != cover]
    prefixes = [of[0].partition(".")[0] for of in counted]
    assert len(set(prefixes)) == len(prefixes)
    for prefix, of in zip(prefixes, counted, strict=True):
        assert of == [f"{prefix}.{place}" for place in range(1, len(of) + 1)]


def test_a_link_to_a_figure_says_its_number(site: Path) -> None:
    known = {name: number for of in numbers(site).values() for name, number in of.items()}
    for page in PAGES:
        for name, said in LINKED.findall((site / f"{page}.html").read_text(encoding="utf-8")):
            assert said == known[name], f"{page} links to {name}"


@pytest.mark.parametrize("chapter", book.chapters(), ids=lambda chapter: chapter.path.stem)
def test_every_quiz_of_the_chapter_is_on_its_page(site: Path, chapter: book.Chapter) -> None:
    found = elements(site, chapter.page)
    quizzes = [a["id"] for _, a in found.found if a.get("class") == "poisonlib-quiz"]
    assert quizzes == [f"quiz-{name}" for name in book.quiz_names(chapter)]


@pytest.mark.parametrize("chapter", book.chapters(), ids=lambda chapter: chapter.path.stem)
def test_no_live_widget_is_left_on_the_page(site: Path, chapter: book.Chapter) -> None:
    html = (site / f"{chapter.page}.html").read_text(encoding="utf-8")
    assert "application/vnd.jupyter.widget" not in html


@pytest.mark.parametrize("chapter", book.chapters(), ids=lambda chapter: chapter.path.stem)
def test_buttons_lead_to_this_copy_or_are_left_out(site: Path, chapter: book.Chapter) -> None:
    config = yaml.safe_load((book.ROOT / "_config.yml").read_text(encoding="utf-8"))
    options = {
        "repository_url": config["repository"]["url"],
        "launch_buttons": config["launch_buttons"],
    }
    theme = buttons(options, book.ROOT)
    address = theme["repository_url"]
    links = {address for tag, address in references(elements(site, chapter.page)) if tag == "a"}
    issues = {link for link in links if "/issues/new?" in link}
    assert all(address and link.startswith(f"{address}/") for link in issues)
    assert bool(issues) == theme["use_issues_button"]
    source = chapter.path.relative_to(book.ROOT).as_posix()
    notebook = f"{COLAB}/github/{address.partition('.com/')[2]}/blob/main/{source}"
    assert {link for link in links if link.startswith(COLAB)} == (
        {notebook} if theme["launch_buttons"] else set()
    )

"""The report: one file that loads nothing, escapes everything and shows no face unasked."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from poisonlib.photos import Photos
from tests.audit.conftest import negative, toy
from tests.audit.test_photographs import album
from workbench import audit
from workbench.audit.report import POLICY, SHOWN_PAIRS, WARNING
from workbench.audit.strategies import naive

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>.jpg'


class Elements(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def result(photos: Photos) -> audit.Audit:
    names = [EVIL, *(f"{at:03}.jpg" for at in range(1, len(photos.of(0))))]
    faces, others = album(photos, negative, names=names)
    faces = type(faces)(
        faces.clean, faces.cloaked, faces.pairs, ((EVIL,), *faces.notes[1:]), faces.problems
    )
    return audit.audit(
        faces, background=others, strategies=[naive(toy())], name=EVIL, described=EVIL
    )


@pytest.mark.parametrize("photographs", [False, True])
def test_names_from_outside_stay_text(result: audit.Audit, photographs: bool) -> None:
    page = Elements(audit.as_html(result, photographs=photographs))
    assert not page.all("script")
    assert not [
        name for _, attributes in page.found for name in attributes if name.startswith("on")
    ]
    assert all(image["src"].startswith("data:image/png") for image in page.all("img"))
    assert "<script>alert(1)</script>" in page.text


def test_faces_are_in_it_only_on_request(result: audit.Audit) -> None:
    without, with_faces = (
        audit.as_html(result, photographs=photographs) for photographs in (False, True)
    )
    assert "data:image" not in without and not Elements(without).all("img")
    images = Elements(with_faces).all("img")
    assert len(images) == 2 * SHOWN_PAIRS and all(image["alt"] for image in images)


def test_it_loads_nothing(result: audit.Audit) -> None:
    page = Elements(audit.as_html(result, photographs=True))
    policy = [one for one in page.all("meta") if one.get("http-equiv")]
    assert [one["content"] for one in policy] == [POLICY]
    assert not page.all("link") and not page.all("iframe")
    sources = [value for _, attributes in page.found for key, value in attributes.items()
               if key in ("src", "href")]  # fmt: skip
    assert all(source.startswith("data:") for source in sources)


def test_it_says_verdicts_numbers_and_the_warning(result: audit.Audit) -> None:
    page = Elements(audit.as_html(result))
    row = result.card.strongest
    for text in (WARNING, row["strategy"], row["verdict"], f"{row['error']:.0%}", "letter.txt"):
        assert text in page.text
    assert [one["scope"] for one in page.all("th")] == ["col"] * 4 + ["row"]


def test_the_page_is_whole(result: audit.Audit) -> None:
    html = audit.as_html(result)
    assert html.startswith("<!doctype html>") and html.endswith("</html>\n")
    assert Elements(html).all("html") == [{"lang": "en"}]
    for tag in ("table", "tr", "th", "td", "p", "ul", "li", "details", "span", "svg", "div"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>"), tag

"""The audit of uploads, fed as a browser feeds it: names, contents, and two buttons."""

from __future__ import annotations

import datetime
import html
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import ipywidgets
import pytest
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file

from poisonlib import extractors, people
from poisonlib.extractors import embed
from workbench import uploads
from workbench.audit.strategies import naive
from workbench.folders import aligned_pairs

COUNT = 10


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    files = people.album(tmp_path_factory.mktemp("album"))[:COUNT]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def negatives(album: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict:
    """A cloak that works, under the names that a tool would give."""
    folder = tmp_path_factory.mktemp("negatives")
    copies = {}
    for name, content in album.items():
        (folder / name).write_bytes(content)
        with Image.open(folder / name) as picture:
            copy = folder / f"{Path(name).stem}_cloaked.png"
            ImageOps.invert(picture.convert("RGB")).save(copy)
        copies[copy.name] = copy.read_bytes()
    return copies


@pytest.fixture(autouse=True)
def negatives_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative shows another picture than its photograph, and fools whom it should."""
    monkeypatch.setattr(aligned_pairs, "same_picture", lambda *pair, **how: (True, 1.0))


class Page:
    """What the reader has before them."""

    def __init__(self, box: ipywidgets.VBox) -> None:
        buttons, self.bar, self.doing, self.report = box.children
        self.clean, self.cloaked, self.test, self.forget = buttons.children

    def choose(self, side: str, files: Mapping[str, bytes] | list[tuple[str, bytes]]) -> None:
        named = files.items() if isinstance(files, Mapping) else files
        getattr(self, side).value = tuple(
            {
                "name": name,
                "type": "image/jpeg",
                "size": len(content),
                "content": memoryview(content),
                "last_modified": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            }
            for name, content in named
        )

    def framed(self) -> str:
        """The report inside the frame."""
        return html.unescape(re.search(r'srcdoc="([^"]*)"', self.report.value)[1])


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Page]:
    """The widget with one trainer among few people.

    At the end whatever it has written must be gone, but for embeddings of rendered people.
    """
    displayed: list = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    monkeypatch.delenv("POISONLIB_SITE", raising=False)
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    (home := tmp_path / "home").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    uploads.upload_pairs(
        background=people.load("users").of_people(range(10)),
        described="ten people",
        strategies=[naive("arcface-2019")],
    )
    yield Page(*displayed)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in left} <= {tmp_path / "cache" / "embeddings"}
    stored = [load_file(path)["embeddings"] for path in left]
    known = embed(extractors.load("arcface-2019"), people.load("users").of_people(range(10)).images)
    for row in torch.cat(stored) if stored else ():
        assert (known - row).norm(dim=1).min() < 1e-3, "somebody else's embedding"
    assert list(home.glob("poisonlib-*")) == []


def test_the_site_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    displayed: list = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    monkeypatch.setenv("POISONLIB_SITE", "1")
    uploads.upload_pairs()
    assert displayed == []


def test_a_cloak_that_works_protects(page: Page, album, negatives) -> None:
    page.choose("clean", album)
    page.choose("cloaked", negatives)
    page.test.click()
    report = page.framed()
    assert "Verdict: The cloak protects." in report
    assert f"{COUNT} photographs were compared" in report and "ten people" in report
    assert "Left out" not in report and "data:image" not in report
    assert "A pass today says nothing about tomorrow" in report
    assert page.bar.value == page.bar.max > 0 and not page.test.disabled
    assert len(page.clean.value) == len(page.cloaked.value) == COUNT


def test_files_that_cannot_be_used_are_listed(page: Page, album, negatives) -> None:
    names = list(album)
    clean = {**album, names[0]: b"", names[1]: b"no picture at all", "alone.jpg": album[names[2]]}
    page.choose("clean", [*clean.items(), ("..", b"x"), ("a/twice.jpg", b"1"), ("twice.jpg", b"2")])
    page.choose("cloaked", negatives)
    page.test.click()
    report = page.framed()
    left = html.unescape(report.partition("Left out")[2].partition("</ul>")[0])
    assert "Left out (6)" in report
    assert f"{names[0]}: the clean photograph: an empty file" in left
    assert f"{names[1]}: the clean photograph: not a readable picture" in left
    assert "alone.jpg: in the clean folder, has no cloaked copy" in left
    assert "..: in the clean folder, no name that a file can have" in left
    assert left.count("twice.jpg: in the clean folder, 2 files of this name were given") == 2


def test_an_evil_name_neither_escapes_nor_runs(page: Page, album, negatives) -> None:
    (first, content), (_, copy) = next(iter(album.items())), next(iter(negatives.items()))
    name = f'../../"><script>alert(1)</script>{first}'
    page.choose("clean", {**album, name: content})
    page.choose("cloaked", {**negatives, "</iframe><b>.png": copy})
    page.test.click()
    assert page.report.value.count("<iframe") == page.report.value.count("</iframe>") == 1
    assert "<script" not in page.framed() and "<b>" not in page.framed()
    assert "Left out (2)" in page.framed()


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((), "no clean photographs have arrived"),
        (("clean",), "no cloaked photographs have arrived"),
        (("cloaked",), "no clean photographs have arrived"),
    ],
)
def test_nothing_chosen_is_an_error(page: Page, album, sides: tuple, message: str) -> None:
    for side in sides:
        page.choose(side, album)
    page.test.click()
    assert f"Not tested:</strong> {message}" in page.report.value
    assert not page.test.disabled


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"beach.jpg": b""}, "beach.jpg: in the cloaked folder, belongs to no clean photograph"),
        (
            {"000_cloaked.png": b"<svg/>"},
            "of clean could be compared with a cloaked copy in cloaked: "
            "000.jpg: the cloaked photograph: a document or a drawing",
        ),
        ({"a<b>.png": b"x"}, "a_b_.png: in the cloaked folder"),
        ({"..": b"x"}, "..: in the cloaked folder, no name that a file can have"),
    ],
)
def test_an_error_is_shown_and_no_upload_is_lost(page: Page, album, files, message) -> None:
    page.choose("clean", album)
    page.choose("cloaked", files)
    page.test.click()
    assert message in html.unescape(page.report.value)
    assert "Not tested" in page.report.value and "has no cloaked copy" in page.report.value
    assert "poisonlib-" not in page.report.value, "the place of the temporary folder"
    assert len(page.clean.value) == COUNT and len(page.cloaked.value) == 1


def test_too_few_are_an_error(page: Page, album, negatives) -> None:
    page.choose("clean", dict(list(album.items())[:3]))
    page.choose("cloaked", negatives)
    page.test.click()
    assert "at least 4 different photographs" in page.report.value


def test_an_unexpected_failure_is_shown_too(page: Page, album, monkeypatch) -> None:
    def fail(*arguments: object, **keywords: object) -> None:
        raise MemoryError

    monkeypatch.setattr("workbench.folders.read_pairs", fail)
    page.choose("clean", album)
    page.choose("cloaked", album)
    page.test.click()
    assert "MemoryError()" in page.report.value and not page.test.disabled


def test_the_photographs_can_be_forgotten(page: Page, album) -> None:
    page.choose("clean", album)
    page.test.click()
    page.forget.click()
    assert page.clean.value == page.cloaked.value == () and page.report.value == ""

"""The built site on localhost, and a headless Chromium to look at it."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.book import chapters as book
from tests.site.visit import PATIENCE, Visit

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = [*book.pages(), "search", "genindex"]
CHAPTERS = [chapter.page for chapter in book.chapters()]
LOOKS = {
    "laptop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 375, "height": 800}, "color_scheme": "dark"},
}
# What a test looks for on a page, by what its HTML then says.
WRITTEN = {
    "sliders": '"poisonlib-controls poisonlib-slider"',
    "players": " data-milliseconds=",
    "choosers": '"poisonlib-controls poisonlib-choosers"',
    "photographs": '"poisonlib-controls poisonlib-photograph"',
    "quizzes": '"poisonlib-quiz"',
    "figures": '"poisonlib-drawing"',
    "pictures": '"source":"data:image',
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: inside a container, and as root, Chromium has none to use.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not (SITE / "index.html").is_file():
        pytest.skip("the site is not built; run `make book` (or `make test`, which does)")
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served, without a closing slash."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def launch() -> Iterator:
    """``launch()`` starts a headless Chromium."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no Chromium to look at the site with; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield functools.partial(
            playwright.chromium.launch, executable_path=executable, args=FLAGS, timeout=PATIENCE
        )


@pytest.fixture(scope="session")
def open_page(launch, address: str) -> Iterator:
    """``open_page(page, look)`` opens a page of the site and waits until it is drawn."""
    browsers: list = []
    contexts: dict = {}

    # The network is cut: what is not on this server fails, and is written down by the visit.
    def cut(route) -> None:
        local = urlsplit(route.request.url).netloc == urlsplit(address).netloc
        route.continue_() if local else route.abort()

    def opened(page: str, look: str) -> Visit:
        if not browsers or not browsers[-1].is_connected():  # the first, or it was killed
            contexts.clear()
            browsers.append(launch())
        if look not in contexts:
            # Playwright waits by eval, which the policy of a page may refuse.
            contexts[look] = browsers[-1].new_context(**LOOKS[look], bypass_csp=True)
            contexts[look].route("**/*", cut)
        return Visit.open(contexts[look], f"{address}/{page}.html", look=look)

    yield opened
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="session")
def seen(request, open_page) -> Iterator[Visit]:
    """A page in one of its looks. Opened once: pytest runs all its tests one after another."""
    visit = open_page(*request.param)
    yield visit
    visit.page.close()
    assert not visit.problems, "something went wrong while the page was used"


@functools.cache
def written(page: str) -> frozenset[str]:
    """Which of :data:`WRITTEN` a page of the built site holds."""
    file = SITE / f"{page}.html"
    html = file.read_text(encoding="utf-8") if file.is_file() else ""
    return frozenset(what for what, text in WRITTEN.items() if text in html)


def look_at(*visits: tuple[str, str], slow: Sequence[tuple[str, str]] = ()):
    """Run a test on pages in some looks, (page, look); those of ``slow`` in test-all."""
    return pytest.mark.parametrize(
        "seen",
        [
            pytest.param(
                visit,
                id="-".join(visit),
                marks=[pytest.mark.xdist_group("-".join(visit)), *[pytest.mark.slow] * is_slow],
            )
            for is_slow, some in ((False, visits), (True, slow))
            for visit in some
        ],
        indirect=True,
        scope="session",
    )


def where(what: str, *looks: str):
    """Run a test on all pages that hold some of :data:`WRITTEN`, in these looks."""
    return look_at(*((page, look) for page in PAGES for look in looks if what in written(page)))

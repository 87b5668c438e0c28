"""One page opened in the browser, with everything that went wrong while it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DRAWN = """() => {
    const plots = [...document.querySelectorAll('.plotly-graph-div')];
    const formulas = [...document.querySelectorAll('.math.notranslate')];
    return document.readyState === 'complete'
        && plots.every(plot => plot.querySelector('.main-svg'))
        && formulas.every(formula => formula.querySelector('mjx-container'));
}"""
PATIENCE = 120_000  # milliseconds until what is still missing counts as missing, on a busy machine


@dataclass
class Visit:
    """What a visit to a page showed.

    Attributes:
        page: the open playwright page.
        look: the size of the screen and the mode, a key of LOOKS.
        errors: console errors and uncaught exceptions.
        foreign: addresses asked for that are not on this server.
        missing: addresses on this server that did not answer.
        drawn: whether all figures and formulas were there in time.
    """

    page: object
    look: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    drawn: bool = False

    @classmethod
    def open(cls, context, url: str, *, look: str) -> Visit:
        from playwright.sync_api import TimeoutError as Late

        visit = cls(context.new_page(), look)
        host = urlsplit(url).netloc

        def on_console(message) -> None:
            if message.type == "error":
                visit.errors.append(message.text)

        def on_request(request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob") and parts.netloc != host:
                visit.foreign.append(request.url)

        def on_response(response) -> None:
            if response.status >= 400:
                visit.missing.append(response.url)

        visit.page.on("console", on_console)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on("request", on_request)
        visit.page.on("response", on_response)
        visit.page.goto(url, wait_until="load", timeout=PATIENCE)
        try:
            visit.page.wait_for_function(DRAWN, timeout=PATIENCE)
            visit.drawn = True
        except Late:
            pass
        return visit

    @property
    def problems(self) -> list[str]:
        """Everything that went wrong so far."""
        foreign = [f"asks for {address}" for address in self.foreign]
        missing = [f"not found: {address}" for address in self.missing]
        return [*self.errors, *foreign, *missing]

    @contextlib.contextmanager
    def mode(self, mode: str) -> Iterator[None]:
        """The page in light or dark mode for a while."""
        before = self.page.evaluate("document.documentElement.dataset.theme")
        change = "mode => document.documentElement.dataset.theme = mode"
        self.page.evaluate(change, mode)
        try:
            yield
        finally:
            self.page.evaluate(change, before)

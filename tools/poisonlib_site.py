"""Sphinx extension: the site serves everything it shows.

Copies plotly.js and MathJax out of the installed packages into ``book/_static`` (so that their
versions are the pinned ones and git carries neither), and keeps sphinx-thebe, which Jupyter Book
always loads, from declaring its scripts twice and pointing to a CDN.
"""

from __future__ import annotations

import filecmp
import shutil
from importlib.metadata import distribution
from pathlib import Path

# Of MathJax, what a page that sets TeX as HTML asks for: the component, its extensions, its fonts.
MATHJAX = ("tex-chtml.js", "input/tex/extensions/", "output/chtml/", "a11y/", "ui/", "sre/")


def copy_assets(static: Path) -> list[Path]:
    """Bring ``static`` up to date and return the files it now holds, all paths relative to it."""
    wanted = {Path("plotly.min.js"): _packaged("plotly", "plotly/package_data/plotly.min.js")}
    root = _packaged("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax/tex-chtml.js")
    for file in sorted(root.parent.rglob("*")):
        inner = file.relative_to(root.parent)
        if file.is_file() and inner.as_posix().startswith(MATHJAX):
            wanted[Path("mathjax") / inner] = file
    for inner, source in wanted.items():
        target = static / inner
        if not target.exists() or not filecmp.cmp(source, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return sorted(wanted)


def _packaged(package: str, path: str) -> Path:
    """A file of an installed package.

    Raises:
        FileNotFoundError: the package no longer ships it under that path.
    """
    file = Path(distribution(package).locate_file(path))
    if not file.is_file():
        raise FileNotFoundError(
            f"{package} {distribution(package).version} has no {path}; look where the release "
            "keeps it and correct tools/poisonlib_site.py"
        )
    return file


def _silence_thebe(app) -> None:
    """Disconnect sphinx-thebe: its scripts log an error on every page and nobody uses them."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def _begin(app) -> None:
    copy_assets(Path(app.srcdir) / "book" / "_static")


def _drop_thebe_style(app, pagename, templatename, context, doctree) -> None:
    context["css_files"] = [
        file for file in context["css_files"] if "sphinx-thebe" not in str(file.filename)
    ]


def setup(app) -> dict[str, object]:
    app.connect("config-inited", lambda app, config: _silence_thebe(app), priority=900)
    app.connect("builder-inited", _begin, priority=100)
    app.connect("html-page-context", _drop_thebe_style, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

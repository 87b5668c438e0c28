"""Sphinx extension: the site serves everything it shows, and numbers its figures.

Copies plotly.js and MathJax out of the installed packages into ``book/_static`` (so that their
versions are the pinned ones and git carries neither), and keeps sphinx-thebe, which Jupyter Book
always loads, from declaring its scripts twice and pointing to a CDN.

What the theme and pandas write is made fit for a keyboard and a screen reader (``mended``).

Figures are numbered in the order of the contents: 3.2 is the second of chapter 3, A.1 the first of
the first page without a number. ``[Figure](#fig-name)`` becomes a link that says the number.
"""

from __future__ import annotations

import filecmp
import re
import shutil
import string
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

# Of MathJax, what a page that sets TeX as HTML asks for: the component, its extensions, its fonts.
MATHJAX = ("tex-chtml.js", "input/tex/extensions/", "output/chtml/", "a11y/", "ui/", "sre/")

FIGURE = re.compile(r'<figure class="poisonlib-figure" id="(fig-[a-z0-9-]+)">')
NUMBER = '<span class="poisonlib-number">'
KEY = "poisonlib_figures"


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


FIGURE_SCRIPTS = ("plotly.min.js", "figures.js")


def _drop_figure_scripts(app, pagename, templatename, context, doctree) -> None:
    """A page without figures need not load five megabytes to draw them."""
    if not app.env.metadata.get(pagename, {}).get(KEY):
        context["script_files"] = [
            file
            for file in context["script_files"]
            if not str(getattr(file, "filename", file)).startswith(
                tuple(f"_static/{script}" for script in FIGURE_SCRIPTS)
            )
        ]


def numbered(
    figures: Mapping[str, Sequence[str]], chapters: Mapping[str, int | None]
) -> dict[str, tuple[str, str]]:
    """The page and the number of each figure.

    Args:
        figures: the ids of a page's figures, in their order, by page.
        chapters: the pages' numbers, None where they have none, in the order of the contents.
    """
    letters = iter(string.ascii_uppercase)
    found = {}
    for page, chapter in chapters.items():
        ids = figures.get(page, ())
        prefix = chapter or (next(letters) if ids else "")
        for place, name in enumerate(ids, start=1):
            found[name] = (page, f"{prefix}.{place}")
    return found


def _contents(env, page: str) -> Iterator[str]:
    """A page and all below it, in the order of the contents."""
    yield page
    for below in env.toctree_includes.get(page, ()):
        yield from _contents(env, below)


def _numbers(env) -> dict[str, tuple[str, str]]:
    _, *pages = _contents(env, env.config.root_doc)  # the cover needs no number
    chapters = {page: (env.toc_secnumbers.get(page, {}).get("") or (None,))[0] for page in pages}
    figures = {page: env.metadata[page].get(KEY, ()) for page in pages}
    return numbered(figures, chapters)


def _find_figures(app, doctree) -> None:
    from docutils import nodes

    found = [name for raw in doctree.findall(nodes.raw) for name in FIGURE.findall(raw.astext())]
    app.env.metadata[app.env.docname][KEY] = list(dict.fromkeys(found))


MENDS = (
    # An empty cell in the corner of a table heads nothing.
    (re.compile(r"<th( [^>]*)?>(<p></p>|\s)*</th>"), r"<td\1></td>"),
    # A data frame wider than a phone scrolls inside itself: the keyboard must reach it.
    (re.compile(r'<table border="1" class="dataframe">'), '<table class="dataframe" tabindex="0">'),
    # Sphinx writes the lines of a signature as a list of definitions that define nothing.
    (re.compile(r'<dl>\n(?=<dd><em class="sig-param">)'), '<span class="sig-lines">\n'),
    (
        re.compile(r'<dd>(<em class="sig-param">.*</em>,?)</dd>'),
        r'<span class="sig-line">\1</span>',
    ),
    (re.compile(r'(?<=</span>\n)</dl>(?=\n\n<span class="sig-paren">\))'), "</span>"),
    # A role that is no longer one, and one whose children may be no links.
    (re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"'), r"\1"),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    # The arrow that unfolds pages in the sidebar has no name.
    (
        re.compile(r'<summary>(?=<span class="toctree-toggle")'),
        '<summary aria-label="Pages of this part">',
    ),
    # The link to the start page stands outside of every landmark.
    (
        re.compile(r'<div class="sidebar-primary-item">(?=\s*<a class="navbar-brand logo")'),
        '<div class="sidebar-primary-item" role="navigation" aria-label="Start page">',
    ),
)


def mended(html: str) -> str:
    """A page with what its makers left out for readers who do not use a mouse or a screen."""
    for wrong, right in MENDS:
        html = wrong.sub(right, html)
    return html


def _mend_pages(app, exception) -> None:
    """Mend all pages; one that was mended by an earlier build stays as it is."""
    if exception is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            html = page.read_text(encoding="utf-8")
            if mended(html) != html:
                page.write_text(mended(html), encoding="utf-8")


def _make_targets(app, env) -> list[str]:
    """Let ``[...](#fig-name)`` find every figure; returns the pages to write anew."""
    found = _numbers(env)
    standard = env.get_domain("std")
    for name, (page, number) in found.items():
        standard.labels[name] = (page, name, f"Figure {number}")
        standard.anonlabels[name] = (page, name)
    moved = found != getattr(env, KEY, None)
    setattr(env, KEY, found)
    return sorted(env.found_docs) if moved else []


def _write_numbers(app, doctree, page: str) -> None:
    from docutils import nodes

    numbers = {name: number for name, (_, number) in getattr(app.env, KEY).items()}
    for raw in list(doctree.findall(nodes.raw)):
        names = [name for name in FIGURE.findall(raw.astext()) if name in numbers]
        if names:
            html = raw.astext().replace(NUMBER, f"{NUMBER}Figure {numbers[names[0]]}. ")
            raw.replace_self(nodes.raw("", html, format="html"))
    for link in doctree.findall(nodes.reference):
        name = link.get("refid") or link.get("refuri", "").rpartition("#")[2]
        if name in numbers and link.astext() == "Figure":
            link.children = []
            link += nodes.inline("", f"Figure {numbers[name]}")


def setup(app) -> dict[str, object]:
    app.connect("config-inited", lambda app, config: _silence_thebe(app), priority=900)
    app.connect("builder-inited", _begin, priority=100)
    app.connect("doctree-read", _find_figures)
    # once Sphinx has numbered the chapters
    app.connect("env-get-updated", _make_targets, priority=900)
    app.connect("doctree-resolved", _write_numbers)
    app.connect("build-finished", _mend_pages)
    app.connect("html-page-context", _drop_thebe_style, priority=900)
    app.connect("html-page-context", _drop_figure_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

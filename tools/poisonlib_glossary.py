"""Sphinx extension: a link to a term of the glossary shows its definition where it stands.

The definitions of the terms that a page links to are written into that page as hidden tooltips,
which the links name as their descriptions: a screen reader finds them without a script, and
``book/_static/glossary.js`` shows them on hover, focus and touch. Nothing is loaded for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from docutils import nodes

GLOSSARY = "book/glossary"
LINK = re.compile(
    r'<a class="reference internal" href="([^"]*#term-([^"]+))">'
    r'(?=<span class="xref std std-term">)'
)


def definitions(doctree: nodes.document) -> dict[str, str]:
    """What each term of a glossary's page means, as plain text, by the last part of its address.

    Raises:
        ValueError: a formula that is more than words, letters and signs.
    """
    found = {}
    for item in doctree.findall(nodes.definition_list_item):
        (meaning,) = item.findall(nodes.definition)
        text = " ".join(_plain(part) for part in meaning.children)
        for term in item.findall(nodes.term):
            for address in term["ids"]:
                found[address.removeprefix("term-")] = text
    return found


def _plain(node: nodes.Node) -> str:
    words = []
    for leaf in node.findall(lambda inner: isinstance(inner, nodes.Text | nodes.math)):
        if isinstance(leaf, nodes.math):
            formula = re.sub(r"\\mathrm\{(\w+)\}", r"\1", leaf.astext()).replace(
                "-", "\N{MINUS SIGN}"
            )
            if re.search(r"[\\{}^_]", formula):
                raise ValueError(f"no plain text for {formula!r}: write the definition without it")
            words.append(formula)
        elif not isinstance(leaf.parent, nodes.math):
            words.append(leaf.astext())
    return " ".join("".join(words).split())


def with_tooltips(body: str, meanings: dict[str, str]) -> str:
    """A page's HTML, its links to terms described by tooltips that stand at its end, hidden."""
    used: dict[str, None] = {}

    def describe(link: re.Match[str]) -> str:
        href, term = link.groups()
        if term not in meanings:
            return link[0]
        used[term] = None
        return (
            f'<a class="reference internal poisonlib-term" href="{href}" '
            f'aria-describedby="definition-{term}">'
        )

    described = LINK.sub(describe, body)
    tooltips = "".join(
        f'<div role="tooltip" id="definition-{term}" class="poisonlib-definition" hidden>'
        f"{escape(meanings[term])}</div>"
        for term in used
    )
    return described + tooltips


def _read_again(app, env, docnames: Iterable[str]) -> None:
    env.poisonlib_glossary_changed = GLOSSARY in docnames


def _write_again(app, env) -> Iterable[str]:
    """All pages, if the glossary has changed: its definitions stand on them."""
    return sorted(env.found_docs) if getattr(env, "poisonlib_glossary_changed", False) else ()


def _describe(app, pagename, templatename, context, doctree) -> None:
    if doctree is None or GLOSSARY not in app.env.found_docs:
        return
    if not hasattr(app, "poisonlib_meanings"):
        app.poisonlib_meanings = definitions(app.env.get_doctree(GLOSSARY))
    context["body"] = with_tooltips(context["body"], app.poisonlib_meanings)


def setup(app) -> dict[str, object]:
    app.add_css_file("glossary.css")
    app.add_js_file("glossary.js", loading_method="defer")
    app.connect("env-before-read-docs", _read_again)
    app.connect("env-updated", _write_again)
    app.connect("html-page-context", _describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

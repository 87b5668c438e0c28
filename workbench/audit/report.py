"""The audit as one HTML file: no script, no request, no photographs unless they are wanted."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from torch import Tensor

from poisonlib import provenance
from workbench.audit.photographs import FOLDS, Audit
from workbench.audit.verdict import PHRASES, RULE
from workbench.photos.walk import printable

#: Pairs of photographs in a report that shows any.
SHOWN_PAIRS = 6

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
WARNING = (
    "A pass today says nothing about tomorrow's model. Photographs are cloaked once; whoever "
    "collects them can wait for a better recogniser, or train one on cloaked copies, and then look "
    "at the old photographs again. No cloak tested here, or anywhere, can be relied on to stay."
)
#: The marks of the book: colour and shape say the same.
STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --paper: #fff; --line: #8a94a3;
  --clean: #0072b2; --cloaked: #d55e00; --soft: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --paper: #14181f; --line: #8a94a3;
  --clean: #56b4e9; --cloaked: #f08d49; --soft: #232a34; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.grade { background: var(--soft); border-left: 0.4rem solid var(--cloaked); padding: 0.75rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding-bottom: 0.5rem; }
th, td { border-bottom: 1px solid var(--line); padding: 0.4rem 0.75rem 0.4rem 0; text-align: left;
  vertical-align: top; overflow-wrap: normal; }
.does { font-weight: normal; }
.kind { background: var(--soft); padding-left: 0.5rem; }
svg { display: block; height: 1.1rem; max-width: 10rem; width: 100%; }
.axis { stroke: var(--line); } .bar { stroke: var(--cloaked); stroke-width: 3; }
.clean { fill: var(--clean); } .cloaked { stroke: var(--cloaked); stroke-width: 3; }
.faces { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.faces img { display: inline-block; image-rendering: pixelated; width: 112px; }
"""


def as_html(audit: Audit, *, photographs: bool = False) -> str:
    """The report of an audit as an HTML page.

    All text from outside, such as file names, is escaped, and the page's own policy forbids scripts
    and every request.

    Args:
        audit: what to report.
        photographs: whether to embed some of the faces, clean and cloaked.
    """
    card = audit.card
    title = f"Does {escape(card.cloak)} work?"
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="grade"><strong>Verdict: {escape(_capital(PHRASES[card.grade]))}.</strong> '
        f"{escape(card.summary)}</p>",
        f"<p><strong>{escape(WARNING)}</strong></p>",
        "<h2>Which recognisers were asked, and what that means</h2>",
        *(f"<p>{escape(sentence)}</p>" for sentence in audit.statement),
        "<h2>Trainer by trainer</h2>",
        _legend(),
        _table(card.sections),
        "<h2>How much the photographs change</h2>",
        f"<p>{escape(card.changes)}</p>",
        *(_faces(audit) if photographs else []),
        "<h2>The files</h2>",
        *_files(audit),
        "<h2>How it was tested</h2>",
        *_method(audit),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style></head>\n"
        f"<body><main>\n{chr(10).join(parts)}\n</main></body></html>\n"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _legend() -> str:
    return (
        "<p>Error: the share of the owner's clean photographs that the trainer's recogniser "
        "misidentifies. A circle is the error without the cloak, a cross the error with it, the "
        "bar its 95&nbsp;% interval; the line runs from 0 to 100&nbsp;%.</p>"
    )


def _table(sections: Iterable[tuple[str, Iterable[Mapping[str, Any]]]]) -> str:
    heads = ("Trainer", "Error without", "Error with the cloak", "Verdict")
    named = "".join(f'<th scope="col">{head}</th>' for head in heads)
    bodies = []
    for heading, rows in sections:
        bodies.append("<tbody>")
        if heading:
            span = f'class="kind" scope="rowgroup" colspan="{len(heads)}"'
            bodies.append(f"<tr><th {span}>{escape(_capital(heading))}</th></tr>")
        bodies += [_row(row) for row in rows]
        bodies.append("</tbody>")
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Errors by trainer"><table>'
        "<caption>Every trainer's error on the owner's clean photographs.</caption>"
        f"<thead><tr>{named}</tr></thead>{''.join(bodies)}</table></div>"
    )


def _row(row: Mapping[str, Any]) -> str:
    error = f"{row['error']:.0%} [{row['low']:.0%}, {row['high']:.0%}]"
    return (
        f'<tr><th scope="row">{escape(row["strategy"])}<br>'
        f'<span class="does">It {escape(row["does"])}.</span></th>'
        f"<td>{row['without']:.0%}</td><td>{error}{_bar(row)}</td>"
        f"<td>{escape(row['verdict'])}</td></tr>"
    )


def _bar(row: Mapping[str, Any]) -> str:
    """A row's numbers as a picture; the cells before it give the same."""

    def x(share: float) -> float:
        return round(6 + 188 * share, 1)

    at = x(row["error"])
    return (
        '<svg viewBox="0 0 200 22" aria-hidden="true" focusable="false">'
        f'<line class="axis" x1="{x(0)}" x2="{x(1)}" y1="11" y2="11"/>'
        f'<line class="bar" x1="{x(row["low"])}" x2="{x(row["high"])}" y1="11" y2="11"/>'
        f'<circle class="clean" cx="{x(row["without"])}" cy="11" r="5"/>'
        f'<path class="cloaked" d="M{at - 5} 6l10 10m0-10l-10 10"/></svg>'
    )


def _faces(audit: Audit) -> list[str]:
    faces = audit.faces
    items = []
    for clean, cloaked, pair in zip(faces.clean, faces.cloaked, faces.pairs, strict=True):
        name = escape(printable(pair.name), quote=True)
        items.append(
            f'<li><img src="{_data(clean)}" alt="{name}, clean"> '
            f'<img src="{_data(cloaked)}" alt="{name}, cloaked"></li>'
        )
    return [
        "<h2>Some of the faces</h2>",
        "<p>Left clean, right cloaked. This file contains them: share it accordingly.</p>",
        f'<ul class="faces">{"".join(items[:SHOWN_PAIRS])}</ul>',
    ]


def _data(image: Tensor) -> str:
    from PIL import Image

    pixels = image.mul(255).round().byte().permute(1, 2, 0).numpy()
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _files(audit: Audit) -> list[str]:
    faces = audit.faces
    parts = [f"<p>{len(faces)} photographs were compared with their cloaked copies.</p>"]
    notes = [
        f"<li>{escape(printable(pair.name))}: {escape('; '.join(lines))}</li>"
        for pair, lines in zip(faces.pairs, faces.notes, strict=True)
        if lines
    ]
    if notes:
        parts.append(f"<details><summary>Notes on {len(notes)} of them</summary>")
        parts.append(f"<ul>{''.join(notes)}</ul></details>")
    if audit.problems:
        items = "".join(
            f"<li>{escape(printable(problem.file))}: {escape(problem.reason)}</li>"
            for problem in audit.problems
        )
        parts.append(f"<p>Left out ({len(audit.problems)}):</p><ul>{items}</ul>")
    return parts


def _method(audit: Audit) -> list[str]:
    from poisonlib import __version__

    card = audit.card
    return [
        f"<p>The gallery held {escape(audit.background)}, and the owner with cloaked photographs "
        f"only. Each of the {len(audit.faces)} photographs was tested once, in one of "
        f"{FOLDS} folds, in which the trainer had the cloaked copies of all others. All of "
        "them being of one person, intervals are narrower than they should be.</p>",
        f"<p>{escape(RULE)}</p>",
        "<p>All of this ran on one machine; no photograph left it"
        " and none was used to train anything.</p>",
        f"<p>poisonlib {escape(__version__)}, commit {escape(provenance.commit())}, seed "
        f"{card.seed}.</p>",
    ]

"""Tables of results, looking the same in JupyterLab and on the static page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from poisonlib.figures.show import building_site
from poisonlib.statistics import Rate

if TYPE_CHECKING:
    import pandas
    from IPython.display import HTML

HEADINGS: Mapping[str, str] = {
    "attack": "tool",
    "error": "error [95 %]",
    "n": "photographs",
    "user_sd": "sd over users",
}


def table(
    frame: pandas.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    rates: Sequence[str] = (),
    pages: Sequence[str] = (),
    wrapped: Sequence[str] = (),
    fold: str = "",
) -> HTML:
    """A data frame as an HTML table without its index, rates as percentages.

    An ``error`` with its bounds ``low`` and ``high`` takes one column: ``5.1 % [3.7, 7.0]``. A
    :class:`poisonlib.statistics.Rate` may take several lines.

    Args:
        frame: one row for each result.
        columns: which to show, in which order; all of them by default.
        rates: other columns in [0, 1] to show in per cent.
        pages: columns that hold pages of the book, ``book/NN_slug``, to show as links.
        wrapped: columns of text that may take several lines.
        fold: the line under which the table is folded away, for the numbers of a figure; by default
            it is shown.

    Example:
        >>> import pandas
        >>> from poisonlib.figures import table
        >>> row = {"attack": "LowKey", "error": 0.5, "low": 0.4, "high": 0.6}
        >>> frame = pandas.DataFrame([row])
        >>> "50.0% [40.0, 60.0]" in table(frame).data
        True
    """
    from IPython.display import HTML

    shown = frame if columns is None else frame[list(columns)]
    percent = {name: "{:.1%}".format for name in rates}
    if {"error", "low", "high"} <= set(shown.columns):
        bounds = zip(shown["error"], shown["low"], shown["high"], strict=True)
        merged = [f"{error:.1%} [{100 * low:.1f}, {100 * high:.1f}]" for error, low, high in bounds]
        shown = shown.assign(error=merged).drop(columns=["low", "high"])
    # Text is escaped here and not by pandas, which would escape the links as well.
    shown = shown.copy()
    for name in shown.columns:
        written = _link if name in pages else _wrapped if name in wrapped else _escaped
        shown[name] = shown[name].map(written)
    html = shown.rename(columns=HEADINGS).to_html(
        index=False,
        escape=False,
        border=0,
        classes="table poisonlib-table",
        formatters={HEADINGS.get(name, name): how for name, how in percent.items()},
        float_format="{:.3g}".format,
        justify="left",
    )
    # What is wider than a phone scrolls inside itself, by keyboard too.
    html = (
        f'<div class="poisonlib-scroll" role="group" aria-label="Table" tabindex="0">{html}</div>'
    )
    return HTML(f"<details><summary>{escape(fold)}</summary>{html}</details>" if fold else html)


def _escaped(value: object) -> object:
    if isinstance(value, Rate):
        return f'<span class="poisonlib-wrap poisonlib-rate">{escape(str(value))}</span>'
    return escape(value) if isinstance(value, str) else value


def _wrapped(value: object) -> str:
    return f'<span class="poisonlib-wrap">{escape(str(value))}</span>'


def _link(page: str) -> str:
    """A link from one page of the book to another: both lie in one folder."""
    slug = page.rpartition("/")[2]
    suffix = "html" if building_site() else "ipynb"
    return f'<a href="{slug}.{suffix}">{escape(title(page))}</a>'


def title(page: str) -> str:
    """What a page is called in a table: ``"chapter 2"`` for ``"book/02_baseline_attack"``."""
    slug = page.rpartition("/")[2]
    number, _, _ = slug.partition("_")
    return f"chapter {int(number)}" if number.isdigit() else slug.replace("_", " ")

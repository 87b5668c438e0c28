"""Tables of results, looking the same in JupyterLab and on the static page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas
    from IPython.display import HTML

HEADINGS: Mapping[str, str] = {
    "attack": "tool",
    "low": "95 % from",
    "high": "to",
    "n": "photographs",
    "user_sd": "spread over users (sd)",
}


def table(
    frame: pandas.DataFrame, *, columns: Sequence[str] | None = None, rates: Sequence[str] = ()
) -> HTML:
    """A data frame as an HTML table without its index, rates as percentages.

    Args:
        frame: one row for each result.
        columns: which to show, in which order; all of them by default.
        rates: columns in [0, 1] to show in per cent.
    """
    from IPython.display import HTML

    shown = frame if columns is None else frame[list(columns)]
    percent = {name: "{:.1%}".format for name in rates}
    html = shown.rename(columns=HEADINGS).to_html(
        index=False,
        border=0,
        classes="table poisonlib-table",
        formatters={HEADINGS.get(name, name): how for name, how in percent.items()},
        float_format="{:.3g}".format,
        justify="left",
    )
    return HTML(f'<div class="poisonlib-scroll">{html}</div>')

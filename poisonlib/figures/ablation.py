"""Why: one change of the recipe at a time, and what each does to the cloaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poisonlib.figures.error_bars import error_bars
from poisonlib.figures.theme import CLOAKED, GRID, TOOLS, UNPROTECTED, Role, short
from poisonlib.generations import pooled

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects as go

LANE = 0.19
"""Between the marks of one variant."""


def error_by_variant(table: pandas.DataFrame) -> go.Figure:
    """The error of protected users for each variant of a recipe, with the clean error beside it.

    Args:
        table: a trial table with the column ``variant`` besides.
    """
    import plotly.graph_objects as go

    rows = _pooled(table)
    variants, tools = list(dict.fromkeys(rows["variant"])), list(dict.fromkeys(rows["attack"]))
    bare = rows[rows["condition"] == "control"].drop_duplicates("variant")
    worn = rows[rows["condition"] == "cloaked"]
    lanes = [(UNPROTECTED, bare)]
    lanes += [(TOOLS.get(tool, CLOAKED), worn[worn["attack"] == tool]) for tool in tools]
    fig = go.Figure()
    for lane, (role, mine) in enumerate(lanes):
        fig.add_trace(_lane(mine, variants, role, LANE * (lane - (len(lanes) - 1) / 2)))
    for edge in range(1, len(variants)):
        fig.add_hline(y=edge - 0.5, line={"color": GRID, "width": 2})
    return fig.update_layout(
        xaxis={"range": [-0.03, 1.03], "tickformat": ".0%", "title": {"text": "error of the user"}},
        yaxis={"tickvals": list(range(len(variants))), "ticktext": _wrapped(variants)}
        | {"range": [len(variants) - 0.5, -0.5], "showgrid": False, "ticks": ""},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction"},
        margin={"t": 84},
        height=140 + 78 * len(variants),
    )


def _pooled(table: pandas.DataFrame) -> pandas.DataFrame:
    return pooled(table[table["whose"] == "user"], by=["variant"])


def _wrapped(names: list[str]) -> list[str]:
    return [name.replace(" ", "<br>") for name in names]


def _lane(rows: pandas.DataFrame, variants: list[str], role: Role, shift: float) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=rows["error"],
        y=[variants.index(name) + shift for name in rows["variant"]],
        error_x=error_bars(rows),
        customdata=rows[["variant", "low", "high", "n", "users"]],
        hovertemplate="%{customdata[0]}: %{x:.1%} [%{customdata[1]:.1%}, %{customdata[2]:.1%}]"
        "<br>%{customdata[3]} photographs, %{customdata[4]} users",
        mode="markers",
        marker=role.marker | {"size": 10},
        name=short(role.name),
    )


def changes(table: pandas.DataFrame, *, base: str = "base") -> pandas.DataFrame:
    """What each variant does to each tool, against the base, with a word for it.

    The word is ``"weakens the cloak"`` or ``"strengthens the cloak"`` where the two 95 % intervals
    do not overlap (a strict reading: two intervals that just touch differ already), and
    ``"no clear change"`` elsewhere.

    Returns:
        ``attack, variant, error, low, high, n, users, against_base`` (difference of the errors),
        ``effect``.

    Raises:
        ValueError: no variant of the name of ``base``.
    """
    import pandas

    if base not in set(table["variant"]):
        raise ValueError(f"no variant {base!r}, there are {sorted(set(table['variant']))}")
    rows = _pooled(table)
    rows = rows[rows["condition"] == "cloaked"]
    start = rows[rows["variant"] == base].set_index("attack")
    found = []
    for row in rows[rows["variant"] != base].to_dict("records"):
        before = start.loc[row["attack"]]
        effect = "no clear change"
        if row["high"] < before["low"]:
            effect = "weakens the cloak"
        elif row["low"] > before["high"]:
            effect = "strengthens the cloak"
        kept = ("attack", "variant", "error", "low", "high", "n", "users")
        found.append(
            {key: row[key] for key in kept}
            | {"against_base": row["error"] - before["error"], "effect": effect}
        )
    order = {tool: place for place, tool in enumerate(dict.fromkeys(rows["attack"]))}
    frame = pandas.DataFrame(found)
    return frame.sort_values("attack", key=lambda names: names.map(order), kind="stable")

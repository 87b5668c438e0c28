"""What was measured, as the parts of a claim: which of them hold, and which at least lean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from poisonlib import paper
from poisonlib.tools import SURROGATES
from studio.scoreboard.criteria import Band, Part
from studio.scoreboard.measure import LOST
from studio.scoreboard.measured import Measured

if TYPE_CHECKING:
    import pandas

#: What counts as slightly less accurate, and as no less robust: differences of error rates.
SLIGHTLY, NO_LESS_ROBUST = 0.05, 0.02
#: What counts as a detector that at least works: its precision, and its recall.
WORKS = 0.9


def unprotected(measured: Measured, *, extractor: str, band: Band) -> list[Part]:
    """The users' error without a cloak, against a number of the paper."""
    rate, users = measured.unprotected(extractor)
    leans = paper.verdict(low=rate.low, high=rate.high, unprotected=0.0) == "not fooled"
    return [Part.of(extractor, rate, users=users, holds=band.holds(rate), leans=leans)]


def protected(
    measured: Measured, *, tool: str, extractor: str, band: Band, fooled: bool
) -> list[Part]:
    """The users' error with a tool's cloaks, against a number; ``fooled`` is the direction."""
    rate, users = measured.protected(tool, extractor)
    wanted = "fooled" if fooled else "not fooled"
    leans = measured.fooled(tool, extractor) == wanted
    return [Part.of(extractor, rate, users=users, holds=band.holds(rate), leans=leans)]


def detected(measured: Measured, *, ask: Callable, band: Band) -> list[Part]:
    """A rate of the detector, which ``ask`` reads, against a number."""
    rate, users = ask(measured)
    what = "cloaked photographs and their originals"
    return [Part.of(what, rate, users=users, holds=band.holds(rate), leans=rate.low > WORKS)]


def transferred(measured: Measured, *, tool: str, works: bool) -> list[Part]:
    """A tool against each extractor against which it works, or fails, in the paper."""
    rows = measured.trials[measured.trials["attack"] == tool].set_index("extractor")
    fooled_by = {one.extractor: one.fooled for one in paper.TRANSFERS if one.attack == tool}
    least = min(rows.loc[name, "low"] for name, fooled in fooled_by.items() if fooled)
    parts = []
    for name, fooled in fooled_by.items():
        if fooled == works:
            row = rows.loc[name]
            holds = row["verdict"] == ("fooled" if works else "not fooled")
            leans = not works and row["high"] < least
            what = f"{name}: {row['verdict']}"
            parts.append(_of_row(row, what, users=row["users"], holds=holds, leans=leans))
    return parts


def less_accurate(measured: Measured, *, extractor: str) -> list[Part]:
    """How much more often an extractor errs than the best of those that are not CLIP."""
    others = [one.extractor for one in paper.TRANSFERS if "clip" not in one.extractor]
    best, difference, people = measured.less_accurate(extractor, dict.fromkeys(others))
    less = difference.low > 0
    holds = less and difference.value <= SLIGHTLY
    what = f"error beyond that of {best}"
    return [Part.of(what, difference, users=people, holds=holds, leans=less)]


def switched(measured: Measured, *, new: str) -> list[Part]:
    """Users who changed tools, against each extractor against which their old tool fails."""
    rows = measured.switches[measured.switches["new"] == new].set_index("extractor")
    parts = []
    for name in LOST:
        row = rows.loc[name]
        what, holds = f"{name}: {row['verdict']}", row["verdict"] == "not fooled"
        parts.append(_of_row(row, what, users=row["users"], holds=holds))
    return parts


def together(measured: Measured, *, models: str, rule: str) -> list[Part]:
    """Two models against either of them alone: without cloaks, and with each tool."""
    rows = measured.two_models
    rows = rows[(rows["pair"] == models) & (rows["rule"] == rule)].set_index(["tool", "whose"])
    bare = rows.loc[("no cloak", "everybody")]
    clean = bare["than accurate"]
    what = "no cloak, beyond the accurate model alone"
    people = int(bare["people"])
    parts = [Part.of(what, clean, users=people, holds=clean.low <= 0, leans=False)]
    bare_high = rows.loc[("no cloak", "users"), "high"]
    for tool in SURROGATES:
        row = rows.loc[(tool, "users")]
        beyond = row["than robust"].value
        verdict = paper.verdict(low=row["low"], high=row["high"], unprotected=bare_high)
        what = f"{tool}: {verdict}, {100 * beyond:+.1f} points beyond the robust model alone"
        holds = verdict == "not fooled" and beyond <= NO_LESS_ROBUST
        parts.append(_of_row(row, what, users=row["people"], holds=holds))
    return parts


def _of_row(row: pandas.Series, what: str, *, users: int, holds: bool, leans: bool = False) -> Part:
    """A row with ``error, low, high, n`` as a part of a claim."""
    return Part(
        what,
        *(float(row[key]) for key in ("error", "low", "high")),
        n=int(row["n"]),
        users=int(users),
        holds=bool(holds),
        leans=bool(leans or holds),
    )

"""The results of a cloak, trainer by trainer, as text, HTML and JSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import torch

from poisonlib.attacks import Cloak
from poisonlib.extractors import Card
from poisonlib.statistics import paired, wilson
from poisonlib.trial import TrialResult
from workbench.audit.strategies import PHOTOGRAPHS, RENDERED, Strategy
from workbench.audit.verdict import (
    CANNOT_TELL,
    PHRASES,
    RULE,
    TOMORROW,
    VERDICTS,
    Verdict,
    verdict,
)

if TYPE_CHECKING:
    import pandas

MEASURES = ("dssim", "lpips", "linf")
HEADINGS = (
    "trainer",
    "year",
    "error without",
    "error with the cloak [95 %]",
    "difference in points [95 %]",
    "verdict",
)


def summarise_trial(strategy: Strategy, extractor: Card, result: TrialResult) -> dict[str, Any]:
    """A row of the report card's table, from a trial of the users of the cloak."""
    users = list(dict.fromkeys(user for user, _ in result.wrong))
    cloaked, control = (
        torch.cat([result.wrong[user, condition] for user in users])
        for condition in ("cloaked", "control")
    )
    n = len(control)
    without, error = wilson(int(control.sum()), n), wilson(int(cloaked.sum()), n)
    difference = paired(int((cloaked & ~control).sum()), int((control & ~cloaked).sum()), n)
    return {
        "strategy": strategy.name,
        "family": strategy.family,
        "year": strategy.year,
        "extractor": extractor.name,
        "learnt_from": strategy.learnt_from,
        "trained_on": extractor.data,
        "without": without.value,
        "without_low": without.low,
        "without_high": without.high,
        "error": error.value,
        "low": error.low,
        "high": error.high,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "n": n,
        "users": len(users),
        "verdict": verdict(error, difference, without=without),
        "does": strategy.does,
    }


@dataclass(frozen=True, eq=False, repr=False)
class ReportCard:
    """Every trainer's result against a cloak. Prints as text, and as a table in a notebook.

    Intervals treat photographs as independent, which those of one person are not quite: take more
    users before you trust a narrow one.

    Attributes:
        cloak: its name.
        table: tidy ``DataFrame``, a row for each strategy in the order of the evaluator's, with the
            columns ``strategy, family, year, extractor``; what that extractor ``learnt_from``, in
            one word or three, and was ``trained_on``; the users' errors in [0, 1] ``without`` the
            cloak (95 % Wilson interval ``without_low`` and ``without_high``) and with it
            (``error``, ``low`` and ``high``);
            the paired ``difference`` of the two in [-1, 1] with its 95 % interval
            ``difference_low`` and ``difference_high``; ``n`` clean test photographs of so many
            ``users``; the ``verdict``; and what the trainer ``does``.
        visible: how much the cloaks change photographs: ``dssim_mean``, ``dssim_max`` and so on for
            ``lpips`` and ``linf``.
        seed: of split, draw and cloaks.
        of_real_people: whether the photographs may be of real people. Then recognisers that learnt
            from rendered people do not count for the grade if others are asked.
    """

    cloak: str
    table: pandas.DataFrame
    visible: Mapping[str, float]
    seed: int
    of_real_people: bool = False

    @classmethod
    def of(
        cls,
        cloak: str,
        rows: Iterable[dict[str, Any]],
        cloaks: Cloak,
        *,
        seed: int,
        of_real_people: bool = False,
    ) -> ReportCard:
        """The card of rows that ``summarise_trial`` made, and of all users' cloaks."""
        import pandas

        visible = {}
        for name in MEASURES:
            values = getattr(cloaks, name)
            visible |= {f"{name}_mean": float(values.mean()), f"{name}_max": float(values.max())}
        return cls(cloak, pandas.DataFrame(rows), visible, seed, of_real_people)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict by strategy."""
        return dict(zip(self.table["strategy"], self.table["verdict"], strict=True))

    @property
    def strongest(self) -> dict[str, Any]:
        """The row of the strongest trainer: the lowest error with the cloak.

        Of equal ones, the worse verdict for the users, then the smaller difference. Trainers who do
        not count or cannot tell are left out; where nobody can, it is the lowest error without the
        cloak.
        """
        order = VERDICTS.index
        if rows := self._telling:
            return min(
                rows, key=lambda row: (row["error"], order(row["verdict"]), row["difference"])
            )
        return min(self._counting, key=lambda row: row["without"])

    @property
    def sets_rendered_aside(self) -> bool:
        """Whether recognisers that learnt from rendered people do not count for the grade."""
        kinds = set(self.table["learnt_from"])
        return self.of_real_people and {PHOTOGRAPHS, RENDERED} <= kinds

    @property
    def _counting(self) -> list[dict[str, Any]]:
        """The rows of the trainers who count for the grade."""
        rows = self.table.to_dict("records")
        aside = self.sets_rendered_aside
        return [row for row in rows if not (aside and row["learnt_from"] == RENDERED)]

    @property
    def _telling(self) -> list[dict[str, Any]]:
        """Those of them who recognise the users without the cloak."""
        return [row for row in self._counting if row["verdict"] != CANNOT_TELL]

    @property
    def sections(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The rows in their order, those of recognisers that learnt from the same together.

        Each with a heading, which is empty where there is one section only.
        """
        aside = {RENDERED: ", for comparison"} if self.sets_rendered_aside else {}
        found = [
            (f"trained on {learnt_from}{aside.get(learnt_from, '')}", list(rows))
            for learnt_from, rows in itertools.groupby(
                self.table.to_dict("records"), key=lambda row: row["learnt_from"]
            )
        ]
        return found if len(found) > 1 else [("", rows) for _, rows in found]

    @property
    def grade(self) -> Verdict:
        """The overall verdict: that of the strongest trainer, who moves second.

        Trainers who cannot tell do not count; if nobody can, the grade is *cannot tell*. Nor do
        recognisers that learnt from rendered people, if the photographs may be of real ones and
        others are asked: among rendered people those know a real face as the only real one.

        The strongest is selected by its result. Where several are nearly as strong, that makes the
        grade a little stricter than any one interval, never more lenient.
        """
        return self.strongest["verdict"]

    @property
    def summary(self) -> str:
        """The card in one sentence."""
        row, telling, counting = self.strongest, len(self._telling), len(self._counting)
        if not telling:
            return (
                f"{self.cloak}: no trainer recognises the users reliably without the cloak (the "
                f"best, {row['strategy']}, gets {row['without']:.1%} of {row['n']} photographs "
                f"wrong), so {PHRASES[self.grade]}; {TOMORROW}."
            )
        trainers = "the only trainer" if telling == 1 else f"the strongest of {telling} trainers"
        if telling < counting:
            trainers += f" that can tell (of {counting})"
        if self.sets_rendered_aside:
            trainers += f", trained on {PHOTOGRAPHS}"
        return (
            f"{self.cloak}: {trainers} ({row['strategy']}) gets {_rate(row)} of the users' clean "
            f"photographs wrong, and {row['without']:.1%} without the cloak ({row['n']} "
            f"photographs, users: {row['users']}), so {PHRASES[row['verdict']]}; {TOMORROW}."
        )

    def to_json(self) -> str:
        """The card as a strict JSON object: no NaN, plain values only."""
        table = json.loads(self.table.to_json(orient="records", double_precision=15))
        content = {
            "cloak": self.cloak,
            "grade": self.grade,
            "strongest": self.strongest["strategy"] if self._telling else None,
            "summary": self.summary,
            "rule": RULE,
            "seed": self.seed,
            "visible": dict(self.visible),
            "strategies": table,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2)

    def __repr__(self) -> str:
        return f"ReportCard({self.cloak!r}, {len(self.table)} trainers, grade: {self.grade})"

    def __str__(self) -> str:
        lines = [_cells(row) for row in self.table.to_dict("records")]
        widths = [max(map(len, column)) for column in zip(HEADINGS, *lines, strict=True)]

        def line(cells: tuple[str, ...]) -> str:
            aligned = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            return "  ".join(aligned).rstrip()

        text = [line(HEADINGS)]
        for heading, rows in self.sections:
            text += ["", f"{heading}:"] if heading else []
            text += [line(_cells(row)) for row in rows]
        return "\n".join([*text, "", self.changes, self.summary])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{_wrapped(heading)}</th>' for heading in HEADINGS)
        bodies = []
        for heading, rows in self.sections:
            bodies.append("<tbody>")
            if heading:
                span = f'scope="rowgroup" colspan="{len(HEADINGS)}"'
                bodies.append(f"<tr><th {span}>{escape(heading)}</th></tr>")
            for row in rows:
                first, *others = _cells(row)
                does = escape(row["does"], quote=True)
                named = f'<th scope="row" title="{does}">{_wrapped(first)}</th>'
                cells = "".join(f"<td>{_wrapped(cell)}</td>" for cell in others)
                bodies.append(f"<tr>{named}{cells}</tr>")
            bodies.append("</tbody>")
        return (
            '<div class="poisonlib-scroll" role="group" aria-label="Report card" tabindex="0">'
            '<table class="table poisonlib-table">'
            f"<caption>Report card of {escape(self.cloak)}</caption>"
            f"<thead><tr>{head}</tr></thead>{''.join(bodies)}</table></div>"
            f"<p>{escape(self.changes)}</p><p>{escape(self.summary)}</p>"
        )

    @property
    def changes(self) -> str:
        """How much the cloaks change photographs, in a sentence."""
        levels = 255 * self.visible["linf_max"]
        return (
            f"Visible change: DSSIM {self.visible['dssim_mean']:.4f} on average and "
            f"{self.visible['dssim_max']:.4f} at most, LPIPS {self.visible['lpips_mean']:.3f} and "
            f"{self.visible['lpips_max']:.3f}, no value by more than {levels:.0f} of 255."
        )


def _rate(row: Mapping[str, Any]) -> str:
    return f"{row['error']:.1%} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"


def _wrapped(text: str) -> str:
    """Text that may take several lines, the bounds of an interval on one."""
    before, bracket, bounds = escape(text).partition("[")
    unbroken = bracket + bounds.replace(" ", "&nbsp;")
    return f'<span class="poisonlib-wrap">{before}{unbroken}</span>'


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    bounds = f"[{100 * row['difference_low']:+.1f}, {100 * row['difference_high']:+.1f}]"
    return (
        row["strategy"],
        str(row["year"]),
        f"{row['without']:.1%}",
        _rate(row),
        f"{100 * row['difference']:+.1f} {bounds}",
        row["verdict"],
    )

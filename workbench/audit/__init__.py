"""Does a cloak work? Every trainer there is in this book against it, and a report card.

``gauntlet(my_cloak)`` plays the paper's protocol for a function from photographs to photographs, or
for a tool of ``poisonlib.attacks``; ``audit`` plays it for photographs that somebody has cloaked
already, with whatever tool. The cloak's maker moves first and every trainer second, so the grade is
what the strongest trainer achieves.
"""

from workbench.audit.evaluator import Evaluator, gauntlet
from workbench.audit.photographs import Audit, audit, background
from workbench.audit.report import as_html
from workbench.audit.report_card import ReportCard
from workbench.audit.strategies import Strategy, strategies
from workbench.audit.verdict import RULE, TOMORROW, VERDICTS, Verdict, verdict

__all__ = [
    "Audit",
    "Evaluator",
    "RULE",
    "ReportCard",
    "Strategy",
    "TOMORROW",
    "VERDICTS",
    "Verdict",
    "as_html",
    "audit",
    "background",
    "gauntlet",
    "strategies",
    "verdict",
]

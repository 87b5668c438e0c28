"""Does a cloak work? Every trainer of the book against it, and a report card.

``gauntlet(my_cloak)`` runs the paper's protocol for a function from photographs to photographs, or
for a tool of ``poisonlib.attacks``; ``audit`` runs it for photographs that any tool has cloaked.
The cloak's maker moves first and every trainer second, so the grade is what the strongest trainer
achieves.
"""

from workbench.audit.evaluator import Evaluator, gauntlet
from workbench.audit.others import background
from workbench.audit.photographs import Audit, audit
from workbench.audit.report import as_html
from workbench.audit.report_card import ReportCard
from workbench.audit.strategies import Strategy, strategies
from workbench.audit.verdict import CANNOT_TELL, RULE, TOMORROW, VERDICTS, Verdict, verdict

__all__ = [
    "Audit",
    "CANNOT_TELL",
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

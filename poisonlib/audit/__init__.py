"""Does a cloak work? Every trainer there is in this book against it, and a report card.

``gauntlet(my_cloak)`` plays the paper's protocol for a function from photographs to photographs, or
for a tool of ``poisonlib.attacks``; ``audit`` plays it for photographs that somebody has cloaked
already, with whatever tool. The cloak's maker moves first and every trainer second, so the grade is
what the strongest trainer achieves.
"""

from poisonlib.audit.arena import Arena, gauntlet
from poisonlib.audit.given import Given
from poisonlib.audit.handmade import Handmade, as_attack
from poisonlib.audit.photographs import Audit, audit, background
from poisonlib.audit.report import as_html
from poisonlib.audit.report_card import ReportCard
from poisonlib.audit.strategies import Strategy, strategies
from poisonlib.audit.verdict import RULE, TOMORROW, VERDICTS, Verdict, verdict

__all__ = [
    "RULE",
    "TOMORROW",
    "VERDICTS",
    "Arena",
    "Audit",
    "Given",
    "Handmade",
    "ReportCard",
    "Strategy",
    "Verdict",
    "as_attack",
    "as_html",
    "audit",
    "background",
    "gauntlet",
    "strategies",
    "verdict",
]

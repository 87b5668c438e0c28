"""The recorded experiments: the paper's tools at full strength, against the trainer's choices.

Each experiment is a function from settings to rows of a tidy table. The ``record`` command runs
one and keeps its rows with their provenance; a chapter runs a smaller one live and shows the
recorded one beside it.
"""

from poisonlib.defenses.combined import PAIRS
from poisonlib.defenses.purify import NOT_PURIFIED, purifiers
from poisonlib.tools import (
    BASELINE,
    LATER,
    SURROGATES,
    paper_tools,
    tools_on_the_adapted,
    weaker_tools,
)
from studio.studies.ablation import ablation
from studio.studies.adaptations import ADAPTATIONS, AGAIN, LEAKS, Adaptation
from studio.studies.adaptive import adaptive, adaptive_end_to_end, leaks, next_attack
from studio.studies.baseline import RECOGNISERS, baseline, budget
from studio.studies.combined import combined
from studio.studies.detection import TREATMENTS, detection, detection_across
from studio.studies.detection import summary as detection_summary
from studio.studies.growth import growth
from studio.studies.outcomes import summary as combined_summary
from studio.studies.precompute import Experiment, precompute_cloaks
from studio.studies.public_copies import public_copies
from studio.studies.purification import purification
from studio.studies.real import (
    AT_MOST,
    both_worlds,
    by_photographs,
    photographs,
    real_end_to_end,
    real_photographs,
)
from studio.studies.real_tools import lowkey_on_real, tools_with_a_real_one
from studio.studies.timeline import SHARES, SWITCHES, switching, timeline

EXPERIMENTS = {
    "baseline": Experiment(baseline, paper_tools),
    "budget": Experiment(budget, weaker_tools),
    "timeline": Experiment(timeline, paper_tools),
    "switching": Experiment(switching, paper_tools),
    "ablation": Experiment(ablation, paper_tools),
    "adaptive": Experiment(adaptive, paper_tools),
    "adaptive-end-to-end": Experiment(adaptive_end_to_end, paper_tools),
    "leaks": Experiment(leaks, paper_tools),
    "next-attack": Experiment(next_attack, tools_on_the_adapted),
    "purification": Experiment(purification, paper_tools),
    "growth": Experiment(growth, paper_tools),
    "detection": Experiment(detection, paper_tools, summary=detection_summary),
    "detection-across": Experiment(detection_across, paper_tools, summary=detection_summary),
    "combined": Experiment(combined, paper_tools, summary=combined_summary),
    "real": Experiment(
        both_worlds, tools_with_a_real_one, photographs, AT_MOST, summary=by_photographs
    ),
    "real-end-to-end": Experiment(real_end_to_end, lowkey_on_real, real_photographs),
}
"""All experiments by the name that the ``record`` command knows them by."""

__all__ = [
    "ADAPTATIONS",
    "AGAIN",
    "Adaptation",
    "BASELINE",
    "EXPERIMENTS",
    "Experiment",
    "LATER",
    "LEAKS",
    "NOT_PURIFIED",
    "PAIRS",
    "RECOGNISERS",
    "SHARES",
    "SURROGATES",
    "SWITCHES",
    "TREATMENTS",
    "ablation",
    "adaptive",
    "adaptive_end_to_end",
    "baseline",
    "both_worlds",
    "budget",
    "precompute_cloaks",
    "combined",
    "detection",
    "detection_across",
    "growth",
    "leaks",
    "next_attack",
    "paper_tools",
    "purification",
    "purifiers",
    "real_end_to_end",
    "public_copies",
    "switching",
    "timeline",
    "tools_on_the_adapted",
    "tools_with_a_real_one",
    "weaker_tools",
]

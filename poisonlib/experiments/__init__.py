"""The recorded experiments: the paper's tools at full strength, against the trainer's choices.

Each experiment is a function from settings to rows of a tidy table. The ``record`` command runs
one and keeps its rows with their provenance; a chapter runs a smaller one live and shows the
recorded one beside it.
"""

from poisonlib.experiments.ablation import ablation
from poisonlib.experiments.adaptations import ADAPTATIONS, AGAIN, LEAKS, Adaptation
from poisonlib.experiments.adaptive import (
    adaptive,
    adaptive_end_to_end,
    leaks,
    next_attack,
)
from poisonlib.experiments.ahead import Experiment, cloak_ahead
from poisonlib.experiments.baseline import RECOGNISERS, baseline, budget
from poisonlib.experiments.combined import PAIRS, combined
from poisonlib.experiments.detection import TREATMENTS, detection, detection_across
from poisonlib.experiments.detection import summary as detection_summary
from poisonlib.experiments.growth import growth
from poisonlib.experiments.outcomes import summary as combined_summary
from poisonlib.experiments.purification import NOT_PURIFIED, purification, purifiers
from poisonlib.experiments.real import (
    AT_MOST,
    both_worlds,
    by_photographs,
    photographs,
    real_end_to_end,
    real_photographs,
)
from poisonlib.experiments.scraped import scraped
from poisonlib.experiments.timeline import SHARES, SWITCHES, switching, timeline
from poisonlib.experiments.tools import (
    BASELINE,
    LATER,
    SURROGATES,
    paper_tools,
    the_real_one,
    tools_on_the_adapted,
    tools_with_a_real_one,
    weaker_tools,
)

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
    "real-end-to-end": Experiment(real_end_to_end, the_real_one, real_photographs),
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
    "cloak_ahead",
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
    "scraped",
    "switching",
    "timeline",
    "tools_on_the_adapted",
    "tools_with_a_real_one",
    "weaker_tools",
]

"""The recorded studies: the paper's tools at full strength, against the trainer's choices.

A study is a grid of trials, whose cases are in :mod:`studio.studies.cases`, or a function from a
:class:`Run` to the rows of a tidy table. The ``record`` command runs one of :data:`STUDIES` and
writes its rows with their provenance into the package, where chapters read them.
"""

from poisonlib.tools import weaker_tools
from studio.studies import cases
from studio.studies.adaptations import ADAPTATIONS, Adaptation
from studio.studies.combined import combined
from studio.studies.detection import detection, detection_across
from studio.studies.detection import summary as detection_summary
from studio.studies.growth import growth
from studio.studies.knowing_faces import by_accuracy, knowing_faces
from studio.studies.outcomes import summary as combined_summary
from studio.studies.public_copies import public_copies
from studio.studies.real import (
    both_worlds,
    by_photographs,
    photographs,
    real_end_to_end,
    tools_on_both,
    tools_on_real,
)
from studio.studies.study import Run, Study, precompute_cloaks
from studio.studies.twice import twice


def _switching(table):
    return cases.without_visibility(cases.of_protected_users(table))


STUDIES = {
    "baseline": Study.of_cases(cases.baseline),
    "budget": Study.of_cases(cases.budget, weaker_tools),
    "timeline": Study.of_cases(cases.timeline),
    "switching": Study.of_cases(cases.switching, finish=_switching),
    "ablation": Study.of_cases(cases.ablation),
    "adaptive": Study.of_cases(cases.adaptive),
    "adaptive-end-to-end": Study(cases.adaptive_end_to_end),
    "leaks": Study.of_cases(cases.leaks),
    "next-attack": Study.of_cases(
        cases.next_attack, cases.tools_and_the_next, cases.of_protected_users
    ),
    "purification": Study.of_cases(cases.purification, finish=cases.over_users),
    "growth": Study(growth),
    "detection": Study(detection, summary=detection_summary),
    "detection-across": Study(detection_across, summary=detection_summary),
    "combined": Study(combined, summary=combined_summary),
    "knowing-faces": Study(knowing_faces, summary=by_accuracy),
    "real": Study(both_worlds, tools_on_both, photographs, summary=by_photographs),
    "twice": Study(twice, summary=by_photographs),
    "real-end-to-end": Study(real_end_to_end, tools_on_real, photographs),
}
"""All studies by their names in the ``record`` command."""

__all__ = [
    "ADAPTATIONS",
    "Adaptation",
    "Run",
    "STUDIES",
    "Study",
    "precompute_cloaks",
    "public_copies",
]

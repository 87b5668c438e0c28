"""The scoreboard: which of the paper's claims this book reproduces, and by which criterion.

``claims`` says what the paper claims, when we call it reproduced, and where the book teaches it;
``measure`` runs everything that is needed, ``measured`` reads the results, ``parts`` compares them
with a claim, ``criteria`` has the one rule for a verdict, and ``judge`` makes the board;
``on_real_faces`` adds the results for real people. The command is
``python -m poisonlib reproduce``.
"""

from studio.scoreboard.claims import CLAIMS, ToReproduce
from studio.scoreboard.criteria import RULE, VERDICTS, Band, Part, chance, verdict
from studio.scoreboard.judge import Judged, judge
from studio.scoreboard.measure import PROFILES, STUDY, Profile, measure
from studio.scoreboard.measured import Measured
from studio.scoreboard.on_real_faces import on_real_faces

__all__ = [
    "Band",
    "CLAIMS",
    "Judged",
    "Measured",
    "PROFILES",
    "Part",
    "Profile",
    "RULE",
    "STUDY",
    "ToReproduce",
    "VERDICTS",
    "chance",
    "judge",
    "measure",
    "on_real_faces",
    "verdict",
]

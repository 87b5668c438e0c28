"""Trials in numbers that outgrow a laptop: planned from a file, shared out, resumed after a kill.

A sweep is the same :class:`~poisonlib.trial.Trial` for every tool, extractor, recogniser, seed and
user of a configuration. Its jobs run through joblib: on this machine's cores, or on an existing
Dask cluster whose workers see the sweep's folder.
"""

from workbench.sweep.config import Config
from workbench.sweep.cost import Cost, estimate, measured
from workbench.sweep.jobs import Cloaks, Rows, Turns, plan
from workbench.sweep.ledger import Entry, entries
from workbench.sweep.run import Outcome, run

__all__ = [
    "Cloaks",
    "Config",
    "Cost",
    "Entry",
    "Outcome",
    "Rows",
    "Turns",
    "entries",
    "estimate",
    "measured",
    "plan",
    "run",
]

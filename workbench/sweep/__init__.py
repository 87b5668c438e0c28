"""Grids of trials that outgrow a laptop: planned from a file, distributed, resumed after a kill.

A sweep is a :func:`~poisonlib.trial.grid` for every tool, extractor, recogniser, seed and user of a
configuration. Its jobs run through joblib: on this machine's cores, or on an existing Dask cluster
whose workers see the sweep's folder.
"""

from workbench.sweep.config import Config
from workbench.sweep.cost import Cost, estimate, hours_by_workers, measured
from workbench.sweep.folder import SweepFolder, open_folder, timings
from workbench.sweep.jobs import CloakJob, EmbeddingJob, TrialJob, plan
from workbench.sweep.run import Outcome, run

__all__ = [
    "CloakJob",
    "Config",
    "Cost",
    "EmbeddingJob",
    "Outcome",
    "SweepFolder",
    "TrialJob",
    "estimate",
    "hours_by_workers",
    "measured",
    "open_folder",
    "plan",
    "run",
    "timings",
]

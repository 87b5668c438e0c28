"""A Dask cluster of two workers, until its standard input is closed: ``python -m ...cluster``.

Prints the scheduler's address and the workers' process ids. Its workers run toys.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.worker.preload": ["tests.sweep.toys"]})
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        print(cluster.scheduler_address, *pids, flush=True)
        sys.stdin.read()

"""How the commands that cloak show how far they are."""

from __future__ import annotations

import sys
import time

EVERY = 1.0
"""Seconds between lines, but for the last one."""


class Cloaks:
    """A progress bar over cloaks, or a line now and then where there is no terminal.

    Called as ``cloaks(done, total, doing)``, which is what trials and experiments call.

    Args:
        unit: what is counted.

    Attributes:
        started: when the bar was made, as ``time.perf_counter`` counts.
    """

    def __init__(self, unit: str = "cloaks") -> None:
        from tqdm import tqdm

        self.started = time.perf_counter()
        self._told = -EVERY
        self.bar = tqdm(unit=unit, disable=not sys.stderr.isatty())

    @property
    def seconds(self) -> float:
        """Wall time since the bar was made."""
        return time.perf_counter() - self.started

    def __call__(self, done: int, total: int, doing: str) -> None:
        self.bar.total, self.bar.n = total, done
        self.bar.set_postfix_str(doing)
        if self.bar.disable and (done == total or self.seconds - self._told >= EVERY):
            self._told = self.seconds
            print(f"{self.seconds:6.0f} s  {done}/{total}  {doing}", file=sys.stderr, flush=True)

    def __enter__(self) -> Cloaks:
        return self

    def __exit__(self, *problem: object) -> None:
        self.bar.close()

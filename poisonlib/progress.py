"""How work that takes a while reports how far it is: one signature, and one bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called as ``progress(done, total, doing)``: steps done, steps in all, what is being done."""

EVERY = 1.0
"""Seconds between lines where there is no terminal; the last line is always printed."""


class ProgressBar:
    """A progress bar on a terminal; elsewhere a line on standard error now and then.

    It is a :data:`Progress`: pass the bar itself as ``progress=bar``.

    Args:
        unit: what is counted, e.g. ``"cloaks"``.
        scale: whether to print counts as multiples of thousands, e.g. for bytes.

    Attributes:
        started: when the bar was made, as ``time.perf_counter`` counts.

    Example:
        >>> from poisonlib.progress import ProgressBar
        >>> with ProgressBar("photographs") as bar:
        ...     for done in range(3):
        ...         bar(done + 1, 3, "aligning")
        >>> bar.seconds > 0
        True
    """

    def __init__(self, unit: str, *, scale: bool = False) -> None:
        from tqdm import tqdm

        self.started = time.perf_counter()
        self._printed, self._scale = -EVERY, scale
        self.bar = tqdm(unit=unit, unit_scale=scale, disable=not sys.stderr.isatty())

    @property
    def seconds(self) -> float:
        """Wall time since the bar was made."""
        return time.perf_counter() - self.started

    def __call__(self, done: int, total: int, doing: str) -> None:
        self.bar.total, self.bar.n = total, done
        self.bar.set_postfix_str(doing)
        if self.bar.disable and (done == total or self.seconds - self._printed >= EVERY):
            self._printed = self.seconds
            count = f"{self._shown(done)}/{self._shown(total)}"
            print(f"{self.seconds:6.0f} s  {count}  {doing}", file=sys.stderr, flush=True)

    def _shown(self, count: int) -> str:
        return self.bar.format_sizeof(count) if self._scale else str(count)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *problem: object) -> None:
        self.bar.close()


def no_progress(done: int, total: int, doing: str) -> None:
    """A :data:`Progress` that reports nothing."""

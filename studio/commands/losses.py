"""How the commands that train show and keep the loss of each epoch."""

from __future__ import annotations

import sys


class Losses:
    """A progress bar over epochs, or a line for each where there is no terminal.

    Called as ``losses(done, epochs, loss)`` after every epoch.

    Args:
        epochs: in all.
        doing: what is learnt, in front of the bar.

    Attributes:
        rows: number and mean loss of each epoch that was seen, for a record.
    """

    def __init__(self, epochs: int, doing: str = "") -> None:
        from tqdm import tqdm

        self.doing, self.rows = doing, []
        self.bar = tqdm(
            total=epochs, unit="epoch", desc=doing or None, disable=not sys.stderr.isatty()
        )

    def __call__(self, done: int, epochs: int, loss: float) -> None:
        self.rows.append({"epoch": done, "loss": loss})
        self.bar.update(done - self.bar.n)
        self.bar.set_postfix(loss=f"{loss:.3f}")
        if self.bar.disable:
            front = f"{self.doing}: " if self.doing else ""
            line = f"{front}epoch {done}/{epochs}: mean loss {loss:.3f}"
            print(line, file=sys.stderr, flush=True)

    def __enter__(self) -> Losses:
        return self

    def __exit__(self, *problem: object) -> None:
        self.bar.close()

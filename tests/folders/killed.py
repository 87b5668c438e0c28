"""A run that is killed at one place after another, in processes of its own.

``python -m tests.folders.killed IN OUT`` cloaks IN into OUT/0, OUT/1, ..., each in a process that
kills itself at a later moment: before it opens, renames, links or removes a file, or sees one onto
the disk. It goes on until a run ends by itself, and prints how many were killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from tests.folders.toys import TOYS, Tint
from workbench import folders

MOMENTS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate"}
STEP = 5


def killed_at(moment: int, source: Path, out: Path) -> None:
    """Cloak, and die before the so many-th thing that is done to files."""
    left = moment

    def count(event: str, arguments: tuple) -> None:
        nonlocal left
        if event in MOMENTS:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync
    os.fsync = lambda descriptor: (count("open", ()), fsync(descriptor))
    sys.addaudithook(count)
    folders.cloak_folder(source, out, Tint(), batch=2, **TOYS)


def main() -> None:
    source, out = map(Path, sys.argv[1:])
    torch.set_num_threads(1)  # a fork has only the thread that forked
    folders.cloak_folder(source, out / "whole", Tint(), batch=2, **TOYS)
    killed = 0
    while True:
        child = os.fork()
        if child == 0:
            killed_at(2 + STEP * killed, source, out / str(killed))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            print(killed)
            sys.exit(os.waitstatus_to_exitcode(status))
        killed += 1


if __name__ == "__main__":
    main()

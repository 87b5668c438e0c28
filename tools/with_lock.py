"""Run a command under a lock that only one process holds, as flock(1), which macOS lacks, does.

    python tools/with_lock.py FILE COMMAND [ARGUMENT ...]

The lock ends with the command, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path


def main(file: str, *command: str) -> str | None:
    """Become the command, or return why not."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode() or "just started"
        return f"another build is at work in this folder (process {owner}); wait until it has ended"
    except OSError:
        pass  # a file system without locks
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

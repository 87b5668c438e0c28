"""The command line: ``python -m poisonlib COMMAND``, one module for each command.

A command module has ``register(subparsers)``, which adds its parser and sets ``run`` on it to a
function of the parsed arguments, which may return an exit code. Commands live in ``studio`` and
``workbench``; this module knows them by name only.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from poisonlib.printing import forgiving

COMMANDS = {
    "people": "studio",
    "train": "studio",
    "dlib": "studio",
    "cloaks": "studio",
    "collect": "studio",
    "adapt": "studio",
    "denoiser": "studio",
    "detector": "studio",
    "record": "studio",
    "real-faces": "studio",
    "reproduce": "studio",
    "lab": "studio",
    "cloak": "workbench",
    "audit": "workbench",
    "sweep": "workbench",
    "assets": "workbench",
}
"""Each command, and the package that it lives in."""


def parser() -> argparse.ArgumentParser:
    """The whole command line as an argparse parser.

    Example:
        >>> from poisonlib import cli
        >>> chosen = cli.parser().parse_args(["reproduce", "--profile", "quick"])
        >>> chosen.command, chosen.profile
        ('reproduce', 'quick')
    """
    top = argparse.ArgumentParser(prog="python -m poisonlib", description=__doc__.split("\n")[0])
    subparsers = top.add_subparsers(title="commands", dest="command", required=True)
    for name, package in COMMANDS.items():
        module = f"{package}.commands.{name.replace('-', '_')}"
        importlib.import_module(module).register(subparsers)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    Mistakes in what was asked (a bad value, a missing file), and files that cannot be written, end
    with one line that says what to do, and exit code 2; Ctrl-C with 130. Anything else is a defect
    and shows its traceback. Printing never fails (:func:`poisonlib.printing.forgiving`): a command
    whose output nobody reads to its end does its work all the same. If standard output cannot be
    written for another reason, such as a full disk, the exit code is 2.

    Example:
        >>> from poisonlib import cli
        >>> cli.main(["people", "pack", "nowhere", "--out", "packed.zip"])
        2
    """
    with forgiving() as problems:
        code = _run(arguments)
    for problem in problems:
        with forgiving():
            print(f"poisonlib: what was printed is incomplete ({problem})", file=sys.stderr)
    return 2 if problems else code


def _run(arguments: Sequence[str] | None) -> int:
    chosen = parser().parse_args(arguments)
    try:
        return chosen.run(chosen) or 0
    except (ValueError, OSError, ModuleNotFoundError) as problem:
        print(f"poisonlib: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("poisonlib: stopped; the same command resumes from here", file=sys.stderr)
        return 130


def typed(arguments: argparse.Namespace) -> str:
    """What to type to run this again, for provenance: defaults spelt out, folders left out."""
    words = ["python -m poisonlib", arguments.command]
    for name, value in sorted(vars(arguments).items()):
        if name in ("command", "run") or value is None or value is False or name.endswith("folder"):
            continue
        if name == "name":
            words.insert(2, str(value))
        else:
            words.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}"))
    return " ".join(words)

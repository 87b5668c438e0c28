"""Sphinx extension: what the reference needs besides autodoc and napoleon.

``public`` documents what a module offers: the names of its ``__all__``, or what it defines.
``command-help`` shows what a command of ``python -m poisonlib`` says about itself. Constants that a
package re-exports take their description from the module that defines them, and attributes that
share a line of a docstring are told apart.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

HELP_WIDTH = 60
"""Characters: what a phone shows of a literal block at once, or nearly so."""

SHORT = 60
"""Characters: the longest constant whose value is shown."""

COLON = "\ue000"
"""Stands for a colon while napoleon reads."""


def public(module: ModuleType) -> dict[str, object]:
    """The names that a module offers, and what they stand for.

    These are the names of its ``__all__`` but for modules and what another package defines; without
    one, the functions, classes and described constants that it defines itself.
    """
    package = module.__name__.partition(".")[0]
    names = getattr(module, "__all__", None) or _defined(module)
    values = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {
        name: value
        for name, value in values.items()
        if not isinstance(value, ModuleType)
        and not (is_code(value) and value.__module__.partition(".")[0] != package)
    }


def is_code(value: object) -> bool:
    """Whether it is a function or class, and not a constant or a name for a type."""
    return inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value))


def _defined(module: ModuleType) -> list[str]:
    names = []
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in getattr(target, "elts", [target])]
            # A name for a type (`Progress = Callable[...]`) is written out where it is used.
            names += [part.id for part in parts if isinstance(part, ast.Name) and part.id.isupper()]
    return [name for name in names if description(module.__name__, name) or not name.isupper()]


def description(module: str, name: str) -> list[str]:
    """The lines that describe a constant, in the module itself or in the one it imports it from."""
    from sphinx.pycode import ModuleAnalyzer

    found = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
    if found is not None:
        return list(found)
    source = Path(importlib.import_module(module).__file__).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return description(node.module, alias.name)
    return []


def directives(module: ModuleType) -> list[str]:
    """The lines of reStructuredText that let autodoc document a module and its public names."""
    lines = [f".. py:module:: {module.__name__}", "   :no-index:", ""]
    lines += [*inspect.getdoc(module).splitlines(), ""]
    for name, value in public(module).items():
        kind = "data"
        if is_code(value):
            kind = "class" if inspect.isclass(value) else "function"
        lines += [f".. auto{kind}:: {module.__name__}.{name}"]
        if kind == "data" and len(repr(value)) > SHORT:
            lines += ["   :no-value:"]
        lines += [""]
    return lines


class Public(Directive):
    """``{public}`` with a module's name: its docstring, and its public names with theirs."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        self.state.document.settings.env.note_dependency(module.__file__)
        lines = ["```{eval-rst}", *directives(module), "```"]
        parent = nodes.Element()
        self.state.nested_parse(StringList(lines, module.__file__), 0, parent)
        return parent.children


def _describe_data(app, what, name, value, options, lines: list[str]) -> None:
    """Without this, autodoc would describe a re-exported dict by what Python says of dicts."""
    if what == "data":
        module, _, own = name.rpartition(".")
        lines[:] = description(module, own)


def one_each(lines: list[str]) -> list[str]:
    """``:ivar low, high: bounds`` as a line for each; Sphinx would take ``low,`` for a type."""
    told: list[str] = []
    for line in lines:
        shared = re.match(r":ivar (\w+(?:, \w+)+): (.*)", line)
        if shared is None:
            told.append(line)
            continue
        told += [f":ivar {name}: {shared[2]}" for name in shared[1].split(", ")]
    return told


def _tell_attributes_apart(app, what, name, value, options, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in one_each(lines)]


def _keep_sentences(app, what, name, value, options, lines: list[str]) -> None:
    """Napoleon would take what stands before a colon of a property's first line for its type."""
    if what == "property" and lines:
        lines[0] = lines[0].replace(":", COLON)


def help_of(command: str) -> str:
    """What a command's ``--help`` says, e.g. that of ``"people render"``, at a fixed width."""
    from poisonlib import cli

    chosen = cli.parser()
    for word in command.split():
        actions = (a for a in chosen._actions if isinstance(a, argparse._SubParsersAction))
        chosen = next(actions).choices[word]
    chosen.formatter_class = lambda prog: argparse.HelpFormatter(
        prog, width=HELP_WIDTH, max_help_position=24
    )
    return chosen.format_help()


class CommandHelp(Directive):
    """``{command-help}`` with a command's words: its help as a literal block."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        text = help_of(self.arguments[0])
        block = nodes.literal_block(text, text, language="text")
        environment = self.state.document.settings.env
        for file in Path(__file__).parent.parent.glob("*/commands/*.py"):
            environment.note_dependency(str(file))
        return [block]


def setup(app) -> dict[str, object]:
    app.setup_extension("sphinx.ext.autodoc")
    app.add_css_file("reference.css")
    app.connect("autodoc-process-docstring", _describe_data)
    app.connect("autodoc-process-docstring", _keep_sentences, priority=400)  # napoleon's is 500
    app.connect("autodoc-process-docstring", _tell_attributes_apart, priority=900)
    app.add_directive("public", Public)
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

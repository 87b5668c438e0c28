"""What a sweep runs: a TOML file, validated before anything starts."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poisonlib import people
from poisonlib.attacks import Attack
from poisonlib.photos import Photos
from poisonlib.recognition import RECOGNISERS
from poisonlib.tools import paper_tools, weaker_tools
from workbench import extractors
from workbench.audit import background

#: Where photographs can come from; anything else is a folder that
#: :func:`~workbench.photos.from_folder` reads.
PEOPLE, LFW = "people", "lfw"


@dataclass(frozen=True)
class Config:
    """One sweep: every combination of what the lists hold.

    In the file each field is a key of its own::

        photographs = "people"            # or "lfw", or a folder with a folder for each person
        users = 20                        # how many protect themselves, drawn by the seed
        seeds = [0, 1]
        tools = ["Fawkes v0.3", "LowKey"]
        extractors = ["softmax-2014", "clip-2021"]
        recognisers = ["1-NN", "linear"]

    Attributes:
        photographs: ``"people"`` (the packaged synthetic users), ``"lfw"`` (where scikit-learn
            stores it), or a folder as :func:`workbench.photos.from_folder` reads it.
        tools: names of :func:`poisonlib.tools.paper_tools` or
            :func:`~poisonlib.tools.weaker_tools`.
        extractors: names, as :func:`workbench.extractors.load` takes them.
        users: how many protect themselves in turn, drawn by each seed; 0 means everybody.
        seeds: of the splits, the draws of users and the cloaks.
        recognisers: keys of :data:`poisonlib.recognition.RECOGNISERS`.
        users_per_job: users in one trial job; the smaller, the less is lost with a worker.

    Raises:
        ValueError: an unknown, empty or repeated value, or one of the wrong type; the message names
            the key, the value and what is known.

    Example:
        >>> from workbench.sweep import Config
        >>> config = Config("people", ("LowKey",), ("clip-2021",), users=2)
        >>> config.recognisers, config.seeds
        (('1-NN',), (0,))
    """

    photographs: str
    tools: tuple[str, ...]
    extractors: tuple[str, ...]
    users: int = 0
    seeds: tuple[int, ...] = (0,)
    recognisers: tuple[str, ...] = ("1-NN",)
    users_per_job: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.photographs, str) or not self.photographs:
            raise ValueError(
                f'photographs must be "{PEOPLE}", "{LFW}" or a folder, got {self.photographs!r}'
            )
        for key in ("tools", "extractors", "recognisers", "seeds"):
            kind = int if key == "seeds" else str
            object.__setattr__(self, key, _list(key, getattr(self, key), kind))
        for key, least in (("users", 0), ("users_per_job", 1)):
            value = getattr(self, key)
            if not _is(value, int) or value < least:
                raise ValueError(f"{key} must be a whole number >= {least}, got {value!r}")
        if min(self.seeds) < 0:
            raise ValueError(f"seeds must be whole numbers >= 0, got {min(self.seeds)}")
        _check_known("recognisers", self.recognisers, RECOGNISERS)
        _check_known("tools", self.tools, tools())

    @classmethod
    def read(cls, path: Path | str) -> Config:
        """The configuration in a TOML file; folders in it are relative to the file.

        Raises:
            FileNotFoundError: no such file.
            ValueError: no TOML, a key that is missing or unknown, or see the class.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"no configuration {path}; write one, for instance:\n"
                'photographs = "people"\nusers = 2\ntools = ["Fawkes v0.3"]\n'
                'extractors = ["softmax-2014"]'
            )
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ValueError(f"{path} is not a TOML file: {problem}") from problem
        fields = dataclasses.fields(cls)
        known = [field.name for field in fields]
        if unknown := sorted(set(content) - set(known)):
            raise ValueError(
                f"{path} has the unknown key {unknown[0]!r}; known are: {', '.join(known)}"
            )
        needed = [field.name for field in fields if field.default is dataclasses.MISSING]
        if missing := [key for key in needed if key not in content]:
            raise ValueError(f"{path} lacks the key {missing[0]!r}")
        if content["photographs"] not in (PEOPLE, LFW) and _is(content["photographs"], str):
            folder = path.parent / Path(content["photographs"]).expanduser()
            content["photographs"] = str(folder.resolve())
        return cls(**content)

    def load(self) -> Photos:
        """The photographs of everybody.

        Raises:
            FileNotFoundError, ValueError: there are none; the message says what to do.
        """
        return background(self.photographs)[0]

    def check_extractors(self) -> None:
        """Load every extractor once, so that a typing error ends a sweep before it starts.

        Raises:
            FileNotFoundError, ValueError: an unknown one, or one that is not on this machine.
        """
        for name in self.extractors:
            extractors.load(name)

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which ``Config(**values)`` is this configuration again."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


@functools.cache
def tools() -> Mapping[str, Attack]:
    """All tools that a sweep can run, by name: at full strength, and at every weaker one."""
    public = people.load("public")
    return {**paper_tools(public), **weaker_tools(public)}


def _list(key: str, value: object, kind: type) -> tuple:
    if not isinstance(value, list | tuple) or not value or not all(_is(v, kind) for v in value):
        of = {str: "strings", int: "whole numbers"}[kind]
        raise ValueError(f"{key} must be a list of {of}, with one at least, got {value!r}")
    if twice := [one for one in value if value.count(one) > 1]:
        raise ValueError(f"{key} must name each once, got {twice[0]!r} twice")
    return tuple(value)


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _check_known(key: str, values: tuple[str, ...], known: Mapping[str, object]) -> None:
    for value in values:
        if value not in known:
            raise ValueError(f"{key} has the unknown {value!r}; known are: {', '.join(known)}")

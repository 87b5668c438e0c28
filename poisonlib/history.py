"""What happened, dated and sourced: tools, evaluations and breaks of tools, law.

Facts reported by others, in one file (``poisonlib/data/history.toml``), so that a chapter can draw
and list them. Nothing in it is a result of this package.
"""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

Kind = Literal["tool", "evaluation or break", "law"]
Confidence = Literal["source", "report"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        dated: ISO date, ``"2022-03-09"``, or month, ``"2026-09"``, where no day is known.
        kind: of event. Tools perturb pictures; evaluations and breaks test such tools.
        title: a few words, unique.
        what: in a sentence or two; numbers in it are those of the source.
        by: who reports it, in short.
        source: key of ``references.bib``, such as ``Shan-et-al-2020``.
        confidence: ``"source"`` if compared with the source's own words (for a paper, its
            abstract), ``"report"`` if only with what others wrote about it.
        against: titles of earlier tools that the source names among those it tests.

    Raises:
        ValueError: a date that does not parse, an unknown kind or confidence.
    """

    dated: str
    kind: Kind
    title: str
    what: str
    by: str
    source: str
    confidence: Confidence
    against: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.confidence not in get_args(Confidence):
            raise ValueError(
                f"kind is one of {get_args(Kind)} and confidence one of {get_args(Confidence)}, "
                f"got {self.kind!r} and {self.confidence!r}"
            )
        _ = self.date

    @property
    def date(self) -> datetime.date:
        """The day; the middle of the month where no day is known."""
        return datetime.date.fromisoformat(self.dated if self.to_the_day else f"{self.dated}-15")

    @property
    def to_the_day(self) -> bool:
        """Whether the day is known, and not only the month."""
        return len(self.dated) > len("2026-09")

    @property
    def day(self) -> str:
        """The date in words, ``"9 March 2022"``, or ``"September 2026"``."""
        return f"{self.date.day} {self.date:%B %Y}" if self.to_the_day else f"{self.date:%B %Y}"


@cache
def _file() -> dict[str, Any]:
    path = resources.files("poisonlib") / "data" / "history.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def events() -> tuple[Event, ...]:
    """All events, oldest first.

    Example:
        >>> from poisonlib import history
        >>> first = history.events()[0]
        >>> first.title, first.kind, first.day
        ('Fawkes', 'tool', 'July 2020')
        >>> [event.title for event in history.events() if "Glaze" in event.against]
        ["Artists' tools", 'LightShed']
    """
    return tuple(
        Event(**entry | {"against": tuple(entry.get("against", ()))}) for entry in _file()["event"]
    )


def checked() -> datetime.date:
    """When the events were last compared with their sources, or with stored copies of them."""
    return _file()["checked"]

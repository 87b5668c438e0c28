"""Pairs of a photograph and its cloaked copy, from which a trainer learns about a cloaking tool.

The tools are public programs. A trainer runs them on any photographs, and needs none of the users
whom the tools protect.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from poisonlib import atomic, checks
from poisonlib.attacks import Attack
from poisonlib.photos import Photos
from poisonlib.trial import Progress, as_published, choose_users

PACKAGED = Path(str(resources.files("poisonlib") / "data" / "pairs-public.zip"))
LISTING = "pairs.json"
SAME = 1.0
"""Levels of 255 by which the mean of a quarter of a photograph may differ between two decoders."""
ROUNDING = 0.02
"""Levels by which it may do so between a file and the photograph that it was written of."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Pairs:
    """Photographs and their cloaked copies.

    Attributes:
        photos: the originals, each at most once.
        source: ``(n,)`` int64, index of the original of each copy.
        cloaked: ``(n, 3, h, w)`` float32 in [0, 1], the copies.
        tool: ``(n,)`` int64, index into ``tools``.
        tools: names of the cloaking tools.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("tool",))
        >>> pairs.of_people(["Ben"]).labels
        tensor([1, 1])
        >>> len(pairs.made_by("tool"))
        4
    """

    photos: Photos
    source: Tensor
    cloaked: Tensor
    tool: Tensor
    tools: tuple[str, ...]

    def __post_init__(self) -> None:
        checks.images(self.cloaked, name="cloaked")
        n = len(self.cloaked)
        for name, limit in (("source", len(self.photos)), ("tool", len(self.tools))):
            index = getattr(self, name)
            if index.shape != (n,) or int(index.min()) < 0 or int(index.max()) >= limit:
                raise ValueError(
                    f"{name} must give each of {n} copies an index below {limit}, got shape "
                    f"{tuple(index.shape)}"
                )
        if self.cloaked.shape[1:] != self.photos.images.shape[1:]:
            raise ValueError(
                "copies must have the size of their originals, got "
                f"{tuple(self.cloaked.shape[1:])} and {tuple(self.photos.images.shape[1:])}"
            )

    def __len__(self) -> int:
        return len(self.cloaked)

    @property
    def clean(self) -> Tensor:
        """``(n, 3, h, w)``: the original of each copy, repeated where it has several."""
        return self.photos.images[self.source]

    @property
    def labels(self) -> Tensor:
        """``(n,)`` int64: the person on each copy, an index into ``photos.names``."""
        return self.photos.labels[self.source]

    def subset(self, which: Tensor | Sequence[int]) -> Pairs:
        """The copies picked by a boolean mask ``(n,)`` or by indices, with their originals only."""
        index = torch.as_tensor(which)
        kept, source = torch.unique(self.source[index], return_inverse=True)
        photos = self.photos.subset(kept)
        return Pairs(photos, source, self.cloaked[index], self.tool[index], self.tools)

    def made_by(self, *tools: str) -> Pairs:
        """The copies that some of the tools made.

        Raises:
            ValueError: a tool that made none of them.
        """
        for name in tools:
            if name not in self.tools:
                raise ValueError(f"no copies by {name!r}; there are: {', '.join(self.tools)}")
        wanted = torch.tensor([self.tools.index(name) for name in tools])
        return self.subset(torch.isin(self.tool, wanted))

    def of_people(self, people: Sequence[int | str]) -> Pairs:
        """The copies of some people's photographs.

        Raises:
            ValueError: somebody who has none.
        """
        wanted = torch.tensor([self.photos.label(person) for person in people])
        return self.subset(torch.isin(self.labels, wanted))


def collect(
    tools: Mapping[str, Attack],
    photos: Photos,
    *,
    people: Sequence[int | str] | int,
    seed: int,
    each: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Run cloaking tools on some people's photographs, as any owner of the tools can.

    Args:
        tools: attacks by name; :class:`~poisonlib.attacks.Cached` ones are not run twice.
        people: on the photographs, by label or name; or how many, drawn by ``seed``.
        seed: person ``label`` is cloaked under ``seed + label``.
        each: the first so many photographs of each person; all by default.
        progress: called with (cloaks done, cloaks in all, what is being done).

    Raises:
        ValueError: no tools, unknown people, or ``each`` below 1.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Unperturbed
        >>> from poisonlib.defenses import collect
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> pairs = collect({"control": Unperturbed()}, photos, people=["Ada"], seed=0)
        >>> len(pairs), pairs.tools
        (2, ('control',))
    """
    if not tools:
        raise ValueError("collecting pairs needs at least one tool, got none")
    if each is not None and each < 1:
        raise ValueError(f"each must be at least 1 photograph, got {each}")
    published = as_published(photos)
    sources, copies, which = [], [], []
    chosen = choose_users(photos, people, seed=seed)
    for count, label in enumerate(chosen):
        own = torch.nonzero(published.labels == label)[:each, 0]
        for index, (name, attack) in enumerate(tools.items()):
            if progress is not None:
                done = count * len(tools) + index
                progress(done, len(chosen) * len(tools), f"{name} for {photos.names[label]}")
            copies.append(attack(published.images[own], seed=seed + label).images)
            sources.append(own)
            which.append(torch.full_like(own, index))
    if progress is not None:
        progress(len(chosen) * len(tools), len(chosen) * len(tools), "done")
    everything = Pairs(
        published, torch.cat(sources), torch.cat(copies), torch.cat(which), tuple(tools)
    )
    return everything.subset(torch.arange(len(everything)))


def join(*several: Pairs) -> Pairs:
    """Pairs of different people as one.

    They may share a list of names, as those of two parts of one set of photographs do: what counts
    is who is on a photograph.

    Raises:
        ValueError: nothing to join, or somebody who is on photographs of two of them.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("tool",))
        >>> from poisonlib.defenses.pairs import join
        >>> from dataclasses import replace
        >>> others = replace(pairs, photos=replace(photos, names=("Cem", "Dora")))
        >>> join(pairs, others).photos.names
        ('Ada', 'Ben', 'Cem', 'Dora')
    """
    if not several:
        raise ValueError("expected the pairs of at least one set of people, got none")
    tools = tuple(dict.fromkeys(name for part in several for name in part.tools))
    photos = several[0].photos
    for other in several[1:]:
        photos = photos.joined(other.photos)
    offsets = np.cumsum([0, *(len(part.photos) for part in several[:-1])]).tolist()
    source = torch.cat([part.source + start for part, start in zip(several, offsets, strict=True)])
    tool = [torch.tensor([tools.index(name) for name in part.tools])[part.tool] for part in several]
    return Pairs(photos, source, torch.cat([p.cloaked for p in several]), torch.cat(tool), tools)


def write(pairs: Pairs, path: Path | str, *, about: Mapping[str, Any] | None = None) -> None:
    """Write pairs as one zip of lossless pictures, each the *difference* to the original.

    The originals are not included; :func:`read` is given them, and finds each by its person's name
    and by its look. The file is written whole or not at all.

    Args:
        pairs: what to write.
        path: of the file.
        about: further values to store as JSON; :func:`about` reads them.

    Raises:
        ValueError: two people of one name, whose photographs could not be told apart.
        OSError: the file cannot be written.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import Pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(4, 3, 48, 48), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> louder = (photos.images + 0.1).clamp(0, 1)
        >>> by_it = torch.zeros(4, dtype=torch.int64)
        >>> pairs = Pairs(photos, torch.arange(4), louder, by_it, ("tool",))
        >>> from poisonlib.defenses.pairs import read, write
        >>> from poisonlib.trial import as_published
        >>> write(pairs, "pairs.zip")
        >>> len(read("pairs.zip", photos))
        4
    """
    _check_names(pairs.photos)
    place = numbers(pairs.photos)
    with atomic.writing(path) as file, zipfile.ZipFile(file, "w") as archive:
        rows = []
        for row, source in enumerate(pairs.source.tolist()):
            original = pairs.photos.images[source]
            rows.append(
                {
                    "person": pairs.photos.names[int(pairs.photos.labels[source])],
                    "photograph": place[source],
                    "tool": int(pairs.tool[row]),
                    "quarters": [round(value, 2) for value in _quarters(original[None])[0]],
                }
            )
            # Bytes wrap around, so that any difference fits; 128 stands for none.
            change = _bytes(pairs.cloaked[row]) - _bytes(original) + np.uint8(128)
            picture = io.BytesIO()
            Image.fromarray(change).save(picture, "WEBP", lossless=True, method=6, exact=True)
            archive.writestr(zipfile.ZipInfo(f"{row:05d}.webp", _EPOCH), picture.getvalue())
        content = {"tools": pairs.tools, "rows": rows, "about": dict(about or {})}
        listing = json.dumps(content, indent=0)
        member = zipfile.ZipInfo(LISTING, _EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, listing)


def read(path: Path | str, photos: Photos) -> Pairs:
    """Read pairs that :func:`write` wrote, made of some of ``photos``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, or one made of other photographs.

    Example:
        >>> import torch
        >>> from poisonlib.defenses import pairs
        >>> from poisonlib.photos import Photos
        >>> photos = Photos(torch.rand(2, 3, 48, 48), torch.tensor([0, 1]), ("Ada", "Ben"))
        >>> pairs.read("nowhere.zip", photos)
        Traceback (most recent call last):
        FileNotFoundError: no pairs at nowhere.zip; collect some with python -m poisonlib collect
    """
    path = Path(path)
    photos = as_published(photos)
    _check_names(photos)
    try:
        with zipfile.ZipFile(path) as archive:
            listing = json.loads(archive.read(LISTING))
            rows = listing["rows"]
            source = torch.tensor(_originals(rows, photos))
            used, source = torch.unique(source, return_inverse=True)
            originals = photos.subset(used)
            clean = [_bytes(image) for image in originals.images]
            cloaked = torch.empty(len(rows), *originals.images.shape[1:])
            for row, place in enumerate(source.tolist()):  # one at a time, to keep memory low
                change = _decode(archive.read(f"{row:05d}.webp"))
                copy = torch.from_numpy(clean[place] + change - np.uint8(128))
                cloaked[row] = copy.permute(2, 0, 1).float().div_(255)
    except FileNotFoundError as problem:
        raise FileNotFoundError(
            f"no pairs at {path}; collect some with python -m poisonlib collect"
        ) from problem
    except (zipfile.BadZipFile, KeyError, TypeError, OSError, ValueError) as problem:
        raise ValueError(
            f"{path} is damaged or was made of other photographs ({problem}); collect the pairs "
            "again with python -m poisonlib collect, or reinstall the book"
        ) from problem
    tool = torch.tensor([row["tool"] for row in rows])
    return Pairs(originals, source, cloaked, tool, tuple(listing["tools"]))


def _check_names(photos: Photos) -> None:
    names = [photos.names[label] for label in photos.people]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"two people are called {twice!r}, so that their photographs cannot be told apart in a "
            "file; give each a name of their own"
        )


def _originals(rows: Sequence[Mapping[str, Any]], photos: Photos) -> list[int]:
    """For each row of a file the index of its original.

    That is the photograph of the row's number among those of its person, if it looks like the one
    that the copy was made of; otherwise, as in a file of later photographs of somebody, the one
    that looks most like it.

    Raises:
        ValueError: no photograph of somebody looks like it.
    """
    label_of = {photos.names[label]: label for label in photos.people}
    places: dict[str, Tensor] = {}
    looks: dict[str, Tensor] = {}
    found = []
    for row in rows:
        name = row["person"]
        if name not in places:
            if name not in label_of:
                raise ValueError(f"no photographs of {name!r}")
            places[name] = torch.nonzero(photos.labels == label_of[name])[:, 0]
            looks[name] = torch.tensor(_quarters(photos.images[places[name]]))
        differs = (looks[name] - torch.tensor(row["quarters"])).abs().amax(dim=1)
        number = row["photograph"]
        # Decoders of pictures may round differently, so this compares approximately.
        best = int(differs.argmin())
        if number >= len(differs) or differs[number] > SAME:
            number = best
        elif differs[best] <= ROUNDING < differs[number]:
            number = best
        if differs[number] > SAME:
            raise ValueError(f"none of these photographs of {name!r} was cloaked")
        found.append(int(places[name][number]))
    return found


def about(path: Path | str) -> dict[str, Any]:
    """The further values that were stored with the pairs; see :func:`write`."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(LISTING)).get("about", {})


def names(path: Path | str) -> tuple[str, ...]:
    """The names of the people on the photographs of a file that :func:`write` wrote."""
    with zipfile.ZipFile(path) as archive:
        rows = json.loads(archive.read(LISTING))["rows"]
    return tuple(dict.fromkeys(row["person"] for row in rows))


def load() -> Pairs:
    """The pairs that ship with poisonlib: packaged public people under the paper's three tools.

    Raises:
        FileNotFoundError: the package was installed without its data.

    Example:
        >>> from poisonlib.defenses import pairs
        >>> shipped = pairs.load()
        >>> shipped.tools
        ('Fawkes v0.3', 'Fawkes v1.0', 'LowKey')
        >>> shipped.clean.shape == shipped.cloaked.shape
        True
    """
    from poisonlib import people

    return read(PACKAGED, people.load("public", only=names(PACKAGED)))


def numbers(photos: Photos) -> list[int]:
    """The number of each photograph among those of its person, counted from 0.

    Example:
        >>> import torch
        >>> from poisonlib.defenses.pairs import numbers
        >>> from poisonlib.photos import Photos
        >>> numbers(Photos(torch.rand(3, 3, 8, 8), torch.tensor([1, 0, 1]), ("Ada", "Ben")))
        [0, 0, 1]
    """
    seen: dict[int, int] = {}
    counted = []
    for label in photos.labels.tolist():
        counted.append(seen.get(label, 0))
        seen[label] = counted[-1] + 1
    return counted


def _quarters(images: Tensor) -> list[list[float]]:
    """Mean value, in [0, 255], of each quarter of each of ``(n, 3, h, w)`` images."""
    return F.adaptive_avg_pool2d(images.mean(1), 2).flatten(1).mul(255).tolist()


def _bytes(image: Tensor) -> NDArray[np.uint8]:
    """``(3, h, w)`` in [0, 1] as ``(h, w, 3)`` bytes."""
    return (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def _decode(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))

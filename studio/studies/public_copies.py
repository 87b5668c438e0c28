"""The training sets of the studies: public people, some of them with cloaked copies.

The paper's trainer has perturbed copies of at most half of the people in FaceScrub. Here 200 of 440
public people have copies by all three tools: half of the packaged people, and 120 rendered ones on
whom no surrogate was trained.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from poisonlib import people
from poisonlib.attacks import Attack, CloakCache
from poisonlib.defenses import pairs
from poisonlib.defenses.pairs import Pairs, collect
from poisonlib.photos import Photos
from poisonlib.progress import Progress, no_progress
from poisonlib.tools import paper_tools, tools_on_the_adapted
from studio.people import aligned
from studio.studies.study import in_processes

#: Of the packaged public people the first so many have copies; of the rendered ones the last.
PACKAGED_WITH_COPIES = 80
RENDERED, FIRST_RENDERED, RENDERED_WITH_COPIES = 280, 10_320, 120
PHOTOS, COPIED = 12, 6


def public_copies(
    folder: Path,
    *,
    processes: int = 1,
    next_attack: bool = False,
    progress: Progress = no_progress,
) -> tuple[Photos, Pairs]:
    """440 public people, 12 clean photographs of each, and the copies that 200 of them have.

    Cloaks that are not in the default cache are made first, some hours of one core for all.

    Args:
        folder: where ``people render`` put the public people.
        processes: to make cloaks in.
        next_attack: whether to add copies of the packaged people by the tool that was crafted on
            the adapted extractor.
        progress: called with (cloaks done, cloaks in all, what is being done).

    Raises:
        FileNotFoundError, ValueError: the folder lacks the people; the message says how to render
            them.

    Example:
        >>> from pathlib import Path
        >>> from studio.studies import public_copies
        >>> public_copies(Path("rendered"))
        Traceback (most recent call last):
        FileNotFoundError: no rendered people in rendered; make some with ...
    """
    public, rendered = _photographs(folder)
    jobs = [
        (folder, packaged, label)
        for packaged in (True, False)
        for label in _of(folder, packaged)[1]
    ]
    in_processes(_cloak_one, jobs, processes=processes, progress=progress)
    known = pairs.join(*(_collected(folder, packaged) for packaged in (True, False)))
    if next_attack:
        known = _with_the_next(folder, known)
    return public.joined(rendered), known


def packaged_copies(
    count: int, *, each: int, without: str | None = None, progress: Progress = no_progress
) -> Pairs:
    """Cloaked copies of the first packaged public people, by the paper's tools.

    Args:
        count: how many people.
        each: photographs of each.
        without: a tool that is left out.
        progress: called with (cloaks done, cloaks in all, what is being done).

    Raises:
        ValueError: fewer than one person or more than there are, or an unknown tool.
    """
    public = people.load("public")
    if not 0 < count <= len(public.people):
        raise ValueError(
            f"people must be between 1 and the {len(public.people)} packaged public ones, "
            f"got {count}"
        )
    tools = dict(_tools())
    if without is not None and tools.pop(without, None) is None:
        raise ValueError(f"no tool {without!r}; there are: {', '.join(tools)}")
    who, seed = list(public.people[:count]), first_seed(public)
    return collect(tools, public, people=who, seed=seed, each=each, progress=progress)


def first_seed(photos: Photos) -> int:
    """The identity seed of the first person: person p10003 is cloaked under seed 10003."""
    return int(photos.names[0][1:])


def people_with_copies() -> list[int]:
    """The packaged public people who have copies, by label."""
    return list(range(PACKAGED_WITH_COPIES))


@functools.cache
def _photographs(folder: Path) -> tuple[Photos, Photos]:
    chosen = {"identities": RENDERED, "photos": PHOTOS, "first_identity": FIRST_RENDERED}
    return people.load("public"), aligned(folder, **chosen)


def _of(folder: Path, packaged: bool) -> tuple[Photos, list[int], int]:
    """Photographs, who of them has copies, and the seed under which they are cloaked."""
    public, rendered = _photographs(folder)
    if packaged:
        return public, people_with_copies(), first_seed(public)
    last = list(range(RENDERED - RENDERED_WITH_COPIES, RENDERED))
    return rendered, last, first_seed(rendered)


@functools.cache
def _tools() -> dict[str, Attack]:
    return paper_tools(people.load("public"), cache=CloakCache())


def _cloak_one(folder: Path, packaged: bool, label: int) -> str:
    torch.set_num_threads(1)
    photos, _, seed = _of(folder, packaged)
    collect(_tools(), photos.of_people([label]), people=[label], seed=seed, each=COPIED)
    return f"copies for {photos.names[label]}"


def _with_the_next(folder: Path, known: Pairs) -> Pairs:
    """Copies of the packaged people by one more tool, added to the existing ones."""
    photos, labels, seed = _of(folder, packaged=True)
    tools = tools_on_the_adapted(photos, cache=CloakCache())
    new = collect(tools, photos, people=labels, seed=seed, each=COPIED)
    # The packaged people come first, so that the new copies point at the same originals.
    return Pairs(
        known.photos,
        torch.cat([known.source, new.source]),
        torch.cat([known.cloaked, new.cloaked]),
        torch.cat([known.tool, new.tool + len(known.tools)]),
        known.tools + new.tools,
    )


def _collected(folder: Path, packaged: bool) -> Pairs:
    photos, labels, seed = _of(folder, packaged)
    return collect(_tools(), photos, people=labels, seed=seed, each=COPIED)

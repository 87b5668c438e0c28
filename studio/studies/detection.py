"""Detection: whether cloaks can be told from clean photographs, and what a filter is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from poisonlib import extractors, people
from poisonlib.attacks import Cloak, CloakCache, Mixture, Unperturbed
from poisonlib.defenses import JPEG, Blur, Detector, Filtered, Purifier, Resize, collect, detector
from poisonlib.defenses.filtering import Scores, clean_enough
from poisonlib.extractors import embed
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.statistics import wilson
from poisonlib.tools import BASELINE, paper_tools, weaker_tools
from poisonlib.trial import Progress, as_published, choose_users, split

if TYPE_CHECKING:
    import pandas

MakeCloak = Callable[..., Cloak]

CLEAN = "clean"
EVERYBODY = "clean, all users"
AS_PUBLISHED = "as published"
#: What happens to a photograph between its owner and the trainer.
TREATMENTS: Mapping[str, Purifier | None] = {
    AS_PUBLISHED: None,
    "JPEG 90": JPEG(90),
    "JPEG 75": JPEG(75),
    "JPEG 50": JPEG(50),
    "resize 75 %": Resize(0.75),
    "resize 50 %": Resize(0.5),
    "blur 1 px": Blur(1.0),
}
ALL_TOOLS = "all tools"
#: How many clean photographs of a protected user the trainer got hold of.
LEAKS = (0, 1, 2, 4)
#: How many of the users wear the weaker cloaks, too.
WEAKER_USERS = 10


def detection(
    *,
    users: int,
    seed: int,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """How well the shipped detector does on people it has never seen, and what filtering gains.

    Cloaked are the training photographs of ``users`` users, by each tool. As in the paper they
    stand beside the same photographs without a cloak, as many as each tool cloaked. Rows are of
    three kinds, told apart by ``part``:

    - ``"scores"``: ``logits``, of the shipped detector, one row for ``attack`` ``"clean, all
      users"``, which is every photograph of everybody, and for each tool;
    - ``"counts"``: how many of ``n`` photographs a ``detector`` ``flagged``, for each ``attack``
      (``"clean"``: the originals of the cloaked ones), ``strength`` and ``treatment``;
    - ``"gallery"``: how many of a user's ``n`` clean test photographs were misnamed (``errors``),
      when ``leaks`` of the training photographs are clean and the rest cloaked, and the gallery is
      ``filtered`` or not (1-NN on the baseline's extractor). The attack ``"clean"`` is no cloak.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("detection").table
        >>> list(rows.columns)[:6]
        ['part', 'attack', 'logits', 'detector', 'strength', 'treatment']
    """
    photos, chosen, tools, groups = _material(users, seed, cache, progress)
    judge = detector.load()
    everybody = judge.logits(photos.images)
    yield {"part": "scores", "attack": EVERYBODY, "logits": _rounded(everybody)}
    yield _count(ALL_TOOLS, EVERYBODY, AS_PUBLISHED, everybody, users=len(photos.people))
    for treatment, change in TREATMENTS.items():
        if progress is not None:
            progress(0, 1, f"photographs: {treatment}")
        for attack, images in groups.items():
            logits = judge.logits(images if change is None else change(images))
            if change is None and attack != CLEAN:
                yield {"part": "scores", "attack": attack, "logits": _rounded(logits)}
            yield _count(ALL_TOOLS, attack, treatment, logits, users=len(chosen))
    if progress is not None:
        progress(0, 1, "weaker cloaks")
    yield from _weaker(photos, judge, min(users, WEAKER_USERS), seed, cache)
    if progress is not None:
        progress(0, 1, "filtering galleries")
    yield from gallery(photos, tools, judge, extractors.load(BASELINE), chosen=chosen, seed=seed)


def detection_across(
    *,
    users: int,
    seed: int,
    weights: Path | None = None,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """What detectors that have not seen one of the tools find of it, and of the others.

    Rows are the ``"counts"`` of :func:`detection`, where ``detector`` says which tool was left out:
    ``"without LowKey"``.

    Args:
        weights: folder of those detectors, as ``detector --without TOOL --out-folder`` wrote them.

    Raises:
        ValueError: no such folder was given.
        FileNotFoundError: one of the detectors has not been trained.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("detection-across").table
        >>> list(rows.columns)[:6]
        ['part', 'detector', 'attack', 'strength', 'treatment', 'users']
    """
    if weights is None:
        raise ValueError(
            "this needs detectors that have not seen one of the tools; train them with python "
            "-m poisonlib detector --without TOOL and give --weights-folder FOLDER"
        )
    names = paper_tools(people.load("public"))
    detectors = {tool: detector.read(weights / f"{file_name(tool)}.safetensors") for tool in names}
    _, chosen, _, groups = _material(users, seed, cache, progress)
    for tool, judge in detectors.items():
        if progress is not None:
            progress(0, 1, f"without {tool}")
        for attack, images in groups.items():
            logits = judge.logits(images)
            yield _count(f"without {tool}", attack, AS_PUBLISHED, logits, users=len(chosen))


def _material(
    users: int, seed: int, cache: CloakCache | None, progress: Progress | None
) -> tuple[Photos, list[int], Mapping[str, MakeCloak], Mapping[str, torch.Tensor]]:
    """Everybody's photographs, who the users are, the tools, and what is judged, by name."""
    tools = paper_tools(people.load("public"), cache=cache or CloakCache())
    photos = as_published(people.load("users"))
    test = split(photos.labels, seed=seed)
    chosen = choose_users(photos, users, seed=seed)
    pairs = collect(tools, photos.subset(~test), people=chosen, seed=seed, progress=progress)
    groups = {CLEAN: pairs.photos.images}
    groups |= {tool: pairs.made_by(tool).cloaked for tool in tools}
    return photos, chosen, tools, groups


def file_name(without: str | None) -> str:
    """What a detector's file is called that has seen all tools, or all but one."""
    if without is None:
        return "detector"
    return f"detector-without-{without.lower().replace(' ', '-')}"


def _rounded(logits: torch.Tensor) -> list[float]:
    return [round(value, 2) for value in logits.tolist()]


def _count(
    name: str,
    attack: str,
    treatment: str,
    logits: torch.Tensor,
    *,
    users: int,
    strength: str = "full",
) -> dict:
    shared = {"part": "counts", "detector": name, "attack": attack, "strength": strength}
    shared |= {"treatment": treatment, "users": users}
    return shared | {"flagged": int((logits >= 0).sum()), "n": len(logits)}


def _weaker(
    photos: Photos, judge: Detector, users: int, seed: int, cache: CloakCache | None
) -> Iterator[dict]:
    test = split(photos.labels, seed=seed)
    tools = weaker_tools(people.load("public"), cache=cache or CloakCache())
    chosen = choose_users(photos, users, seed=seed)
    for name, attack in tools.items():
        logits, visible = [], []
        for user in chosen:
            mine = (photos.labels == user) & ~test
            cloak = attack(photos.images[mine], seed=seed + user)
            logits.append(judge.logits(cloak.images))
            visible.append(cloak.dssim)
        row = _count(ALL_TOOLS, name, AS_PUBLISHED, torch.cat(logits), users=users, strength=name)
        yield row | {"dssim": float(torch.cat(visible).mean())}


def gallery(
    photos: Photos,
    tools: Mapping[str, MakeCloak],
    judge: Scores,
    extractor: extractors.Extractor,
    *,
    chosen: Sequence[int],
    seed: int,
) -> Iterator[dict]:
    """What a trial of ``Mixture(None, tool, share=...)`` counts, with ``Filtered(judge)`` and
    without; but everybody is embedded and judged once.

    Args:
        photos: of everybody, as published.
        tools: attacks by name.
        judge: has ``scores``.
        chosen: labels of the users.
        seed: of the trial.
    """
    labels, test = photos.labels, split(photos.labels, seed=seed)
    once = Filtered(judge)
    rows, scores = embed(extractor, photos.images), once.scores(photos.images)
    for user in chosen:
        mine, asked = (labels == user) & ~test, (labels == user) & test
        count = int(mine.sum())
        turns = [(CLEAN, Unperturbed(), count)]
        for tool, attack in tools.items():
            turns += [
                (tool, Mixture(None, attack, share=1 - leaks / count), leaks) for leaks in LEAKS
            ]
        for name, attack, leaks in turns:
            worn = attack(photos.images[mine], seed=seed + user).images
            rows_now, scores_now = rows.clone(), scores.clone()
            rows_now[mine], scores_now[mine] = embed(extractor, worn), once.scores(worn)
            for filtered in (False, True):
                keep = ~test
                if filtered:
                    keep[~test] = clean_enough(scores_now[~test], labels[~test])
                nearest = NearestNeighbour(extractor).fit_embeddings(rows_now[keep], labels[keep])
                errors = int((nearest.predict_embeddings(rows[asked]) != user).sum())
                who = {"part": "gallery", "attack": name, "leaks": leaks, "filtered": filtered}
                yield who | {"user": photos.names[user], "errors": errors, "n": int(asked.sum())}


def summary(table: pandas.DataFrame) -> pandas.DataFrame:
    """The share of photographs flagged, and the errors of filtered galleries, with intervals.

    Args:
        table: the rows of :func:`detection`.
    """
    import pandas

    found = []
    for row in table[table["part"] == "counts"].to_dict("records"):
        rate = wilson(int(row["flagged"]), int(row["n"]))
        what = {"detector": row["detector"], "attack": row["attack"]}
        found.append(what | {"case": row["treatment"], "rate": str(rate)})
    keys = ["attack", "leaks", "filtered"]
    galleries = table[table["part"] == "gallery"]
    for key, rows in galleries.groupby(keys, sort=False) if len(galleries) else ():
        rate = wilson(int(rows["errors"].sum()), int(rows["n"].sum()))
        case = f"{key[1]:.0f} leaked, {'filtered' if key[2] else 'not filtered'}"
        found.append({"detector": "gallery", "attack": key[0], "case": case, "rate": str(rate)})
    return pandas.DataFrame(found)

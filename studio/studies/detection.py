"""Detection: whether cloaks can be told from clean photographs, and what a filter achieves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from poisonlib import extractors, people
from poisonlib.attacks import Attack, Mixture, Unperturbed
from poisonlib.defenses import JPEG, Blur, Filtered, Purifier, Resize, collect, detector
from poisonlib.defenses.filtering import Scores
from poisonlib.extractors import Extractor
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.statistics import wilson
from poisonlib.tools import BASELINE, weaker_tools
from poisonlib.trial import Trial, as_published, choose_users, cloak_user, split
from studio.studies.study import Run

if TYPE_CHECKING:
    import pandas

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
#: How many clean photographs of a protected user leaked to the trainer.
LEAKED_PHOTOGRAPHS = (0, 1, 2, 4)
#: How many of the users are cloaked with the weaker tools, too.
WEAKER_USERS = 10


def detection(run: Run) -> Iterator[dict]:
    """How well the shipped detector does on new people, and what filtering gains.

    Cloaked are the training photographs of the users, by each tool. As in the paper they are
    compared with the same photographs without a cloak, as many as each tool cloaked. Rows are of
    three kinds, told apart by ``part``:

    - ``"scores"``: ``logits``, of the shipped detector, one row for ``attack`` ``"clean, all
      users"``, which is every photograph of everybody, and for each tool;
    - ``"counts"``: how many of ``n`` photographs a ``detector`` ``flagged``, for each ``attack``
      (``"clean"``: the originals of the cloaked ones), ``strength`` and ``treatment``;
    - ``"gallery"``: how many of a user's ``n`` clean test photographs were misnamed (``errors``),
      when ``leaks`` of the training photographs are clean and the rest cloaked, and the gallery is
      ``filtered`` or not (1-NN on the baseline's extractor). The attack ``"clean"`` is no cloak.
    """
    photos, judge = as_published(people.load("users")), detector.load()
    groups = _groups(photos, run)
    everybody = judge.logits(photos.images)
    yield {"part": "scores", "attack": EVERYBODY, "logits": _rounded(everybody)}
    yield _count(ALL_TOOLS, EVERYBODY, AS_PUBLISHED, everybody, users=len(photos.people))
    for place, (treatment, change) in enumerate(TREATMENTS.items()):
        run.progress(place, len(TREATMENTS), f"photographs: {treatment}")
        for attack, images in groups.items():
            logits = judge.logits(images if change is None else change(images))
            if change is None and attack != CLEAN:
                yield {"part": "scores", "attack": attack, "logits": _rounded(logits)}
            yield _count(ALL_TOOLS, attack, treatment, logits, users=run.users)
    test = split(photos.labels, seed=run.seed)
    chosen = choose_users(photos, min(run.users, WEAKER_USERS), seed=run.seed)
    for name, attack in run.tools(weaker_tools).items():
        cloaks = [cloak_user(attack, photos, user, test=test, seed=run.seed) for user in chosen]
        logits = judge.logits(torch.cat([cloak.images for cloak in cloaks]))
        row = _count(ALL_TOOLS, name, AS_PUBLISHED, logits, users=len(chosen), strength=name)
        yield row | {"dssim": float(torch.cat([cloak.dssim for cloak in cloaks]).mean())}
    count = int((~test[photos.labels == chosen[0]]).sum())
    tracker = extractors.load(BASELINE, cached=True)
    table = run.trials(galleries(run.tools(), judge, tracker, count=count), photos)
    yield from of_galleries(table).to_dict("records")


def galleries(
    tools: Mapping[str, Attack], judge: Scores, extractor: Extractor, *, count: int
) -> Iterator[Trial]:
    """Users of each tool who leak some clean photographs, filtered by a detector and not (1-NN).

    Args:
        tools: attacks by name.
        judge: has ``scores``.
        extractor: the trainer's.
        count: how many training photographs each user has.
    """
    cases = [(CLEAN, Unperturbed(), count)]
    for (tool, attack), leaks in itertools.product(tools.items(), LEAKED_PHOTOGRAPHS):
        cases.append((tool, Mixture(None, attack, share=1 - leaks / count), leaks))
    filtering = Filtered(judge)
    for (name, attack, leaks), filtered in itertools.product(cases, (False, True)):
        columns = {"leaks": leaks, "filtered": filtered}
        recogniser = filtering if filtered else NearestNeighbour
        yield Trial(attack, extractor, recogniser, name=name, columns=columns)


def of_galleries(table: pandas.DataFrame) -> pandas.DataFrame:
    """What is recorded of the trials of :func:`galleries`."""
    cloaked = table[(table["whose"] == "user") & (table["condition"] == "cloaked")]
    columns = ["part", "attack", "leaks", "filtered", "user", "errors", "n"]
    return cloaked.assign(part="gallery")[columns]


def detection_across(run: Run) -> Iterator[dict]:
    """How well detectors trained without one of the tools find its cloaks, and those of the others.

    Rows are the ``"counts"`` of :func:`detection`, where ``detector`` says which tool was left out:
    ``"without LowKey"``.

    Raises:
        ValueError: no folder of those detectors was given.
        FileNotFoundError: one of the detectors has not been trained.
    """
    if run.weights is None:
        raise ValueError(
            "this needs detectors that have not seen one of the tools; train them with python "
            "-m poisonlib detector --without TOOL and give --weights-folder FOLDER"
        )
    files = {tool: run.weights / f"{file_name(tool)}.safetensors" for tool in run.tools()}
    detectors = {tool: detector.read(file) for tool, file in files.items()}
    groups = _groups(as_published(people.load("users")), run)
    for (tool, judge), (attack, images) in itertools.product(detectors.items(), groups.items()):
        logits = judge.logits(images)
        yield _count(f"without {tool}", attack, AS_PUBLISHED, logits, users=run.users)


def _groups(photos: Photos, run: Run) -> dict[str, Tensor]:
    """What is judged, by name: the users' training photographs, clean and by each tool."""
    training = photos.subset(~split(photos.labels, seed=run.seed))
    chosen = choose_users(photos, run.users, seed=run.seed)
    tools = run.tools()
    pairs = collect(tools, training, people=chosen, seed=run.seed, progress=run.progress)
    return {CLEAN: pairs.photos.images} | {tool: pairs.made_by(tool).cloaked for tool in tools}


def file_name(without: str | None) -> str:
    """The name of the file of a detector that was trained on all tools, or on all but one."""
    if without is None:
        return "detector"
    return f"detector-without-{without.lower().replace(' ', '-')}"


def _rounded(logits: Tensor) -> list[float]:
    return [round(value, 2) for value in logits.tolist()]


def _count(
    name: str,
    attack: str,
    treatment: str,
    logits: Tensor,
    *,
    users: int,
    strength: str = "full",
) -> dict:
    shared = {"part": "counts", "detector": name, "attack": attack, "strength": strength}
    shared |= {"treatment": treatment, "users": users}
    return shared | {"flagged": int((logits >= 0).sum()), "n": len(logits)}


def summary(table: pandas.DataFrame) -> pandas.DataFrame:
    """The share of photographs flagged, and the errors of filtered galleries, with intervals.

    Args:
        table: the rows of :func:`detection`.
    """
    import pandas

    lines = []
    for row in table[table["part"] == "counts"].to_dict("records"):
        rate = wilson(int(row["flagged"]), int(row["n"]))
        line = {"detector": row["detector"], "attack": row["attack"]}
        lines.append(line | {"case": row["treatment"], "rate": str(rate)})
    keys = ["attack", "leaks", "filtered"]
    galleries = table[table["part"] == "gallery"]
    for key, rows in galleries.groupby(keys, sort=False) if len(galleries) else ():
        rate = wilson(int(rows["errors"].sum()), int(rows["n"].sum()))
        case = f"{key[1]:.0f} leaked, {'filtered' if key[2] else 'not filtered'}"
        lines.append({"detector": "gallery", "attack": key[0], "case": case, "rate": str(rate)})
    return pandas.DataFrame(lines)

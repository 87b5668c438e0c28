"""The trials of the recorded grids: the paper's tools at full strength, against every trainer.

Each function takes the tools by name and a folder of the networks that do not ship, and yields the
cases of one study. What a run of them gave is recorded: ``poisonlib.provenance.load("timeline")``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from poisonlib import extractors, people
from poisonlib.attacks import Attack, CloakCache, Mixture
from poisonlib.defenses import Purified, purifiers
from poisonlib.defenses.adaptive import WithCopies
from poisonlib.defenses.pairs import collect
from poisonlib.extractors import Extractor
from poisonlib.photos import Photos
from poisonlib.recognition import RECOGNISERS
from poisonlib.statistics import wilson
from poisonlib.tools import ADAPTED, BASELINE, LATER, NEXT, paper_tools, tools_on_the_adapted
from poisonlib.trial import Trial, choose_users, split, summarise
from studio.studies.adaptations import ADAPTATIONS, ADAPTED_AGAIN, STARTS, Adaptation
from studio.studies.study import Run
from studio.training.recipes import ABLATION, Recipe

if TYPE_CHECKING:
    import pandas

Tools = Mapping[str, Attack]

SWITCHES = (
    ("Fawkes v0.3", "Fawkes v1.0"),
    ("Fawkes v0.3", "LowKey"),
    ("nothing", "Fawkes v1.0"),
    ("nothing", "LowKey"),
)
"""From which tool to which a user switches; "nothing" stands for unprotected photographs."""
SHARES = tuple(share / 10 for share in range(11))
"""Shares of the photographs of a user who switches that carry the newer cloak."""
NEXT_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The same where the newer cloak is crafted on the adapted extractor."""
PURIFYING = (BASELINE, LATER, "magface-2021")
"""Extractors against purified cloaks: two that the denoiser was trained with, and another one."""


def baseline(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """Three tools x three recognisers on the baseline generation, and 1-NN on the later one."""
    trainers = [(BASELINE, kind) for kind in RECOGNISERS] + [(LATER, "1-NN")]
    for (tool, attack), (name, kind) in itertools.product(tools.items(), trainers):
        yield _case(tool, attack, extractors.load(name), kind)


def budget(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """Every strength of every tool: how visible the change, how good the protection (1-NN)."""
    for tool, attack in tools.items():
        yield Trial(attack, extractors.load(BASELINE), name=tool)


def timeline(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """The paper's tools x every shipped extractor, by 1-NN."""
    for name, (tool, attack) in itertools.product(extractors.names(), tools.items()):
        yield Trial(attack, extractors.load(name), name=tool)


def switching(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """Users who change tools, by the share of newly cloaked photographs (1-NN)."""
    for name, (old, new), share in itertools.product(extractors.names(), SWITCHES, SHARES):
        mixed = Mixture(tools.get(old), tools[new], share=share)
        columns = {"old": old, "new": new, "share": share}
        yield Trial(mixed, extractors.load(name), name=f"{old}, then {new}", columns=columns)


def ablation(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """The paper's tools x every variant of the oldest extractor, by 1-NN.

    Raises:
        FileNotFoundError: a variant has not been trained.
        ValueError: no folder of variants was given.
    """
    if weights is None:
        raise ValueError("the ablation needs the variants' weights; give --weights-folder FOLDER")
    variants = [(*variant, _variant(*variant, weights)) for variant in ABLATION]
    for (tool, attack), (variant, recipe, extractor) in itertools.product(tools.items(), variants):
        changed = {
            "people": recipe.people,
            "augmentation": repr(recipe.augmentation),
            "architecture": recipe.architecture,
            "loss": recipe.loss,
        }
        yield Trial(attack, extractor, name=tool, columns={"variant": variant} | changed)


def adaptive(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """The paper's tools against ordinary and adapted extractors.

    By 1-NN, and on the ordinary and the adapted extractor by a linear classifier, too.
    """
    for start in STARTS:
        trainers = [("ordinary", extractors.load(start))]
        for made in ADAPTATIONS.values():
            if made.start == start and made.leaks is None:
                trainers.append((made.trainer, _load(made, weights)))
        for (trainer, extractor), (tool, attack) in itertools.product(trainers, tools.items()):
            for kind in ("1-NN", "linear") if trainer in ("ordinary", "adapted") else ("1-NN",):
                yield _case(tool, attack, extractor, kind, trainer=trainer, start=start)


def adaptive_end_to_end(run: Run) -> Iterator[dict]:
    """The paper's tools against an adapted extractor that is fine-tuned on the whole gallery.

    Users come in two halves: while one protects itself, the trainer has copies of the other's
    photographs (:class:`~poisonlib.defenses.WithCopies`), as the paper's trainer has of at most
    half of the people.
    """
    photos, tools, made = people.load("users"), run.tools(), ADAPTATIONS[ADAPTED]
    chosen = choose_users(photos, run.users, seed=run.seed)
    training = photos.subset(~split(photos.labels, seed=run.seed))
    about = {"recogniser": "end-to-end", "trainer": made.trainer, "start": made.start}
    for users, others in ((chosen[::2], chosen[1::2]), (chosen[1::2], chosen[::2])):
        trainer = WithCopies(collect(tools, training, people=others, seed=run.seed))
        cases = [
            Trial(attack, _load(made), trainer, name=tool, columns=about)
            for tool, attack in tools.items()
        ]
        yield from run.trials(cases, users=users).to_dict("records")


def leaks(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """A trainer without tools, while a share of those who cloak leak clean photographs (1-NN)."""
    for made in ADAPTATIONS.values():
        if made.leaks is not None:
            about = {"share": made.leaks, "trainer": made.trainer, "start": made.start}
            for tool, attack in tools.items():
                yield _case(tool, attack, _load(made, weights), "1-NN", **about)


def next_attack(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """New cloaks crafted on the adapted extractor, mixed with the old ones (1-NN).

    Judged by that extractor, by every other shipped adapted one, and by one that was adapted again,
    with the new tool's copies.
    """
    judges = [extractors.load(name) for name in extractors.names(adapted=True)]
    judges.append(_load(ADAPTATIONS[ADAPTED_AGAIN], weights))
    for extractor, share in itertools.product(judges, NEXT_SHARES):
        mixed = Mixture(tools["LowKey"], tools[NEXT], share=share)
        yield _case(NEXT, mixed, extractor, "1-NN", share=share)


def tools_and_the_next(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The paper's tools, and the strongest one crafted on the adapted extractor."""
    return paper_tools(public, cache=cache) | tools_on_the_adapted(public, cache=cache)


def purification(tools: Tools, weights: Path | None = None) -> Iterator[Trial]:
    """The paper's tools x every purifier x three extractors, by 1-NN."""
    for (purifier, purify), name in itertools.product(purifiers().items(), PURIFYING):
        extractor = extractors.load(name)
        judge = extractor if purify is None else Purified(extractor, purify)
        about = {"extractor": name, "purifier": purifier}
        for tool, attack in tools.items():
            yield Trial(attack, judge, name=tool, columns=about)


def _case(tool: str, attack: Attack, extractor: Extractor, kind: str, **columns: object) -> Trial:
    """A trial whose table names the recogniser as the book does."""
    columns = {"recogniser": kind} | columns
    return Trial(attack, extractor, RECOGNISERS[kind], name=tool, columns=columns)


def _variant(variant: str, recipe: Recipe, weights: Path) -> Extractor:
    path = weights / f"{recipe.card.name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights of the variant {variant!r}: run python -m poisonlib train {path.stem} "
            f"--people-folder ... --out-folder {weights}"
        )
    return extractors.read(path)


def _load(made: Adaptation, weights: Path | None = None) -> Extractor:
    if made.name in extractors.names(adapted=True):
        return extractors.load(made.name)
    if weights is None or not (weights / f"{made.name}.safetensors").is_file():
        raise FileNotFoundError(
            f"no weights of {made.name!r}: run python -m poisonlib adapt {made.name} "
            "--people-folder ... --out-folder VARIANTS and give --weights-folder VARIANTS"
        )
    return extractors.read(weights / f"{made.name}.safetensors")


# What is recorded of a grid's table


def of_protected_users(table: pandas.DataFrame) -> pandas.DataFrame:
    """The rows of users who cloak, on their own test photographs."""
    return table[(table["whose"] == "user") & (table["condition"] == "cloaked")]


def without_visibility(table: pandas.DataFrame) -> pandas.DataFrame:
    """The table without how visible the cloaks are."""
    return table.drop(columns=["dssim", "lpips", "linf"])


def over_users(table: pandas.DataFrame) -> pandas.DataFrame:
    """A table with a ``purifier``, all users together.

    One row for each condition and side with ``error, low, high, n, users, user_sd, errors`` and
    ``user == "all"``, and a control row with ``whose == "everybody"``, which counts the photographs
    of all people when nobody cloaks: what a purifier costs.
    """
    import pandas

    rows = []
    keys = ["purifier", "extractor", "attack"]
    for (purifier, _, _), part in table.groupby(keys, sort=False):
        pooled = summarise(part)
        counts = {"errors": (pooled["error"] * pooled["n"]).round().astype(int), "user": "all"}
        control = part[part["condition"] == "control"]
        turn = control[control["user"] == control["user"].iloc[0]]
        errors, n = int(turn["errors"].sum()), int(turn["n"].sum())
        rate = wilson(errors, n)
        same = turn[["attack", "extractor", "recogniser", "condition"]].iloc[0].to_dict()
        everybody = same | {"whose": "everybody", "user": "all", "errors": errors, "n": n}
        everybody |= {"error": rate.value, "low": rate.low, "high": rate.high}
        rows += [
            one | {"purifier": purifier}
            for one in [*pooled.assign(**counts).to_dict("records"), everybody]
        ]
    return pandas.DataFrame(rows)

"""The adaptive trainer: the paper's main result, and three questions that it leaves to students."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache, Mixture
from poisonlib.defenses.adaptive import WithCopies
from poisonlib.defenses.pairs import collect
from poisonlib.extractors import Extractor, embed
from poisonlib.recognition import Linear, NearestNeighbour
from poisonlib.tools import ADAPTED, paper_tools, tools_on_the_adapted
from poisonlib.trial import MakeRecogniser, Progress, Trial, as_published, choose_users, split
from studio.studies.adaptations import ADAPTATIONS, AGAIN, STARTS, Adaptation

FROZEN: Mapping[str, MakeRecogniser] = {"1-NN": NearestNeighbour, "linear": Linear}
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def adaptive(
    *,
    users: int,
    seed: int,
    weights: Path | None = None,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """The paper's tools before ordinary and adapted extractors, by three recognisers.

    Rows are those of a trial, with ``trainer`` and ``start``, the ordinary extractor, beside them.
    Extractors that were adapted without one of the tools are asked by 1-NN only.

    Args:
        weights: folder of the adaptations that do not ship, as ``adapt`` wrote them.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("adaptive").table
        >>> list(rows["trainer"].unique())[:2]
        ['ordinary', 'adapted']
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache)
    for start in STARTS:
        line_up: list[tuple[str, Extractor]] = [("ordinary", extractors.load(start))]
        for made in ADAPTATIONS.values():
            if made.start == start and made.leaks is None:
                line_up.append((made.trainer, _load(made, weights)))
        for trainer, extractor in line_up:
            rows = embed(extractor, photos.images)
            kinds = FROZEN if trainer in ("ordinary", "adapted") else ("1-NN",)
            for tool, attack in tools.items():
                for kind in kinds:
                    trial = Trial(attack, extractor, FROZEN[kind], name=tool)
                    result = trial.run(
                        photos, users=users, seed=seed, embeddings=rows, progress=progress
                    )
                    table = result.table.assign(recogniser=kind, trainer=trainer, start=start)
                    yield from table.to_dict("records")


def adaptive_end_to_end(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools before an adapted extractor that is fine-tuned on the whole gallery.

    Users come in two halves: while one protects itself, the trainer has copies of the other's
    photographs (:class:`~poisonlib.defenses.WithCopies`), as the paper's trainer has of at most
    half of the people. Rows are those of a trial, with ``trainer`` and ``start`` beside them.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("adaptive-end-to-end").table
        >>> list(rows["trainer"].unique())
        ['adapted']
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache)
    made = ADAPTATIONS[ADAPTED]
    chosen = choose_users(photos, users, seed=seed)
    published = photos.subset(~split(photos.labels, seed=seed))
    for mine, others in ((chosen[::2], chosen[1::2]), (chosen[1::2], chosen[::2])):
        trainer = WithCopies(collect(tools, published, people=others, seed=seed))
        for tool, attack in tools.items():
            trial = Trial(attack, _load(made), trainer, name=tool)
            result = trial.run(photos, users=mine, seed=seed, progress=progress)
            said = {"recogniser": "end-to-end", "trainer": made.trainer, "start": made.start}
            yield from result.table.assign(**said).to_dict("records")


def leaks(
    *,
    users: int,
    seed: int,
    weights: Path | None = None,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """The unwitting trainer: a share of those who cloak let clean photographs slip (1-NN).

    Rows are those of a trial, with ``share``, ``trainer`` and ``start`` beside them.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("leaks").table
        >>> sorted(rows["share"].unique().tolist())
        [0.0, 0.1, 0.25, 1.0]
    """
    photos = as_published(people.load("users"))
    tools = paper_tools(people.load("public"), cache=cache)
    for made in ADAPTATIONS.values():
        if made.leaks is None:
            continue
        extractor = _load(made, weights)
        rows = embed(extractor, photos.images)
        for tool, attack in tools.items():
            trial = Trial(attack, extractor, name=tool)
            result = trial.run(photos, users=users, seed=seed, embeddings=rows, progress=progress)
            said = {"share": made.leaks, "trainer": made.trainer, "start": made.start}
            yield from result.table.assign(recogniser="1-NN", **said).to_dict("records")


def next_attack(
    *,
    users: int,
    seed: int,
    weights: Path | None = None,
    cache: CloakCache | None = None,
    progress: Progress | None = None,
) -> Iterator[dict]:
    """New cloaks crafted on the adapted extractor, mixed with the old ones (1-NN).

    Judged by that extractor, by every other shipped adapted one, and by one that was adapted again,
    with the new tool's copies. Rows are those of a trial, of protected users only, with ``share``,
    the share of new cloaks in the gallery, beside them.

    Args:
        weights: folder of the adaptations that do not ship, as ``adapt`` wrote them.

    Example:
        What a run yields is recorded:

        >>> from poisonlib import provenance
        >>> rows = provenance.load("next-attack").table
        >>> sorted(rows["share"].unique().tolist())
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    photos, public = as_published(people.load("users")), people.load("public")
    old = paper_tools(public, cache=cache)
    judges = [extractors.load(name) for name in extractors.names(adapted=True)]
    for extractor in [*judges, _load(ADAPTATIONS[AGAIN], weights)]:
        rows = embed(extractor, photos.images)
        for name, attack in tools_on_the_adapted(public, cache=cache).items():
            for share in SHARES:
                mixed = Mixture(old[name.partition(" on the")[0]], attack, share=share)
                trial = Trial(mixed, extractor, name=name)
                result = trial.run(
                    photos, users=users, seed=seed, embeddings=rows, progress=progress
                )
                mine = result.table[
                    (result.table["whose"] == "user") & (result.table["condition"] == "cloaked")
                ]
                yield from mine.assign(recogniser="1-NN", share=share).to_dict("records")


def _load(made: Adaptation, weights: Path | None = None) -> Extractor:
    if made.name in extractors.names(adapted=True):
        return extractors.load(made.name)
    if weights is None or not (weights / f"{made.name}.safetensors").is_file():
        raise FileNotFoundError(
            f"no weights of {made.name!r}: run python -m poisonlib adapt {made.name} "
            "--people-folder ... --out-folder VARIANTS and give --weights-folder VARIANTS"
        )
    return extractors.read(weights / f"{made.name}.safetensors")

"""Rendered people and real photographs, against our extractors and real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from poisonlib import extractors, people
from poisonlib.attacks import Attack, CloakCache
from poisonlib.defenses import ConfidenceThreshold, Top2, choose_threshold
from poisonlib.defenses.combined import SHARE
from poisonlib.extractors import Extractor, embed, shipped
from poisonlib.generations import pooled
from poisonlib.photos import Photos
from poisonlib.recognition import RECOGNISERS
from poisonlib.tools import paper_tools, tools_on
from poisonlib.trial import Trial, as_published
from studio.studies import lfw
from studio.studies.lfw import LFW
from studio.studies.study import Run, shipped_tools
from workbench import extractors as others
from workbench.extractors import pretrained

if TYPE_CHECKING:
    import pandas

REAL = "dlib-2017"
"""The real extractor that cloaks are crafted on."""
ON_REAL = {f"{tool} on {REAL}": tool for tool in ("Fawkes v0.3", "Fawkes v1.0", "LowKey")}
"""The tools that are crafted on it, and what they are called elsewhere."""
PEOPLE = "people"
"""What tables call the rendered photographs."""
ADAPTED = f"adapted-{REAL}"
FROM_PHOTOGRAPHS = f"adapted-on-photographs-{REAL}"
"""The real extractor, adapted to cloaks of rendered people, and to those of real ones."""
RENDERED_USERS = 8
"""How many rendered users have cloaks on the real extractor, each of which takes seconds."""
SECOND = (ADAPTED, "edgeface-2023", "mobilefacenet-2019")
"""The extractors combined with :data:`REAL` in a system of two models."""


def tools_on_real(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The tools crafted on the real extractor, whose targets are the public people of LFW.

    Args:
        public: as in :func:`poisonlib.tools.paper_tools`, but not used.
        cache: stores the cloaks, if given.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    return tools_on(REAL, lfw.public(), cache=cache)


def tools_on_both(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The paper's tools on our extractors, then on the real one."""
    return paper_tools(public, cache=cache) | tools_on_real(public, cache=cache)


def photographs() -> Mapping[str, Photos]:
    """The gallery of real people, some of whom protect themselves.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    return {LFW: lfw.gallery()}


def line_up(run: Run) -> dict[str, Extractor]:
    """Every extractor on this machine: real ones, adapted ones, and ours."""
    real = [*extractors.names(photographs=True), *pretrained.available()]
    adapted = extractors.names(adapted=True, photographs=True)
    ours = [*extractors.names(), *extractors.names(adapted=True)]
    found = {name: others.load(name) for name in dict.fromkeys([*real, *adapted, *ours])}
    file = None if run.weights is None else run.weights / f"{FROM_PHOTOGRAPHS}.safetensors"
    if file is not None and file.is_file():
        found[FROM_PHOTOGRAPHS] = shipped.read(file)
    return found


def both_worlds(run: Run) -> Iterator[dict]:
    """Tools x extractors, ours and real ones, x real and rendered people.

    By 1-NN, and with real extractors by a linear classifier, too. The paper's tools are crafted on
    our extractors and on :data:`REAL`; the latter's cloaks also meet systems of two models:
    ``REAL`` and each of :data:`SECOND`. Famous people's photographs were in the training data of
    most real extractors, so this is identification within a closed set and says nothing about
    strangers.

    Rows are those of a trial, with a column ``photographs``; other people's are recorded for the
    gallery without cloaks only. Rows of two models have the ``threshold``.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    family, tools = line_up(run), run.tools(tools_on_both)
    photos = lfw.gallery()
    cases = list(_cases(tools, family, LFW))
    for tool in ON_REAL:
        cases += _two_models(tool, tools[tool], family, photos, run)
    yield from _recorded(run.trials(cases, photos, name=LFW))
    rendered = as_published(people.load("users"))
    cases = _cases(run.tools(shipped_tools), family, PEOPLE)
    yield from _recorded(run.trials(cases, rendered, name=PEOPLE))
    strongest = {tool: by for tool, by in tools.items() if ON_REAL.get(tool) == "LowKey"}
    few = min(run.users, RENDERED_USERS)
    cases = _cases(strongest, family, PEOPLE)
    yield from _recorded(run.trials(cases, rendered, users=few, name=f"{PEOPLE} on {REAL}"))


def _cases(
    tools: Mapping[str, Attack], family: Mapping[str, Extractor], source: str
) -> Iterator[Trial]:
    ours = (*extractors.names(), *extractors.names(adapted=True))
    for (name, extractor), (tool, attack) in itertools.product(family.items(), tools.items()):
        for kind in ("1-NN",) if name in ours else ("1-NN", "linear"):
            about = {"extractor": name, "recogniser": kind, "photographs": source}
            yield Trial(attack, extractor, RECOGNISERS[kind], name=tool, columns=about)


def _two_models(
    tool: str, attack: Attack, family: Mapping[str, Extractor], photos: Photos, run: Run
) -> Iterator[Trial]:
    """``REAL``, which a cloak fools, with each of ``SECOND``: both answers, or one of them.

    The threshold is chosen on the public people, so that of photographs of the absent the accurate
    model answers :data:`~poisonlib.defenses.combined.SHARE`.
    """
    public, accurate = lfw.public(), family[REAL]
    known = embed(accurate, public.images)
    threshold = choose_threshold(accurate, public, false_adds=SHARE, embeddings=known)
    about = {"extractor": REAL, "photographs": LFW, "threshold": round(threshold, 4)}
    for second in (name for name in SECOND if name in family):
        for kind, made in (
            ("Top-2", Top2.over(family[second])),
            ("threshold", ConfidenceThreshold.over(family[second], threshold=threshold)),
        ):
            columns = about | {"recogniser": f"{kind} with {second}"}
            yield Trial(attack, accurate, made, name=tool, columns=columns)


def real_end_to_end(run: Run) -> Iterator[dict]:
    """LowKey crafted on the real extractor, which is then fine-tuned on the gallery with cloaks.

    On real photographs. The network is trained again for every user, which is why the other tools
    are left out.

    Raises:
        FileNotFoundError: LFW is not on this machine.
    """
    about = {"extractor": REAL, "recogniser": "end-to-end", "photographs": LFW}
    strongest = f"LowKey on {REAL}"
    attack, tracker = run.tools(tools_on_real)[strongest], others.load(REAL)
    case = Trial(attack, tracker, RECOGNISERS["end-to-end"], strongest, about)
    yield from _recorded(run.trials([case], lfw.gallery(), name=LFW))


def by_photographs(table: pandas.DataFrame) -> pandas.DataFrame:
    """The summary of a trial table, apart for each set of photographs."""
    return pooled(table, ["photographs"])


def _recorded(table: pandas.DataFrame) -> Iterable[dict]:
    """The rows that are recorded: other people's only where nobody cloaks."""
    rows = table[(table["whose"] == "user") | (table["condition"] == "control")]
    rows = rows.drop(columns=["lpips", "linf"])
    return rows.round({"error": 4, "dssim": 4}).to_dict("records")

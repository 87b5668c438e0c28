"""The oblivious trainer with real recognisers: those of their years that are on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poisonlib import people, photos
from poisonlib.attacks import CloakCache
from poisonlib.experiments.tools import paper_tools
from poisonlib.extractors import embed, pretrained
from poisonlib.photos import Photos
from poisonlib.trial import Progress, Trial, as_published


def photographs() -> Mapping[str, Photos]:
    """The rendered users, and the photographs of LFW where they are on this machine."""
    found: dict[str, Photos] = {"people": people.load("users")}
    try:
        found["LFW"] = photos.lfw()
    except FileNotFoundError:
        return found
    return found


def timeline_real(
    *, users: int, seed: int, cache: CloakCache | None = None, progress: Progress | None = None
) -> Iterator[dict]:
    """The paper's tools x every real extractor that is here x rendered and real people, by 1-NN.

    Cloaks are crafted on the shipped extractors alone, at 112 pixels, for both sets: to the tools
    every real extractor is a black box. Rows are those of a trial, with ``photographs`` beside
    them. Famous people's photographs were in the training data of most of these extractors, so
    this is identification within a closed set and says nothing about strangers.

    Raises:
        FileNotFoundError: no real extractor is on this machine.
    """
    names = pretrained.available()
    if not names:
        raise FileNotFoundError(
            "no real extractor is on this machine; see python -m poisonlib assets list, or "
            "pip install 'poisonlib[real]' for dlib-2017"
        )
    public = people.load("public")
    tools = paper_tools(public, cache=cache)
    for source, found in photographs().items():
        shown = as_published(found)
        for name in names:
            extractor = pretrained.load(name)
            if progress is not None:
                progress(0, users, f"embedding {source} with {name}")
            rows = embed(extractor, shown.images, batch_size=64)
            for tool, attack in tools.items():
                trial = Trial(attack, extractor, name=tool)
                result = trial.run(shown, users=users, seed=seed, rows=rows, progress=progress)
                yield from result.table.assign(photographs=source).to_dict("records")

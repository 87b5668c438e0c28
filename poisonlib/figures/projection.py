"""Where cloaks take a person among everybody else, in an extractor's space and on a map of it.

A few photographs of each person form the gallery; others are the probes. In turn, some people
cloak their photographs in the gallery, and each of their probes gets the name of its nearest
neighbour. The map of a space is fitted once, on the clean gallery: cloaks and probes are placed on
it without moving anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib.attacks import Attack
from poisonlib.extractors import Extractor, embed
from poisonlib.photos import Photos
from poisonlib.recognition import closest
from poisonlib.statistics import Rate, wilson
from poisonlib.trial import as_published, choose_users, split

NO_CLOAK = "no cloak"
Place = Callable[[Tensor], Tensor]
"""From embeddings ``(m, d)`` to places ``(m, 2)`` on a map."""


def fit(
    embeddings: Tensor, *, seed: int, perplexity: float = 15.0, temperature: float = 0.03
) -> Place:
    """Lay out embeddings by t-SNE, so that neighbours stay neighbours, and fix the map.

    On it, a photograph stands at the mean of the places of those that the map was fitted on,
    weighted by ``softmax(cosine similarity / temperature)`` (the estimator of Nadaraya and Watson):
    one that resembles nobody in particular stands between many. The distance between two groups,
    their size and the axes mean nothing (van der Maaten and Hinton, "Visualizing data using t-SNE",
    JMLR 2008).

    Args:
        embeddings: ``(n, d)`` of length 1.
        seed: of the layout.
        perplexity: about how many neighbours each embedding has; below n.
        temperature: the smaller, the nearer a photograph stands to the one most like it.

    Returns:
        the map; its places are in [-1, 1].
    """
    from sklearn.manifold import TSNE

    layout = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    fitted = torch.from_numpy(layout.fit_transform(embeddings.numpy()))
    fitted -= (fitted.amax(dim=0) + fitted.amin(dim=0)) / 2
    fitted /= fitted.abs().max()
    return lambda others: torch.softmax(others @ embeddings.T / temperature, dim=1) @ fitted


@dataclass(frozen=True)
class Scenario:
    """Who is in the gallery, which photographs are to be named, and what some people cloak.

    Attributes:
        photos: ``n`` photographs of everybody, as taken: the gallery when nobody cloaks.
        probes: ``m`` further photographs of everybody, which nobody changes.
        cloaks: by user's label and tool, ``(k, 3, h, w)`` cloaks of that user's ``k`` photographs
            in ``photos``, in their order.
    """

    photos: Photos
    probes: Photos
    cloaks: Mapping[tuple[int, str], Tensor]

    @property
    def users(self) -> tuple[int, ...]:
        """The labels of those who cloak."""
        return tuple(dict.fromkeys(user for user, _ in self.cloaks))

    @property
    def tools(self) -> tuple[str, ...]:
        """What a user can do: nothing, or run one of the tools."""
        return NO_CLOAK, *dict.fromkeys(tool for _, tool in self.cloaks)

    @staticmethod
    def of(
        photos: Photos,
        tools: Mapping[str, Attack],
        *,
        users: Sequence[int | str] | int,
        each: int,
        seed: int,
    ) -> Scenario:
        """Split everybody's photographs as a trial does, and cloak those that some people share.

        Args:
            photos: of everybody.
            tools: attacks by name.
            users: who cloaks, by label or name; or how many, drawn by ``seed``.
            each: how many of each person's training photographs are in the gallery, the first ones.
            seed: of the split and of the draw; user ``label`` cloaks under ``seed + label``.
        """
        test = split(photos.labels, seed=seed)
        first = []
        for person in photos.people:
            training = torch.nonzero((photos.labels == person) & ~test)[:, 0]
            first.append(training[:each])
        photos = as_published(photos)
        gallery = photos.subset(torch.cat(first))
        cloaks = {
            (user, name): attack(gallery.of(user), seed=seed + user).images
            for user in choose_users(photos, users, seed=seed)
            for name, attack in tools.items()
        }
        return Scenario(gallery, photos.subset(test), cloaks)


@dataclass(frozen=True)
class View:
    """One user, with or without a cloak, in one extractor's space and on its map.

    Attributes:
        clean: ``(k, 2)`` places of the user's photographs in the gallery, as taken.
        shared: ``(k, 2)`` of the same as shared: cloaked, unless the user does nothing.
        probes: ``(p, 2)`` of the user's probes.
        nearest: ``(p,)`` index of the gallery's photograph that is nearest to each probe, in the
            space and not on the map.
        neighbours: ``(p, 2)`` places of those.
        correct: ``(p,)`` bool, whether the nearest one is the user's.
        faithful: ``(p,)`` bool, whether the nearest one on the map shows the same person.
    """

    clean: Tensor
    shared: Tensor
    probes: Tensor
    nearest: Tensor
    neighbours: Tensor
    correct: Tensor
    faithful: Tensor

    @property
    def misnamed(self) -> int:
        """How many probes get somebody else's name."""
        return int((~self.correct).sum())


@dataclass(frozen=True)
class Space:
    """The photographs of a scenario as one extractor embeds them.

    Attributes:
        name: of the extractor.
        scenario: the photographs.
        gallery: ``(n, d)`` embeddings of the gallery, as taken.
        probes: ``(m, d)`` of the probes.
        cloaked: by user's label and tool, ``(k, d)`` of the user's cloaks.
        place: the map.
    """

    name: str
    scenario: Scenario
    gallery: Tensor
    probes: Tensor
    cloaked: Mapping[tuple[int, str], Tensor]
    place: Place

    @staticmethod
    def of(extractor: Extractor, scenario: Scenario, *, seed: int) -> Space:
        """Embed a scenario, and fit the map of the space on the clean gallery with ``seed``."""
        gallery = embed(extractor, scenario.photos.images)
        return Space(
            extractor.card.name,
            scenario,
            gallery,
            probes=embed(extractor, scenario.probes.images),
            cloaked={key: embed(extractor, images) for key, images in scenario.cloaks.items()},
            place=fit(gallery, seed=seed),
        )

    def view(self, user: int, tool: str = NO_CLOAK, *, place: Place | None = None) -> View:
        """A user, by label, who shares clean photographs, or one tool's cloaks.

        ``place`` is another map than the space's own.
        """
        place = self.place if place is None else place
        labels = self.scenario.photos.labels
        own, gallery = labels == user, self.gallery
        if tool != NO_CLOAK:
            gallery = gallery.clone()
            gallery[own] = self.cloaked[user, tool]
        probes = self.probes[self.scenario.probes.labels == user]
        nearest, _ = closest(probes, gallery)
        places, of_probes = place(gallery), place(probes)
        nearest_on_map = torch.cdist(of_probes, places).argmin(dim=1)
        return View(
            clean=place(self.gallery[own]),
            shared=places[own],
            probes=of_probes,
            nearest=nearest,
            neighbours=places[nearest],
            correct=labels[nearest] == user,
            faithful=labels[nearest_on_map] == labels[nearest],
        )

    def faithfulness(self, *, cloaked: bool, place: Place | None = None) -> Rate:
        """How often the nearest photograph on the map shows the person of the really nearest one.

        Args:
            cloaked: for the users' probes, with each tool's cloaks in turn in the gallery;
                otherwise for everybody's probes, when nobody cloaks.
            place: another map than the space's own, to compare.
        """
        everybody = [(user, NO_CLOAK) for user in self.scenario.probes.people]
        turns = list(self.cloaked) if cloaked else everybody
        hits = torch.cat([self.view(*turn, place=place).faithful for turn in turns])
        return wilson(int(hits.sum()), len(hits))

"""Where cloaks take a person among everybody else, in the space and on a map of it.

A few photographs of each person are the gallery, others are to be named. One after the other, some
people cloak what they share, and each new photograph of theirs gets the name of its nearest
neighbour. The map of a space is fitted once, on the clean gallery. Whatever else is placed in it,
cloaks and new photographs, moves nothing that is there.
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
BATCH = 64
"""Photographs that are embedded at once: few, so that several extractors fit into 2 GB."""


@dataclass(frozen=True)
class Projection:
    """A map from an extractor's embeddings to the plane, which no further point changes.

    A photograph stands at the mean of the places of those that the map was fitted on, weighted by
    how much it resembles them: ``softmax(cosine similarity / temperature)``, the estimator of
    Nadaraya and Watson. Something that resembles nobody in particular stands between many.

    Attributes:
        rows: ``(n, d)`` the embeddings that it was fitted on, of length 1.
        places: ``(n, 2)`` where they stand, in [-1, 1].
        temperature: how little resemblance has to differ to decide; the smaller, the nearer a
            photograph stands to the one that it resembles most.
    """

    rows: Tensor
    places: Tensor
    temperature: float

    def __call__(self, rows: Tensor) -> Tensor:
        """Where embeddings ``(m, d)`` of length 1 stand: ``(m, 2)``, in [-1, 1]."""
        return torch.softmax(rows @ self.rows.T / self.temperature, dim=1) @ self.places


def fit(
    rows: Tensor, *, seed: int, perplexity: float = 15.0, temperature: float = 0.03
) -> Projection:
    """Lay out embeddings by t-SNE, so that neighbours stay neighbours, and fix the map.

    Van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 2008. The distance between two
    groups, their size and the axes mean nothing in such a layout.

    Args:
        rows: ``(n, d)`` of length 1.
        seed: of the layout.
        perplexity: about how many neighbours each row has; below n.
        temperature: of the :class:`Projection`.

    Raises:
        ValueError: a temperature that is not positive, or as many neighbours as rows.
    """
    from sklearn.manifold import TSNE

    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    if not 0 < perplexity < len(rows):
        raise ValueError(
            f"perplexity must be positive and below the {len(rows)} rows, got {perplexity}"
        )
    layout = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    places = torch.from_numpy(layout.fit_transform(rows.numpy()))
    places = places - (places.amax(dim=0) + places.amin(dim=0)) / 2
    return Projection(rows, places / places.abs().max(), temperature)


@dataclass(frozen=True)
class Shared:
    """What lies in a gallery, what it is asked about, and what some people share instead.

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


def share(
    photos: Photos,
    tools: Mapping[str, Attack],
    *,
    users: Sequence[int | str] | int,
    each: int,
    seed: int,
) -> Shared:
    """Split everybody's photographs as a trial does, and let some people cloak what they share.

    Args:
        photos: of everybody.
        tools: attacks by name; :class:`~poisonlib.attacks.Cached` ones are not run twice.
        users: who cloaks, by label or name; or how many, drawn by ``seed``.
        each: how many of each person's training photographs lie in the gallery, the first ones.
        seed: of the split and of the draw; user ``label`` cloaks under ``seed + label``.

    Raises:
        ValueError: no tools, one called ``"no cloak"``, unknown users, or more photographs than
            somebody has for training.
    """
    if not tools or NO_CLOAK in tools:
        raise ValueError(f"give tools, none of them called {NO_CLOAK!r}, got {list(tools)}")
    chosen = choose_users(photos, users, seed=seed)
    photos = as_published(photos)
    test = split(photos.labels, seed=seed)
    first = []
    for person in photos.people:
        mine = torch.nonzero((photos.labels == person) & ~test)[:, 0]
        if not 1 <= each <= len(mine):
            raise ValueError(
                f"each must be between 1 and the {len(mine)} training photographs of "
                f"{photos.names[person]}, got {each}"
            )
        first.append(mine[:each])
    gallery = photos.subset(torch.cat(first))
    cloaks = {
        (user, name): attack(gallery.of(user), seed=seed + user).images
        for user in chosen
        for name, attack in tools.items()
    }
    return Shared(gallery, photos.subset(test), cloaks)


@dataclass(frozen=True)
class Look:
    """One user, with or without a cloak, before one extractor, on its map.

    Attributes:
        before: ``(k, 2)`` the user's photographs in the gallery, as taken.
        shared: ``(k, 2)`` the same as shared: cloaked, unless the user does nothing.
        probes: ``(p, 2)`` the user's new photographs.
        found: ``(p,)`` the photograph of the gallery that is nearest to each of them, in the space
            and not on the map, as an index.
        nearest: ``(p, 2)`` where that one stands.
        right: ``(p,)`` bool, whether it is the user's.
        faithful: ``(p,)`` bool, whether the nearest one on the map shows the same person.
    """

    before: Tensor
    shared: Tensor
    probes: Tensor
    found: Tensor
    nearest: Tensor
    right: Tensor
    faithful: Tensor

    @property
    def misnamed(self) -> int:
        """How many new photographs get somebody else's name."""
        return int((~self.right).sum())


@dataclass(frozen=True)
class Neighbourhood:
    """What one extractor makes of everybody's photographs and of some people's cloaks.

    Attributes:
        extractor: its name.
        gallery: ``(n, d)`` rows of the photographs in the gallery, as taken.
        labels: ``(n,)`` whose they are.
        probes: ``(m, d)`` rows of the new photographs.
        asked: ``(m,)`` whose those are.
        cloaked: by user's label and tool, ``(k, d)`` rows of the user's cloaks.
        place: from rows to ``(m, 2)`` places on the map.
    """

    extractor: str
    gallery: Tensor
    labels: Tensor
    probes: Tensor
    asked: Tensor
    cloaked: Mapping[tuple[int, str], Tensor]
    place: Place

    def look(self, user: int, tool: str = NO_CLOAK, *, place: Place | None = None) -> Look:
        """The neighbourhood of a user who shares clean photographs, or one tool's cloaks.

        Args:
            user: a label.
            tool: whose cloaks the user shares.
            place: another map than its own.

        Raises:
            ValueError: no cloaks of that user by that tool, or nobody of that label.
        """
        place = self.place if place is None else place
        mine, theirs = self.labels == user, self.asked == user
        if not (mine.any() and theirs.any()):
            raise ValueError(f"nobody of label {user!r} has photographs here")
        rows = self.gallery
        if tool != NO_CLOAK:
            if (user, tool) not in self.cloaked:
                raise ValueError(
                    f"no cloaks of user {user} by {tool!r}; there are: "
                    + ", ".join(f"{name} of {label}" for label, name in self.cloaked)
                )
            rows = rows.clone()
            rows[mine] = self.cloaked[user, tool]
        probes, drawn, asked = self.probes[theirs], place(rows), place(self.probes[theirs])
        found, _ = closest(probes, rows)
        named = self.labels[found]
        on_the_map = self.labels[torch.cdist(asked, drawn).argmin(dim=1)]
        return Look(
            before=place(self.gallery[mine]),
            shared=drawn[mine],
            probes=asked,
            found=found,
            nearest=drawn[found],
            right=named == user,
            faithful=on_the_map == named,
        )

    def faithfulness(self, *, cloaked: bool, place: Place | None = None) -> Rate:
        """How often the nearest photograph on the map shows the person of the really nearest one.

        Args:
            cloaked: asked about new photographs of users, each tool's cloaks in turn in the
                gallery; otherwise about everybody's, when nobody cloaks.
            place: another map than its own, to compare.
        """
        if cloaked:
            looks = [self.look(user, tool, place=place) for user, tool in self.cloaked]
        else:
            looks = [self.look(user, place=place) for user in torch.unique(self.asked).tolist()]
        hits = torch.cat([look.faithful for look in looks])
        return wilson(int(hits.sum()), len(hits))


def seen_by(extractor: Extractor, shared: Shared, *, seed: int, name: str) -> Neighbourhood:
    """Embed what is shared by one extractor, and fit the map of its space on the clean gallery.

    Args:
        extractor: the trainer's.
        shared: photographs and cloaks.
        seed: of the map.
        name: of the extractor.
    """
    photos, probes = shared.photos, shared.probes
    gallery = embed(extractor, photos.images, batch_size=BATCH)
    return Neighbourhood(
        name,
        gallery=gallery,
        labels=photos.labels,
        probes=embed(extractor, probes.images, batch_size=BATCH),
        asked=probes.labels,
        cloaked={key: embed(extractor, cloak) for key, cloak in shared.cloaks.items()},
        place=fit(gallery, seed=seed),
    )

"""Real faces without photographs: embeddings of real people, clean and cloaked.

No photograph of a real person ships with the book. What ships are embeddings: of photographs of
Labeled Faces in the Wild (Huang et al., 2007), whose people are numbered and not named, and of
copies that the tools have cloaked. A trial needs no more than that. So each photograph is replaced
by a *placeholder*, a picture of a single pixel whose colour is the photograph's number, and each
extractor by one that looks the number up. Everything in the book that takes photographs and
extractors then runs on real faces as it does on rendered ones.

``python -m poisonlib real-faces`` makes the file from the photographs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from poisonlib import atomic
from poisonlib.attacks import Cloak, PrecomputedCloaks
from poisonlib.extractors import Card
from poisonlib.hashing import sha256_of_tensors
from poisonlib.photos import Photos
from poisonlib.provenance import Provenance

PACKAGED = Path(str(resources.files("poisonlib") / "data" / "real-faces.safetensors"))
SEED = 0
"""Of the users, the split and the cloaks."""
BEFORE = "clean, by a detector that saw no photographs"
"""The scores of everybody's clean photographs by a detector trained on rendered people."""


class StoredEmbeddings:
    """An extractor that looks up the embedding of a placeholder.

    Args:
        card: of the extractor that made the embeddings.
        embeddings: ``(n, d)``, by the number of the photograph.

    Raises:
        ValueError: on call, for a picture that is no placeholder of one of these photographs.

    Example:
        >>> from poisonlib import real_faces
        >>> faces = real_faces.load()
        >>> dlib = faces.extractors["dlib-2017"]
        >>> dlib(faces.photos.images[:2]).shape
        torch.Size([2, 128])
    """

    def __init__(self, card: Card, embeddings: Tensor) -> None:
        self.card, self.embeddings = card, F.normalize(embeddings.float(), dim=1)
        self.fingerprint = sha256_of_tensors(self.embeddings)

    def __call__(self, images: Tensor) -> Tensor:
        found = numbers(images)
        if images.shape[-2:] != (1, 1) or int(found.max()) >= len(self.embeddings):
            raise ValueError(
                f"{self.card.name!r} looks up the embeddings of {len(self.embeddings)} photographs "
                "of real_faces.load() and computes none; use extractors.load for photographs"
            )
        return self.embeddings[found]


@dataclass(frozen=True, eq=False)
class RealFaces:
    """Real people as placeholders, with their embeddings.

    Attributes:
        photos: the gallery and its users, as placeholders ``(n, 3, 1, 1)``.
        public: other people, on whom thresholds are chosen; ``dlib-2017`` alone knows them.
        users: the names of those in ``photos`` who protect themselves.
        extractors: by name.
        tools: attacks by name, with the users' cloaks.
        scores: by ``"clean"`` and the name of each tool, the probabilities ``(n,)`` by which the
            packaged detector takes photographs for cloaked: everybody's clean ones, or the users'
            copies; and by :data:`BEFORE`.
        provenance: of the embeddings.
    """

    photos: Photos
    public: Photos
    users: tuple[str, ...]
    extractors: Mapping[str, StoredEmbeddings]
    tools: Mapping[str, PrecomputedCloaks]
    scores: Mapping[str, Tensor]
    provenance: Provenance


@dataclass(frozen=True)
class Contents:
    """What the file holds.

    Attributes:
        labels: ``(g,)`` of the photographs of the gallery, and ``(p,)`` of the public people.
        cloaked: for each tool, the indices ``(m,)`` in the gallery of the photographs that it
            cloaked, and ``(m, 3)`` the ``dssim``, ``lpips`` and ``linf`` of its copies.
        embeddings: by extractor ``(n, d)``: gallery, the copies of each tool, then the public
            people, whom an extractor may leave out.
        scores: see :attr:`RealFaces.scores`.
        cards: of the extractors.
    """

    labels: tuple[Tensor, Tensor]
    cloaked: Mapping[str, tuple[Tensor, Tensor]]
    embeddings: Mapping[str, Tensor]
    scores: Mapping[str, Tensor]
    cards: Mapping[str, Card]


def placeholders(found: Tensor) -> Tensor:
    """Pictures ``(n, 3, 1, 1)`` of a pixel whose colour is a number ``(n,)`` below 2^24.

    Example:
        >>> import torch
        >>> from poisonlib.real_faces import numbers, placeholders
        >>> numbers(placeholders(torch.tensor([3, 70_000])))
        tensor([    3, 70000])
    """
    digits = torch.stack([found // 256**place % 256 for place in range(3)], dim=1)
    return digits[:, :, None, None].float() / 255


def numbers(images: Tensor) -> Tensor:
    """The numbers ``(n,)`` of placeholders ``(n, 3, 1, 1)``."""
    digits = (images[:, :, 0, 0] * 255).round().long()
    return digits @ torch.tensor([1, 256, 256**2])


@cache
def load(path: Path = PACKAGED) -> RealFaces:
    """The real people of the package; the same object every time.

    Raises:
        FileNotFoundError: the package was installed without its data.
        ValueError: the file is damaged.

    Example:
        >>> from poisonlib import real_faces
        >>> from poisonlib.trial import Trial
        >>> faces = real_faces.load()
        >>> tool, dlib = faces.tools["LowKey on dlib-2017"], faces.extractors["dlib-2017"]
        >>> result = Trial(tool, dlib).run(faces.photos, users=faces.users[:2], seed=0)
        >>> cloaked = result.table.query("condition == 'cloaked' and whose == 'user'")
        >>> bool(cloaked["error"].min() > 0.5)
        True
    """
    if not path.is_file():
        raise FileNotFoundError(f"no embeddings of real faces at {path}; reinstall the book")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            stored = {key: file.get_tensor(key) for key in file.keys()}
        return _built(about, stored)
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as problem:
        raise ValueError(
            f"{path.name} is not a whole file of embeddings ({problem}); restore it (git checkout, "
            "or reinstall the book)"
        ) from problem


def write(contents: Contents, origin: Provenance, path: Path) -> None:
    """Write what :func:`load` reads, embeddings in half precision, whole or not at all."""
    about = {
        "cards": {name: asdict(card) for name, card in contents.cards.items()},
        "tools": list(contents.cloaked),
        "provenance": asdict(origin),
    }
    stored = {"labels/gallery": contents.labels[0], "labels/public": contents.labels[1]}
    for tool, (source, measures) in contents.cloaked.items():
        stored |= {f"source/{tool}": source, f"measures/{tool}": measures}
    stored |= {f"embeddings/{name}": rows.half() for name, rows in contents.embeddings.items()}
    stored |= {f"scores/{name}": scores.half() for name, scores in contents.scores.items()}
    stored = {name: values.contiguous() for name, values in stored.items()}
    atomic.write(path, save(stored, metadata={"about": json.dumps(about)}))


def _built(about: Mapping, stored: Mapping[str, Tensor]) -> RealFaces:
    labels, public = stored["labels/gallery"], stored["labels/public"]
    names = tuple(f"LFW {label:02}" for label in range(1 + int(torch.cat([labels, public]).max())))
    pictures = placeholders(torch.arange(len(labels)))
    tools, free = {}, len(labels)
    for tool in about["tools"]:
        source, measures = stored[f"source/{tool}"], stored[f"measures/{tool}"]
        copies = placeholders(torch.arange(free, free := free + len(source)))
        cloak = Cloak(copies, *measures.T.contiguous(), steps=0, attack=tool)
        tools[tool] = PrecomputedCloaks(pictures[source], cloak)
    cloaked = labels[torch.cat([stored[f"source/{tool}"] for tool in about["tools"]])]
    users = tuple(names[label] for label in torch.unique(cloaked).tolist())
    return RealFaces(
        photos=Photos(pictures, labels, names),
        public=Photos(placeholders(torch.arange(free, free + len(public))), public, names),
        users=users,
        extractors={
            name: StoredEmbeddings(Card(**card), stored[f"embeddings/{name}"])
            for name, card in about["cards"].items()
        },
        tools=tools,
        scores={
            name.removeprefix("scores/"): values.float()
            for name, values in stored.items()
            if name.startswith("scores/")
        },
        provenance=Provenance(**about["provenance"]),
    )

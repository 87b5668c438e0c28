"""The files of the live lab, written into the site's static folder."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poisonlib import atomic, cloaks, extractors, people, provenance, real_faces
from poisonlib.attacks import fawkes_v03, fawkes_v1, lowkey, lpips
from poisonlib.defenses import purify
from poisonlib.extractors.shipped import PHOTOGRAPHS, WEIGHTS
from poisonlib.hashing import sha256_of_file
from poisonlib.people import packaged
from poisonlib.tools import SURROGATES
from studio.lab import contents, program, wasm

NETWORKS = tuple(
    dict.fromkeys([*contents.ANSWERING, *(name for names in SURROGATES.values() for name in names)])
)
"""All extractors of the lab: those that answer, and those that tools look at."""
TRUNK = "lpips"
"""The network behind LowKey's perceptual distance."""
INDEX = "lab.json"


def version() -> str:
    """A hash of everything that the files depend on: networks, people, cloaks and this package."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    weights = [
        folder / f"{name}.safetensors"
        for name in NETWORKS
        for folder in (WEIGHTS, PHOTOGRAPHS)
        if (folder / f"{name}.safetensors").is_file()
    ]
    data = [*(archive(split) for split in packaged.SPLITS), cloaks.PACKAGED, real_faces.PACKAGED]
    code = [Path(module.__file__) for module in (fawkes_v03, fawkes_v1, lowkey, lpips, purify)]
    return sha256_of_file(*own, *weights, *data, *code)[:16]


def archive(split: str) -> Path:
    """The file of packaged people."""
    return Path(str(provenance.RECORDED)).parent / f"people-{split}.zip"


def current(folder: Path) -> bool:
    """Whether the files in a folder are those that :func:`write` would make."""
    index = folder / INDEX
    if not index.is_file():
        return False
    about = json.loads(index.read_text(encoding="utf-8"))
    return about["version"] == version() and all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in about["files"].items()
    )


def write(folder: Path, said: Callable[[str], None] = lambda text: None) -> None:
    """Make all files of the lab; the index, with the version, comes last.

    Args:
        folder: that they go to.
        said: told what is being made.
    """
    started = time.perf_counter()
    sizes: dict[str, int] = {}
    for name, content in _files(said):
        atomic.write(folder / name, content)
        sizes[name] = len(content)
    said("rates over twenty users")
    chosen = contents.wearers()
    about = {
        "version": version(),
        "files": sizes,
        "recognisers": contents.RECOGNISERS,
        "real": contents.REAL,
        "trunk": TRUNK,
        "gallery": {"people": len(contents.users().people), "each": contents.EACH},
        "realLabels": contents.real_gallery()[1],
        "published": contents.PUBLISHED,
        "people": [_described(one) for one in chosen],
        "tools": contents.tools(),
        "targets": len(contents.public().people),
        "rates": contents.rates(),
    }
    seconds = time.perf_counter() - started
    origin = provenance.of_run("python -m poisonlib lab", seed=cloaks.SEED, seconds=seconds)
    about["provenance"] = vars(origin)
    atomic.write(folder / INDEX, json.dumps(about, separators=(",", ":")))


def _files(said: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    yield "multiply.wasm", wasm.multiply()
    for name in NETWORKS:
        said(name)
        yield f"{name}.bin", program.of_extractor(extractors.load(name)).packed()
    yield f"{TRUNK}.bin", program.of_module(TRUNK, Trunk(), (1, 3, 112, 112)).packed()
    said("galleries")
    places = contents.gallery()
    plain = [contents.embeddings(name)[places] for name in contents.ANSWERING]
    yield "gallery.rows", _halves(*plain[:-1])
    yield f"gallery-{contents.REAL}.rows", _halves(plain[-1])
    yield f"gallery-real-{contents.REAL}.rows", _halves(contents.real_gallery()[0])
    for key, purifier in contents.PURIFIERS.items():
        said(f"galleries, {key}")
        rows = [contents.purified(name, purifier) for name in contents.ANSWERING]
        yield f"gallery-{key}.rows", _halves(*rows)
    for name in NETWORKS:
        said(f"targets of Fawkes v0.3, {name}")
        yield f"targets-{name}.rows", _halves(*contents.targets(name))
    yield "people.bin", b"".join(_pictures())


def _halves(*rows: Tensor) -> bytes:
    return b"".join(part.half().contiguous().numpy().tobytes() for part in rows)


def _pictures() -> Iterator[bytes]:
    """The photographs of the lab's people as they are packed, one after the other."""
    photos = contents.users()
    with zipfile.ZipFile(archive("users")) as packed:
        listing = sorted(name for name in packed.namelist() if name.endswith(".jpg"))
        if len(listing) != len(photos):
            raise ValueError(
                f"expected {len(photos)} photographs in {packed.filename}, got {len(listing)}; "
                "restore it (git checkout)"
            )
        for one in contents.wearers():
            for place in (*one.published, one.leaked, *one.later):
                yield packed.read(listing[place])


def _described(one: contents.Wearer) -> dict[str, object]:
    photos = contents.users()
    name = photos.names[one.label]
    with zipfile.ZipFile(archive("users")) as packed:
        listing = sorted(name for name in packed.namelist() if name.endswith(".jpg"))
        places = (*one.published, one.leaked, *one.later)
        sizes = [packed.getinfo(listing[place]).file_size for place in places]
    return {
        "label": one.label,
        "name": name,
        "caption": people.attributes(name).caption(),
        "sizes": sizes,  # of the published photographs, the leaked one, the later ones
    }


class Trunk(nn.Module):
    """The layers behind the offline perceptual distance, from images in [0, 1].

    ``poisonlib.attacks.lpips`` has them as a function of arrays; tests/lab holds the two together.
    """

    def __init__(self) -> None:
        super().__init__()
        package = find_spec("facenet_pytorch")
        if package is None or package.origin is None:
            raise FileNotFoundError(
                "the lab needs the weights inside the facenet-pytorch package; run pip install "
                "-e . in the book's folder"
            )
        file = Path(package.origin).parent / "data" / "onet.pt"
        trained = torch.load(file, map_location="cpu", weights_only=True)
        self.enter = nn.BatchNorm2d(3, eps=0.0)  # (255 image - 127.5) / 128
        self.enter.running_mean.fill_(0.5)
        self.enter.running_var.fill_((128 / 255) ** 2)
        for number in (1, 2, 3):
            for kind in (f"conv{number}.weight", f"conv{number}.bias", f"prelu{number}.weight"):
                self.register_buffer(kind.replace(".", "_"), trained[kind])
        self.eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        values, layers = self.enter(images), []
        for number, stride in ((1, 3), (2, 2), (3, 2)):
            if layers:
                values = F.max_pool2d(values, 2, 1)
            weight, bias = (getattr(self, f"conv{number}_{kind}") for kind in ("weight", "bias"))
            values = F.prelu(
                F.conv2d(values, weight, bias, stride), getattr(self, f"prelu{number}_weight")
            )
            layers.append(values)
        return layers

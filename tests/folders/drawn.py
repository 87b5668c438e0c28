"""Folders as people have them, drawn by a seed: layouts, turns, modes, several faces, copies.

Faces are smooth patterns, one for each person, and a detector that has seen every picture knows
where they are, however the picture was turned, re-saved, shrunk or cloaked since.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.folders.toys import content, landmarks_in
from workbench.folders.resemblance import thumbnails
from workbench.photos.owner import to_tensor

TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
EXIF_TURNS = {None: 1, TURNS[1]: 6, TURNS[2]: 3, TURNS[3]: 8}
"""How EXIF says that a picture which was turned so is to be turned back."""
PEOPLE = ("Ada", "Ben", "Cem")
LAYOUTS = ("{name}/{number}", "{name}/2001/{number}", "2001-0{year}/{number}", "{number}")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
MODES = ("RGB", "RGB", "RGB", "L", "1", "RGBA", "LA")
JUNK = {
    "notes.txt": b"Ada in the garden",
    "broken.jpg": b"\xff\xd8\xff\xe0 cut off",
    "film.jpg": b"\0\0\0\x18ftypmp42",
    "empty.png": b"",
    ".IMG_7.HEIC.icloud": b"bplist",
}
SILENT = {".DS_Store": b"", "Thumbs.db": b"", ".hidden.jpg": b"x"}


@dataclass
class World:
    """Pictures that were drawn, and a detector that knows them."""

    generator: random.Random
    seen: list[tuple[torch.Tensor, np.ndarray]] = field(default_factory=list)

    def portrait(self, *people: str) -> Image.Image:
        """A picture of some people in a row; the same person looks different in each."""
        draw, side = self.generator, self.generator.choice((96, 120, 160))
        image = Image.new("RGB", (side * len(people), side))
        for place, name in enumerate(people):
            of = np.random.default_rng(sum(map(ord, name)))
            pattern = of.integers(20, 236, (4, 4, 3)).astype(float)
            varied = pattern + np.random.default_rng(draw.getrandbits(32)).normal(0, 22, (4, 4, 3))
            face = Image.fromarray(varied.clip(0, 255).astype(np.uint8))
            image.paste(face.resize((side, side), Image.Resampling.BICUBIC), (side * place, 0))
        one = landmarks_in((side, side))
        self.remember(image, np.stack([one + (side * at, 0) for at in range(len(people))]))
        return image

    def remember(self, image: Image.Image, landmarks: np.ndarray) -> None:
        self.seen.append((_small(image), landmarks / np.array(image.size)))

    def detect(self, image: Image.Image, content: bytes) -> np.ndarray:
        """The landmarks of the drawn picture that an image shows, in one of four turns."""
        best, found = 0.6, np.zeros((0, 5, 2))
        known = torch.stack([small for small, _ in self.seen])
        for turn in TURNS:
            upright = image if turn is None else image.transpose(turn)
            likeness = known @ _small(upright)
            for at in torch.nonzero(likeness > best)[:, 0].tolist():
                if float(likeness[at]) > best:
                    landmarks = self.seen[at][1] * np.array(upright.size)
                    best, found = float(likeness[at]), _turned_back(landmarks, turn, image.size)
        return found


def _small(image: Image.Image) -> torch.Tensor:
    return thumbnails(to_tensor(np.asarray(image.convert("RGB")))[None])[0]


def _turned_back(landmarks: np.ndarray, turn, size: tuple[int, int]) -> np.ndarray:
    x, y = landmarks[..., 0], landmarks[..., 1]
    width, height = size
    back = {TURNS[1]: (width - y, x), TURNS[2]: (width - x, height - y), TURNS[3]: (y, height - x)}
    return landmarks if turn is None else np.stack(back[turn], axis=-1)


@dataclass(frozen=True)
class Album:
    """What was written into a folder.

    Attributes:
        photographs: relative paths of files that hold a picture of somebody, and who is on it.
        junk: relative paths of those that do not and are to be reported.
        world: that they are of.
    """

    photographs: dict[Path, tuple[str, ...]]
    junk: set[Path]
    world: World


def draw_album(folder: Path, seed: int, *, people: int | None = None) -> Album:
    """Draw a folder of photographs.

    Args:
        folder: that is written into.
        seed: of everything.
        people: whose folders they are; drawn if not given.
    """
    generator = random.Random(seed)
    world = World(generator)
    owners = PEOPLE[: people or generator.randint(1, 3)]
    layout = generator.choice(LAYOUTS if len(owners) == 1 else LAYOUTS[:2])
    photographs: dict[Path, tuple[str, ...]] = {}
    for owner in owners:
        for number in range(generator.randint(4, 6)):
            others = generator.choices(("Zoe", "Yan", "Xia"), k=generator.choice((0, 0, 0, 1, 2)))
            shown = [owner, *dict.fromkeys(others)]
            generator.shuffle(shown)
            image = world.portrait(*shown)
            place = layout.format(name=owner, number=f"{number:02}", year=1 + number % 3)
            copies = 1 if generator.random() < 0.85 else 2
            for copy in range(copies):  # the same photograph saved again
                modes = MODES if copies == 1 else ("RGB", "L")
                name, data = _saved(image, f"{place}{'ab'[copy]}", modes, generator)
                photographs[Path(name)] = tuple(shown)
                _write(folder / name, data)
    junk = {Path(name) for name in JUNK if generator.random() < 0.3}
    for name in junk:
        _write(folder / name, JUNK[str(name)])
    for name, data in SILENT.items():
        if generator.random() < 0.3:
            _write(folder / name, data)
    return Album(photographs, junk, world)


def _saved(
    image: Image.Image, name: str, modes: Sequence[str], generator: random.Random
) -> tuple[str, bytes]:
    """A picture as a file of some kind: its name, and its content."""
    format, mode = generator.choice(FORMATS), generator.choice(modes)
    if format in ("JPEG", "BMP") and mode in ("RGBA", "LA"):
        mode = mode.removesuffix("A")
    if format == "WEBP":
        mode = "RGB"
    turn = generator.choice((None, None, None, *TURNS[1:]))
    options: dict[str, object] = {}
    if turn is not None:
        image = image.transpose(turn)
        if format in ("JPEG", "PNG") and generator.random() < 0.6:
            exif = Image.Exif()
            exif[0x0112] = EXIF_TURNS[turn]
            options["exif"] = exif
    if format == "JPEG":
        options["quality"] = generator.choice((60, 85, 95))
    if format == "WEBP":
        options["lossless"] = True
    image = image.convert(mode)
    if mode == "LA":
        image.putalpha(255)
    return f"{name}.{format.lower()}", content(image, format, **options)


COPIES = ("same", "png", "jpeg", "brighter", "turned", "foreign", "missing", "half")


def draw_copies(clean: Path, out: Path, album: Album, seed: int) -> dict[Path, str]:
    """What a tool that changes no face makes of an album: nothing, re-encoding, or a muddle.

    Returns:
        what became of each file, one of `COPIES`.
    """
    generator = random.Random(seed)
    usual = generator.choice(("same", "png", "jpeg", "brighter", "turned", "foreign"))
    fate = {}
    for file in album.photographs:
        kind = usual if generator.random() < 0.7 else generator.choice(COPIES)
        with Image.open(clean / file) as opened:
            stored = opened.convert("RGB")
            turned = opened.getexif().get(0x0112, 1)
        upright = _by_exif(stored, turned)
        if kind != "missing":
            name = file if kind == "same" else file.with_suffix(".png")
            data = (clean / file).read_bytes() if kind == "same" else _made(kind, upright, album)
            _write(out / name, data)
        fate[file] = kind
    return fate


def _made(kind: str, upright: Image.Image, album: Album) -> bytes:
    if kind == "jpeg":
        return content(upright, "JPEG", quality=80)
    if kind == "brighter":
        upright = upright.point(lambda value: value * 0.85)
    if kind == "turned":
        upright = upright.transpose(TURNS[1])
    if kind == "half":
        upright = upright.resize([side // 2 for side in upright.size])
    return content(album.world.portrait("Stranger") if kind == "foreign" else upright, "PNG")


def _by_exif(image: Image.Image, orientation: int) -> Image.Image:
    back = {6: TURNS[3], 3: TURNS[2], 8: TURNS[1]}
    return image.transpose(back[orientation]) if orientation in back else image


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def photographs_in(folder: Path) -> Iterator[Path]:
    """All files of a folder, relative."""
    return (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())

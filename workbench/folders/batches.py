"""Some photographs of one person at a time: aligned, cloaked, pasted back, checked, written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from poisonlib import atomic
from poisonlib.attacks import Attack, FawkesV03
from poisonlib.hashing import sha256
from poisonlib.log import Log
from poisonlib.progress import Progress
from workbench.folders.encode import copy_format, copy_name, encode_copy
from workbench.folders.paste import paste_back, realign, retained_share
from workbench.photos.faces import Detect, Face, align_face, find_face, to_tensor
from workbench.photos.pictures import decode, read_content
from workbench.photos.walk import Skipped, evenly_spaced, printable

DISK_ERRORS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ESTALE")
    if hasattr(errno, name)
}
"""After these errors no other file can be written either."""


def person_of(file: Path) -> str:
    """Whose photograph a file is, by its path: the first folder's; of files in none, ``""``."""
    return file.parts[0] if len(file.parts) > 1 else ""


class Unusable(ValueError):
    """A file of this content cannot be cloaked, however often it is tried.

    Args:
        reason: the message.
        original: hash of the content.
    """

    def __init__(self, reason: str, original: str) -> None:
        super().__init__(reason)
        self.original = original


@dataclass(frozen=True, eq=False)
class _Crop:
    """A face that is to be cloaked.

    Attributes:
        original: hash of its file.
        face: where it is.
        image: ``(3, 112, 112)``, aligned.
        copy: where its cloaked copy goes, relative.
        notes: remarks on how it was read.
    """

    original: str
    face: Face
    image: Tensor
    copy: Path
    notes: tuple[str, ...]


class BatchCloaker:
    """Cloaks files batch by batch, and counts what became of them.

    Paths are relative to the two folders; the settings are in the log's ``about``. The log has an
    entry for each file, written before its copy: if the run is killed in between, the entry
    describes a copy that is not there, which is then made again.

    Attributes:
        cloaked, cloaked_before, retained, problems, notes: as in
            `workbench.folders.CloakedFolder`.
    """

    def __init__(
        self,
        source: Path,
        out: Path,
        attack: Attack,
        log: Log,
        detect: Detect,
        total: int,
        progress: Progress,
    ) -> None:
        self.source, self.out, self.attack, self.log = source, out, attack, log
        self.settings, self.detect = log.about, detect
        self.done, self.total, self.progress = 0, total, progress
        self.original_of = {log[file]["copy"]: file for file in log if "copy" in log[file]}
        self.cloaked = self.cloaked_before = 0
        self.retained: list[float | None] = []
        self.problems: list[Skipped] = []
        self.notes: list[Skipped] = []

    def cloak(self, files: Sequence[Path], of_person: Sequence[Path]) -> None:
        """Cloak what is missing of some files of one person.

        All of them are given to the attack, as a cloak may depend on the rest of its batch.

        Args:
            files: of the batch.
            of_person: all of the person's.

        Raises:
            OSError: nothing more can be written.
        """
        missing = {file for file in files if not self._is_finished(file)}
        crops = {}
        for file in files if missing else ():
            try:
                crops[file] = self._crop(file)
                if file in missing:
                    self._existing_copy(file, crops[file].copy)
            except ValueError as problem:
                if file in missing:
                    if isinstance(problem, Unusable):
                        entry = {"original": problem.original, "skipped": str(problem)}
                        self.log[str(file)] = entry
                    missing.remove(file)
                    self._skip(file, str(problem))
        if not missing:
            return
        images = torch.stack([crop.image for crop in crops.values()])
        try:
            cloak = self._attack_for(of_person, images)(images, seed=self.settings["seed"])
        except ValueError as problem:
            for file in sorted(missing):
                self._skip(file, f"could not be cloaked ({problem})")
            return
        for place, (file, crop) in enumerate(crops.items()):
            if file in missing:
                self._write_copy(file, crop, cloak.images[place], float(cloak.dssim[place]))

    def _is_finished(self, file: Path) -> bool:
        """Whether a file needs no work any more; if so, it is counted."""
        try:
            digest = sha256(read_content(self.source / file, within=self.source))
        except ValueError as problem:
            self._skip(file, str(problem))
            return True
        entry = self.log.get(str(file), {})
        if entry.get("original") != digest:
            return False
        if "skipped" in entry:
            self._skip(file, entry["skipped"])
            return True
        existing = self._hash_of_copy(Path(entry["copy"]))
        if existing in (None, entry["replaced"]):  # killed before the copy was written
            return False
        if existing != entry["sha256"]:
            changed = f"{printable(entry['copy'])} was changed since it was written"
            self._skip(file, f"{changed}; it was left as it is")
            return True
        self.cloaked_before += 1
        self._count(file, entry["retained"], entry["notes"])
        return True

    def _crop(self, file: Path) -> _Crop:
        """A file's aligned face, and where its copy goes.

        Raises:
            Unusable: it shows nothing that can be cloaked.
            ValueError: it cannot be read now.
        """
        content = read_content(self.source / file, within=self.source)
        try:
            picture = decode(content)
            face = find_face(picture, detect=self.detect, several=self.settings["several"])
        except ValueError as problem:
            if isinstance(problem.__cause__, MemoryError | RuntimeError):
                raise  # another try may succeed
            raise Unusable(str(problem), sha256(content)) from problem
        copy = copy_name(file, copy_format(picture, self.settings["format"]))
        notes = tuple(note for note in (*picture.notes, face.note) if note)
        image = to_tensor(align_face(picture.image, face))
        return _Crop(picture.sha256, face, image, copy, notes)

    def _attack_for(self, files: Sequence[Path], images: Tensor) -> Attack:
        """The attack with the target that all photographs of one person share.

        Args:
            files: of the person; some of them, evenly spaced, choose the target.
            images: of this batch, which choose it if none of those can be used.
        """
        if not isinstance(self.attack, FawkesV03):
            return self.attack
        key, targets = f"/target of/{person_of(files[0])}", self.attack.targets  # no relative path
        if key not in self.log:
            crops = []
            for file in evenly_spaced(files, 2 * self.settings["batch"]):
                with contextlib.suppress(ValueError):
                    crops.append(self._crop(file).image)
            own = torch.stack(crops) if crops else images
            label = self.attack.pick_target(own, seed=self.settings["seed"])
            self.log[key] = {"target": targets.names[label]}
        return replace(self.attack, targets=targets.of_people([self.log[key]["target"]]))

    def _write_copy(self, file: Path, crop: _Crop, cloaked: Tensor, dssim: float) -> None:
        """Write a copy, unless the file's name is taken or the original has changed."""
        try:
            content = self._encode(file, crop, cloaked)
            retained, notes = self._check(content, crop, cloaked)
            replaced = self._existing_copy(file, crop.copy)
            self._check_within(crop.copy)
            self.log[str(file)] = {
                "original": crop.original,
                "copy": str(crop.copy),
                "sha256": sha256(content),
                "replaced": replaced,
                "retained": retained,
                "dssim": dssim,
                "notes": notes,
            }
            atomic.write(self.out / crop.copy, content, overwrite=replaced is not None)
        except (OSError, ValueError) as problem:
            if isinstance(problem, OSError) and problem.errno in DISK_ERRORS:
                raise
            self._skip(file, f"its copy could not be written ({problem})")
            return
        self.original_of[str(crop.copy)] = str(file)
        self.cloaked += 1
        self._count(file, retained, notes)

    def _encode(self, file: Path, crop: _Crop, cloaked: Tensor) -> bytes:
        """The content of a copy's file.

        Raises:
            ValueError: the original was changed since it was read.
        """
        content = read_content(self.source / file, within=self.source)
        if sha256(content) != crop.original:
            raise ValueError("the original was changed meanwhile; run again")
        picture = decode(content)
        change = (cloaked - crop.image).permute(1, 2, 0).numpy()
        image = paste_back(picture.image, crop.face, change)
        format = copy_format(picture, self.settings["format"])
        return encode_copy(image, picture, format, keep_metadata=self.settings["keep_metadata"])

    def _check(
        self, content: bytes, crop: _Crop, cloaked: Tensor
    ) -> tuple[float | None, list[str]]:
        """The share of its cloak that a copy retains, and remarks on it."""
        published = realign(decode(content), crop.face, detect=self.detect)
        if published is None:
            return None, [*crop.notes, "no face is found in its copy any more"]
        images = (crop.image[None], cloaked[None], published)
        return retained_share(self.attack.extractors, *images), list(crop.notes)

    def _check_within(self, copy: Path) -> None:
        """Raise ValueError where a link leads the copy out of its folder."""
        above = (self.out / copy).parent
        if not Path(os.path.realpath(above)).is_relative_to(os.path.realpath(self.out)):
            raise ValueError(f"{printable(above)} leads out of the folder that is written to")

    def _existing_copy(self, file: Path, copy: Path) -> str | None:
        """The hash of the earlier copy that the copy of a file replaces, if there is one.

        Raises:
            ValueError: the copy's name is taken by another file.
        """
        original = self.original_of.get(str(copy), str(file))
        if original != str(file):
            raise ValueError(f"its copy would get the name of that of {printable(original)}")
        existing = self._hash_of_copy(copy)
        entry = self.log.get(str(file), {})
        if existing not in (None, entry.get("sha256"), entry.get("replaced")):
            raise ValueError(
                f"{printable(copy)} exists and is not a copy of ours; it was left as it is"
            )
        return existing

    def _hash_of_copy(self, copy: Path) -> str | None:
        """The hash of the file under a copy's name, or None where there is none."""
        path = self.out / copy
        if not os.path.lexists(path):
            return None
        try:
            return sha256(read_content(path, within=self.out))
        except ValueError as problem:
            return str(problem)

    def _skip(self, file: Path, reason: str) -> None:
        self.problems.append(Skipped(file, reason))
        self._advance(file)

    def _count(self, file: Path, retained: float | None, notes: Sequence[str]) -> None:
        self.retained.append(retained)
        self.notes += [Skipped(file, note) for note in notes]
        self._advance(file)

    def _advance(self, file: Path) -> None:
        self.done += 1
        self.progress(self.done, self.total, printable(file))

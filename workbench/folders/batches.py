"""Some photographs of one person at a time: aligned, cloaked, pasted back, checked, written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from poisonlib import atomic
from poisonlib.attacks import Attack, FawkesV03
from poisonlib.hashing import sha256
from poisonlib.log import Log
from poisonlib.progress import Progress
from workbench.folders.encode import copy_format, copy_name, encode_copy
from workbench.folders.paste import paste_back, realign, retained_share
from workbench.photos.detection import Detect
from workbench.photos.faces import Face, align_face, find_faces
from workbench.photos.owner import Owner, to_tensor
from workbench.photos.pictures import Picture, decode, read_content
from workbench.photos.walk import Skipped, evenly_spaced, printable

DISK_ERRORS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENODEV", "ESTALE")
    if hasattr(errno, name)
}
"""After these errors no other file can be written either."""


LITTLE = 0.5
"""A copy that retains less than this share of its cloak's shift has a note that says so."""
NO_CHANGE = 1 / 255
"""A cloak that changes no value by more than rounding does is none."""
NO_CLOAK = (
    "the tool found no cloak within its budget, so there is no copy; a stronger --mode may find one"
)
"""What is reported of such a photograph."""

LooksCloaked = Callable[[Tensor], Tensor]
"""Which of ``(n, 3, 112, 112)`` aligned faces look cloaked: ``(n,)`` bool."""


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
    """What is to be cloaked of a photograph.

    Attributes:
        original: hash of its file.
        faces: where they are, at least one.
        images: ``(faces, 3, 112, 112)``, aligned.
        copy: where the cloaked copy goes, relative.
        notes: remarks on how it was read.
    """

    original: str
    faces: Sequence[Face]
    images: Tensor
    copy: Path
    notes: tuple[str, ...]


class BatchCloaker:
    """Cloaks files batch by batch, and counts what became of them.

    Paths are relative to the two folders; the settings are in the log's ``about``. The log has an
    entry for each file, written before its copy: if the run is killed in between, the entry
    describes a copy that is not there, which is then made again.

    Attributes:
        cloaked, cloaked_before, retained, uncloaked, problems, notes: as in
            `workbench.folders.CloakedFolder`.
    """

    def __init__(
        self,
        source: Path,
        out: Path,
        attack: Attack,
        log: Log,
        detect: Detect,
        looks_cloaked: LooksCloaked,
        total: int,
        progress: Progress,
    ) -> None:
        self.source, self.out, self.attack, self.log = source, out, attack, log
        self.settings, self.detect, self.looks_cloaked = log.about, detect, looks_cloaked
        self.done, self.total, self.progress = 0, total, progress
        self.original_of = {log[file]["copy"]: file for file in log if "copy" in log[file]}
        self.cloaked = self.cloaked_before = 0
        self.retained: list[float | None] = []
        self.uncloaked: list[Skipped] = []
        self.problems: list[Skipped] = []
        self.notes: list[Skipped] = []

    def owner(self, files: Sequence[Path]) -> Owner:
        """Who chooses among several faces in one person's files, and looks at them once."""
        paths = [self.source / file for file in files]
        return Owner(paths, within=self.source, detect=self.detect)

    def cloak(
        self, files: Sequence[Path], of_person: Sequence[Path], person: str, owner: Owner
    ) -> None:
        """Cloak what is missing of some files of one person.

        All of them are given to the attack, as a cloak may depend on the rest of its batch.

        Args:
            files: of the batch.
            of_person: all of the person's.
            person: the name.
            owner: of :meth:`owner`, the same for all batches of a person.

        Raises:
            OSError: nothing more can be written.
        """
        missing = {file for file in files if not self._is_finished(file)}
        crops = {}
        for file in files if missing else ():
            try:
                crops[file] = self._crop(file, owner)
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
        images = torch.cat([crop.images for crop in crops.values()])
        try:
            attack = self._attack_for(of_person, person, owner, images)
            cloak = attack(images, seed=self.settings["seed"])
        except ValueError as problem:
            for file in sorted(missing):
                self._skip(file, f"could not be cloaked ({problem})")
            return
        counts = [len(crop.images) for crop in crops.values()]
        cloaked, dssim = cloak.images.split(counts), cloak.dssim.split(counts)
        for place, (file, crop) in enumerate(crops.items()):
            if file in missing and not self._has_change(crop, cloaked[place]):
                self.log[str(file)] = {"original": crop.original, "uncloaked": NO_CLOAK}
                self._leave_uncloaked(file, NO_CLOAK)
            elif file in missing:
                self._write_copy(file, crop, cloaked[place], float(dssim[place].max()))

    @staticmethod
    def _has_change(crop: _Crop, cloaked: Tensor) -> bool:
        """Whether every face of a photograph has a cloak."""
        largest = (cloaked - crop.images).abs().flatten(1).amax(1)
        return bool((largest > 1.5 * NO_CHANGE).all())

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
        if "uncloaked" in entry:
            self._leave_uncloaked(file, entry["uncloaked"])
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

    def _crop(self, file: Path, owner: Owner) -> _Crop:
        """A file's aligned faces, and where its copy goes.

        Raises:
            Unusable: it shows nothing that can be cloaked.
            ValueError: it cannot be read now.
        """
        content = read_content(self.source / file, within=self.source)
        which = self.settings["which"]
        try:
            picture = decode(content)
            faces = find_faces(picture, detect=self.detect, which=which, owner=owner)
        except ValueError as problem:
            if isinstance(problem.__cause__, MemoryError | RuntimeError):
                raise  # another try may succeed
            raise Unusable(str(problem), sha256(content)) from problem
        copy = copy_name(file, copy_format(picture, self.settings["format"]))
        images = to_tensor([align_face(picture.image, face) for face in faces])
        notes = [*picture.notes, *dict.fromkeys(face.note for face in faces)]
        if picture.mode == "1":
            notes.append("its copy has levels of grey, as a cloak needs more than black and white")
        if bool(self.looks_cloaked(images).any()):
            notes.append("looks cloaked already; a second cloak shows more and may undo the first")
        return _Crop(picture.sha256, faces, images, copy, tuple(note for note in notes if note))

    def _attack_for(
        self, files: Sequence[Path], person: str, owner: Owner, images: Tensor
    ) -> Attack:
        """The attack with the target that all photographs of one person share.

        Args:
            files: of the person; some of them, evenly spaced, choose the target.
            person: the name.
            owner: of their faces.
            images: of this batch, which choose it if none of those can be used.
        """
        if not isinstance(self.attack, FawkesV03):
            return self.attack
        key, targets = f"/target of/{person}", self.attack.targets  # no relative path
        if key not in self.log:
            crops = []
            for file in evenly_spaced(files, 2 * self.settings["batch"]):
                with contextlib.suppress(ValueError):
                    crops.append(self._crop(file, owner).images)
            own = torch.cat(crops) if crops else images
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
        image = _pasted(picture, crop, cloaked)
        format = copy_format(picture, self.settings["format"])
        return encode_copy(image, picture, format, keep_metadata=self.settings["keep_metadata"])

    def _check(
        self, content: bytes, crop: _Crop, cloaked: Tensor
    ) -> tuple[float | None, list[str]]:
        """The share of its cloak that a copy retains, and remarks on it.

        Of several faces that of the one that retains least.
        """
        published, shares = decode(content), []
        for face, clean, goal in zip(crop.faces, crop.images, cloaked, strict=True):
            found = realign(published, face, detect=self.detect)
            if found is None:
                return None, [*crop.notes, "no face is found at its place in the copy any more"]
            images = (clean[None], goal[None], found)
            shares.append(retained_share(self.attack.extractors, *images))
        known = [share for share in shares if share is not None]
        if not known:
            return None, list(crop.notes)
        least = min(known)
        little = [f"the copy retains {max(0.0, least):.0%} of the cloak's shift"]
        return least, [*crop.notes, *(little if least < LITTLE else [])]

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

    def _leave_uncloaked(self, file: Path, reason: str) -> None:
        self.uncloaked.append(Skipped(file, reason))
        self._advance(file)

    def _count(self, file: Path, retained: float | None, notes: Sequence[str]) -> None:
        self.retained.append(retained)
        self.notes += [Skipped(file, note) for note in notes]
        self._advance(file)

    def _advance(self, file: Path) -> None:
        self.done += 1
        self.progress(self.done, self.total, printable(file))


def _pasted(picture: Picture, crop: _Crop, cloaked: Tensor) -> Image.Image:
    """The photograph with the cloaks of its faces, without colour if it has none."""
    image = picture.image
    for face, clean, goal in zip(crop.faces, crop.images, cloaked, strict=True):
        change = goal - clean
        if picture.is_grey:
            change = change.mean(0, keepdim=True).expand(3, -1, -1)
        image = paste_back(image, face, change.permute(1, 2, 0).numpy())
    return image

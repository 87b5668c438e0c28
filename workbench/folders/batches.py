"""Some photographs of one person at a time: cut out, cloaked, carried back, written, looked at."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from poisonlib.attacks import Attack, FawkesV03
from poisonlib.hashing import sha256
from poisonlib.progress import Progress
from workbench.folders import exclusive
from workbench.folders.encode import encoded, name_in, written_format
from workbench.folders.journal import Journal
from workbench.folders.retention import aligned_again, share_kept
from workbench.folders.transfer import carried
from workbench.photos.faces import Detect, Face, as_images, cut_out, face_in
from workbench.photos.pictures import content_of, decoded
from workbench.photos.walk import Skipped, shown, spread


def person_of(file: Path) -> str:
    """Whose photograph a file is, by its path: the first folder's; of files in none, ``""``."""
    return file.parts[0] if len(file.parts) > 1 else ""


class Unusable(ValueError):
    """A file of this content cannot be cloaked, whenever it is tried.

    Args:
        reason: in plain words.
        input: hash of the content.
    """

    def __init__(self, reason: str, input: str) -> None:
        super().__init__(reason)
        self.input = input


@dataclass(frozen=True, eq=False)
class Cut:
    """A face that is to be cloaked.

    Attributes:
        input: hash of its file.
        face: where it is.
        crop: ``(3, 112, 112)``, aligned.
        output: where its copy goes, relative.
        notes: what there is to know about how it was read.
    """

    input: str
    face: Face
    crop: Tensor
    output: Path
    notes: tuple[str, ...]


class Batches:
    """What one run of `workbench.folders.cloak_folder` does, and what it has done so far.

    Paths are relative to the two folders. Settings are the journal's.

    Attributes:
        cloaked, before, kept, problems, notes: as in `workbench.folders.CloakedFolder`.
    """

    def __init__(
        self,
        source: Path,
        out: Path,
        attack: Attack,
        journal: Journal,
        detect: Detect,
        total: int,
        progress: Progress | None,
    ) -> None:
        self.source, self.out, self.attack, self.journal = source, out, attack, journal
        self.settings, self.detect = journal.settings, detect
        self.done, self.total, self.progress = 0, total, progress
        lines = journal.files.items()
        self.owners = {line["output"]: file for file, line in lines if "output" in line}
        self.cloaked = self.before = 0
        self.kept: list[float | None] = []
        self.problems: list[Skipped] = []
        self.notes: list[Skipped] = []

    def cloak(self, files: Sequence[Path], of_person: Sequence[Path]) -> None:
        """Cloak what is missing of some files of one person.

        All of them are given to the attack, as a cloak may depend on what else is in the batch.

        Args:
            files: of the batch.
            of_person: all of the person's.

        Raises:
            OSError: nothing more can be written.
        """
        missing = {file for file in files if not self._settled(file)}
        cuts = {}
        for file in files if missing else ():
            try:
                cuts[file] = self._cut(file)
                if file in missing:
                    self._check_free(file, cuts[file].output)
            except ValueError as problem:
                if isinstance(problem, Unusable) and file in missing:
                    line = {"input": problem.input, "skipped": str(problem)}
                    self.journal.add(file=str(file), **line)
                if file in missing:
                    missing.remove(file)
                    self._skip(file, str(problem))
        if not missing:
            return
        images = torch.stack([cut.crop for cut in cuts.values()])
        try:
            cloak = self._for_person(of_person, images)(images, seed=self.settings["seed"])
        except ValueError as problem:
            for file in sorted(missing):
                self._skip(file, f"could not be cloaked ({problem})")
            return
        for row, (file, cut) in enumerate(cuts.items()):
            if file in missing:
                self._finish(file, cut, cloak.images[row], float(cloak.dssim[row]))

    def _settled(self, file: Path) -> bool:
        """Whether nothing is left to do for a file, which is then reported."""
        try:
            digest = sha256(content_of(self.source / file, within=self.source))
        except ValueError as problem:
            self._skip(file, str(problem))
            return True
        line = self.journal.files.get(str(file), {})
        if line.get("input") != digest:
            return False
        if "skipped" in line:
            self._skip(file, line["skipped"])
            return True
        there = self._there(Path(line["output"]))
        if there in (None, line["replaces"]):  # it was written, but never got its name
            return False
        if there != line["written"]:
            why = f"{shown(line['output'])} was changed since it was written; it was left as it is"
            self._skip(file, why)
            return True
        self.before += 1
        self._count(file, line["kept"], line["notes"])
        return True

    def _cut(self, file: Path) -> Cut:
        """A file's face, and where its copy goes.

        Raises:
            Unusable: it shows nothing that can be cloaked.
            ValueError: it cannot be read now.
        """
        content = content_of(self.source / file, within=self.source)
        try:
            picture = decoded(content)
            face = face_in(picture, detect=self.detect, several=self.settings["several"])
        except ValueError as problem:
            if isinstance(problem.__cause__, MemoryError | RuntimeError):
                raise  # it may go well another time
            raise Unusable(str(problem), sha256(content)) from problem
        output = name_in(written_format(picture, self.settings["format"]), file)
        notes = tuple(note for note in (*picture.notes, face.note) if note)
        crop = as_images(cut_out(picture.image, face))
        return Cut(picture.sha256, face, crop, output, notes)

    def _for_person(self, files: Sequence[Path], images: Tensor) -> Attack:
        """The attack with the target that all photographs of one person share.

        Args:
            files: of the person; some of them, evenly spread, choose the target.
            images: of this batch, which choose it if none of those can be used.
        """
        if not isinstance(self.attack, FawkesV03):
            return self.attack
        person, targets = person_of(files[0]), self.attack.targets
        if person not in self.journal.targets:
            crops = []
            for file in spread(files, 2 * self.settings["batch"]):
                with contextlib.suppress(ValueError):
                    crops.append(self._cut(file).crop)
            own = torch.stack(crops) if crops else images
            label = self.attack.pick_target(own, seed=self.settings["seed"])
            self.journal.add(person=person, target=targets.names[label])
        target = self.journal.targets[person]
        return replace(self.attack, targets=targets.of_people([target]))

    def _finish(self, file: Path, cut: Cut, cloaked: Tensor, dissimilarity: float) -> None:
        """Write a copy, look at what was written, and give it its name."""
        try:
            path = exclusive.partial(self.out, cut.output)
            content = self._content(file, cut, cloaked)
            exclusive.write(path, content)
            try:
                kept, notes = self._look_at(path, cut, cloaked)
                replaces = self._check_free(file, cut.output)
                self.journal.add(
                    file=str(file),
                    input=cut.input,
                    output=str(cut.output),
                    written=sha256(content),
                    replaces=replaces,
                    kept=kept,
                    dssim=dissimilarity,
                    notes=notes,
                )
                exclusive.reveal(path, self.out / cut.output, replace=replaces is not None)
            finally:
                path.unlink(missing_ok=True)
        except (OSError, ValueError) as problem:
            if isinstance(problem, OSError) and problem.errno in exclusive.HOPELESS:
                raise
            self._skip(file, f"its copy could not be written ({problem})")
            return
        self.owners[str(cut.output)] = str(file)
        self.cloaked += 1
        self._count(file, kept, notes)

    def _content(self, file: Path, cut: Cut, cloaked: Tensor) -> bytes:
        """What the file of a copy holds.

        Raises:
            ValueError: the original is not what it was a moment ago.
        """
        content = content_of(self.source / file, within=self.source)
        if sha256(content) != cut.input:
            raise ValueError("the original was changed meanwhile; run again")
        picture = decoded(content)
        change = (cloaked - cut.crop).permute(1, 2, 0).numpy()
        image = carried(picture.image, cut.face, change)
        format = written_format(picture, self.settings["format"])
        return encoded(image, picture, format, keep_metadata=self.settings["keep_metadata"])

    def _look_at(self, path: Path, cut: Cut, cloaked: Tensor) -> tuple[float | None, list[str]]:
        """The share of its cloak that a written file keeps, and what there is to say."""
        again = aligned_again(decoded(path.read_bytes()), cut.face, detect=self.detect)
        if again is None:
            return None, [*cut.notes, "no face is found in its copy any more"]
        images = (cut.crop[None], cloaked[None], again)
        return share_kept(self.attack.extractors, *images), list(cut.notes)

    def _check_free(self, file: Path, output: Path) -> str | None:
        """The hash of the earlier copy that the copy of a file replaces, if there is one.

        Raises:
            ValueError: the copy's name is taken by something else.
        """
        owner = self.owners.get(str(output), str(file))
        if owner != str(file):
            raise ValueError(f"its copy would get the name of that of {shown(owner)}")
        there = self._there(output)
        line = self.journal.files.get(str(file), {})
        if there not in (None, line.get("written"), line.get("replaces")):
            raise ValueError(f"{shown(output)} is there already and not ours; it was left as it is")
        return there

    def _there(self, output: Path) -> str | None:
        """The hash of what bears a copy's name, or None where nothing does."""
        path = self.out / output
        if not os.path.lexists(path):
            return None
        try:
            return sha256(content_of(path, within=self.out))
        except ValueError as problem:
            return str(problem)

    def _skip(self, file: Path, reason: str) -> None:
        self.problems.append(Skipped(file, reason))
        self._show(file)

    def _count(self, file: Path, kept: float | None, notes: Sequence[str]) -> None:
        self.kept.append(kept)
        self.notes += [Skipped(file, note) for note in notes]
        self._show(file)

    def _show(self, file: Path) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, shown(file))

"""Who is in the lab, what the tools are set to, and when the files are made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from poisonlib import cloaks, extractors, people
from poisonlib.attacks import FawkesV03, FawkesV1, LowKey
from poisonlib.tools import SURROGATES
from poisonlib.trial import split
from studio.commands import lab
from studio.lab import contents, files
from tests.book import chapters as book


def test_photographs_of_a_wearer_keep_to_the_books_split() -> None:
    photos, one = people.load("users"), contents.wearer(17)
    test = split(photos.labels, seed=cloaks.SEED)
    before, later = [*one.published, one.leaked], list(one.later)
    assert (photos.labels[before + later] == 17).all()
    assert not test[before].any() and test[later].all()
    assert len(set(before + later)) == contents.PUBLISHED + 1 + contents.LATER


def test_the_gallery_holds_the_same_number_of_everybody() -> None:
    photos, places = people.load("users"), contents.gallery()
    counts = photos.labels[places].bincount()
    assert counts.tolist() == [contents.EACH] * 100
    assert not split(photos.labels, seed=cloaks.SEED)[places].any()


def test_tools_are_set_as_in_python() -> None:
    tools = contents.tools()
    extractor = [extractors.load("softmax-2014")]
    made = {
        "Fawkes v0.3": FawkesV03(extractor, targets=people.load("public"), mode="mid"),
        "Fawkes v1.0": FawkesV1(extractor, mode="mid"),
        "LowKey": LowKey(extractor, mode="mid"),
    }
    for tool, attack in made.items():
        own = {key: value for key, value in tools[tool].items() if key not in ("modes", "drawn")}
        assert own.pop("surrogates") == SURROGATES[tool]
        assert own | tools[tool]["modes"]["mid"] == {
            key: value
            for key, value in attack.settings.items()
            if key not in ("extractors", "targets", "mode")
        }


def test_the_ten_lines_are_chapter_1s() -> None:
    (chapter,) = (one for one in book.chapters() if one.path.stem.startswith("01_"))
    (cell,) = (cell for cell in chapter.code if "def cloak_by_hand" in cell.source)
    source, _, _ = cell.source.partition("\n\n\n")
    namespace = {"torch": torch, "embed": extractors.embed}
    exec(source, namespace)
    extractor, images = extractors.load("softmax-2014"), people.load("users").images[:2]
    by_hand = namespace["cloak_by_hand"](images, extractor, epsilon=8 / 255)
    assert "epsilon = 8 / 255" in cell.source and contents.EPSILONS["mid"] == 8 / 255
    assert torch.equal(
        contents.ten_lines(images, extractor, epsilon=8 / 255), (255 * by_hand).round() / 255
    )


def test_named_right_counts_nearest_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.nn.functional.one_hot(people.load("users").labels, 101).float()
    monkeypatch.setattr(contents, "embeddings", lambda name: rows)
    one, nobody = contents.wearer(3), torch.eye(101)[[100]]
    assert contents.named_right("mine", one, rows[list(one.published)]) == contents.LATER
    assert contents.named_right("mine", one, nobody) == 0


def test_files_are_made_again_only_when_something_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not files.current(tmp_path)
    (tmp_path / "part.bin").write_bytes(b"four")
    index = {"version": files.version(), "files": {"part.bin": 4}}
    (tmp_path / files.INDEX).write_text(json.dumps(index))
    assert files.current(tmp_path)
    with monkeypatch.context() as changed:
        changed.setattr(files, "write", lambda *given: pytest.fail("they are current"))
        assert lab.run(lab.argparse.Namespace(out=tmp_path)) is None
    (tmp_path / "part.bin").write_bytes(b"fi")
    assert not files.current(tmp_path)
    (tmp_path / "part.bin").write_bytes(b"four")
    monkeypatch.setattr(files, "version", lambda: "another")
    assert not files.current(tmp_path)

"""Properties that hold for whatever folder somebody has: hundreds of drawn ones.

A tool that changes nothing never protects; no file is lost or counted twice; each verdict has a
control that could have failed; originals stay as they are; the exit code agrees with the summary.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from poisonlib import people
from poisonlib.cli import main
from poisonlib.photos import Photos
from tests.audit.conftest import toy
from tests.folders import drawn
from tests.folders.toys import Tint, never, snapshot
from workbench import audit
from workbench.audit import photographs
from workbench.audit.strategies import naive
from workbench.audit.verdict import CANNOT_TELL, RECOGNISES_BELOW
from workbench.folders import aligned_pairs, cloaking, resemblance
from workbench.photos import owner
from workbench.photos.layout import read_album

FEW, MANY = 120, 10_000


class Shades:
    """A recogniser of toys, by what is where: people differ, photographs of one do not much."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        grey = images.mean(1, keepdim=True)
        coarse = torch.nn.functional.adaptive_avg_pool2d(grey, 4).flatten(1)
        return torch.nn.functional.normalize(coarse - coarse.mean(1, keepdim=True), dim=1)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool, a detector that looks cloaked copies up, and a recogniser, all of them quick."""
    for module in (owner, resemblance):
        monkeypatch.setattr(module.extractors, "load", lambda name: Shades())
    monkeypatch.setattr("poisonlib.tools.at_strength", lambda *names, **settings: Tint())
    monkeypatch.setitem(cloaking.cloak_folder.__kwdefaults__, "looks_cloaked", never)
    crowd = torch.rand(40, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) // 4
    others = Photos(crowd, labels, tuple(f"p{number}" for number in range(10)))
    monkeypatch.setattr(people, "load", lambda *which, **how: others)
    monkeypatch.setattr(photographs, "count_rendered", lambda photos: 0)
    monkeypatch.setattr(audit, "background", lambda *which, **how: (others, "toys"))
    monkeypatch.setattr(audit, "strategies", lambda *which, **how: (naive(toy()),))
    monkeypatch.setattr(photographs, "knows_faces", lambda: photographs.CachedExtractor(toy("k")))


def with_detector(monkeypatch: pytest.MonkeyPatch, world: drawn.World) -> None:
    monkeypatch.setitem(cloaking.cloak_folder.__kwdefaults__, "detect", world.detect)
    for function in (aligned_pairs.read_pairs, aligned_pairs.align_pairs, aligned_pairs.align_pair):
        monkeypatch.setitem(function.__kwdefaults__, "detect", world.detect)


def cloak_one(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    album = drawn.draw_album(folder / "in", seed)
    with_detector(monkeypatch, album.world)
    before = snapshot(folder / "in")
    which = ("owner", "all")[seed % 2]
    arguments = ["cloak", "--attack", "fawkes-v1", "--in", str(folder / "in")]
    code = main([*arguments, "--out", str(folder / "out"), "--faces", which])
    printed = capsys.readouterr().out.splitlines()
    assert snapshot(folder / "in") == before, "an original was touched"
    log = [json.loads(line) for line in (folder / "out" / cloaking.LOG).read_text().splitlines()]
    entries = {name: entry for name, entry in log[1:] if not name.startswith("/")}
    copies = {Path(entry["copy"]) for entry in entries.values() if "copy" in entry}
    assert copies == {
        file for file in drawn.photographs_in(folder / "out") if file.name != cloaking.LOG
    }
    skipped = {
        line.split(" ", 1)[1].split(": ")[0] for line in printed if line.startswith("skipped ")
    }
    skipped.discard("")
    lost = {str(file) for file in album.photographs} - set(entries)
    assert not lost, "a photograph was neither cloaked nor reported"
    assert {str(file) for file in album.junk} <= skipped
    cloaked = sum("copy" in entry for entry in entries.values())
    assert cloaked == len(album.photographs), [line for line in printed if "skipped" in line]
    assert any(f": {cloaked} photographs cloaked" in line for line in printed)
    assert code == (
        1 if any(line.startswith(("skipped", "not cloaked")) for line in printed) else 0
    )
    understood = read_album(folder / "in")
    assert printed[0] == str(understood)


def audit_one(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch, capsys) -> str:
    album = drawn.draw_album(folder / "clean", seed, people=1)
    fate = drawn.draw_copies(folder / "clean", folder / "cloaked", album, seed)
    with_detector(monkeypatch, album.world)
    before = snapshot(folder)
    arguments = ["audit", "--clean", str(folder / "clean"), "--cloaked", str(folder / "cloaked")]
    code = main([*arguments, "--json", "--layout", "one"])
    captured = capsys.readouterr()
    assert snapshot(folder) == before, "an original was touched"
    if code == 2:
        assert captured.err.count("poisonlib:") == 1 and captured.out == ""
        return "refused"
    result = json.loads(captured.out)
    assert result["grade"] != "protects" and code in (1, 3), "nothing was changed"
    assert (code == 3) == (result["grade"] in (CANNOT_TELL, "not enough photographs to say"))
    for row in result["strategies"]:
        assert row["verdict"] == CANNOT_TELL or row["without_high"] < RECOGNISES_BELOW
        assert row["n"] == len(result["pairs"])
    used, left = result["pairs"], [problem["file"] for problem in result["problems"]]
    assert len(set(used)) == len(used) and not set(used) & set(left)
    assert set(used) | set(left) >= {str(file) for file in fate}, "a file was lost"
    wrong = {str(file) for file, kind in fate.items() if kind in ("foreign", "missing")}
    assert not wrong & set(used), "a copy of something else was used"
    once = {Path(name).with_suffix("").as_posix().rstrip("ab") for name in used}
    assert len(once) == len(used), "one photograph was counted twice"
    return result["grade"]


@pytest.mark.parametrize("start", range(0, FEW, 20))
def test_cloaked_folders(start: int, tmp_path: Path, monkeypatch, capsys) -> None:
    for seed in range(start, start + 20):
        cloak_one(tmp_path / str(seed), seed, monkeypatch, capsys)


@pytest.mark.parametrize("start", range(0, FEW, 20))
def test_audited_folders(start: int, tmp_path: Path, monkeypatch, capsys) -> None:
    grades = {
        audit_one(tmp_path / str(seed), seed, monkeypatch, capsys)
        for seed in range(start, start + 20)
    }
    assert len(grades) > 1, "all drawn folders came to the same end"


@pytest.mark.slow
def test_ten_thousand_folders(tmp_path: Path, monkeypatch, capsys) -> None:
    for seed in range(FEW, MANY):
        one = cloak_one if seed % 2 else audit_one
        one(tmp_path / str(seed), seed, monkeypatch, capsys)

"""``python -m poisonlib cloak``: what it prints, and how it exits."""

from __future__ import annotations

import errno

import numpy as np
import pytest
from PIL import Image

from poisonlib import atomic, cli, extractors, people, tools
from poisonlib.attacks import FawkesV1
from tests.folders.toys import TOYS, Tint, content, copies, picture, snapshot
from workbench import folders
from workbench.extractors import BlackBoxExtractor
from workbench.folders import cloaking
from workbench.photos import from_folder

COMMAND = ["cloak", "--attack", "fawkes-v1"]


@pytest.fixture
def toy_tools(monkeypatch):
    """The command with a toy attack and a toy detector; the tools that it was called with."""
    calls = []

    def at_strength(tool, mode, *, public, surrogates=None):
        calls.append((tool, mode))
        return Tint()

    monkeypatch.setattr(tools, "at_strength", at_strength)
    defaults = cloaking.cloak_folder.__kwdefaults__
    for name, toy in TOYS.items():
        monkeypatch.setitem(defaults, name, toy)
    return calls


def run(album, out, *more):
    return cli.main([*COMMAND, "--in", str(album), "--out", str(out), *more])


def test_it_cloaks_and_resumes(album, tmp_path, toy_tools, capsys):
    before = snapshot(album)
    assert run(album, tmp_path / "out") == 0
    assert toy_tools == [("Fawkes v1.0", "high")]
    printed, bar = capsys.readouterr()
    assert f"{tmp_path / 'out'}: 5 photographs cloaked; the copies retain" in printed
    assert "5/5  Ben/1.jpg" in bar
    assert run(album, tmp_path / "out") == 0
    assert "5 photographs cloaked, 5 of them by an earlier run" in capsys.readouterr().out
    assert snapshot(album) == before


def test_skipped_files_are_listed_and_set_the_exit_code(album, tmp_path, toy_tools, capsys):
    (album / "Ada" / "two\nlines.jpg").write_bytes(b"no picture")
    assert run(album, tmp_path / "out") == 1
    printed = capsys.readouterr().out.splitlines()
    reason = "not a readable picture (of no known format)"
    assert printed[0].endswith("album: 2 people (Ada, Ben), 6 files")
    assert printed[1] == rf"skipped Ada/two\nlines.jpg: {reason}"
    assert printed[-1] == "skipped: 1"


def test_wrong_use_is_one_line(album, tmp_path, toy_tools, capsys):
    assert run(album, album / "out") == 2
    assert run(tmp_path / "nowhere", tmp_path / "out") == 2
    assert run(album, tmp_path / "out", "--mode", "low") == 0
    assert run(album, tmp_path / "out", "--seed", "1") == 2
    mistakes = [line for line in capsys.readouterr().err.splitlines() if "poisonlib:" in line]
    assert [line.split(" ", 1)[0] for line in mistakes] == ["poisonlib:"] * 3
    assert "seed was 0, now 1" in mistakes[2]


def test_a_full_disk_has_an_exit_code_of_its_own(album, tmp_path, toy_tools, monkeypatch, capsys):
    def full(*given, **keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "write", full)
    assert run(album, tmp_path / "out") == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith("poisonlib: ")
    assert copies(tmp_path / "out") == {}


def test_ctrl_c_leaves_nothing_half_written(album, tmp_path, toy_tools, monkeypatch, capsys):
    write = atomic.write

    def stop(path, content, **keywords):
        if len(copies(tmp_path / "out")) == 2:
            raise KeyboardInterrupt
        write(path, content, **keywords)

    monkeypatch.setattr(atomic, "write", stop)
    assert run(album, tmp_path / "out") == 130
    assert "the same command resumes from here" in capsys.readouterr().err
    assert len(copies(tmp_path / "out")) == 2
    monkeypatch.setattr(atomic, "write", write)
    assert run(album, tmp_path / "out") == 0


def test_a_mode_that_the_tool_does_not_have_is_named(album, tmp_path, capsys):
    assert run(album, tmp_path / "out", "--mode", "ultra") == 2
    assert "mode must be one of low, mid, high, got 'ultra'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_surrogates_of_ones_own_choice_reach_the_tool(album, tmp_path, monkeypatch):
    made = []

    def remember(source, out, attack, **settings):
        made.append(attack)
        return folders.CloakedFolder("", out, 0, 0, (), (), (), ())

    monkeypatch.setattr(folders, "cloak_folder", remember)
    names = ["dlib-2017", "arcface-2019"]
    assert run(album, tmp_path / "out", "--surrogates", *names, "dlib-2017") == 0
    assert run(album, tmp_path / "out") == 0
    chosen, own = (attack.settings["extractors"] for attack in made)
    assert chosen == names and own == list(tools.SURROGATES["Fawkes v1.0"])
    assert made[0].extractors[0] is extractors.load("dlib-2017")


def test_a_surrogate_that_cannot_be_used_is_named_before_any_file_is_touched(
    album, tmp_path, monkeypatch, capsys
):
    assert run(album, tmp_path / "out", "--surrogates", "dlib-2017", "facenet") == 2
    assert "no extractor 'facenet'; there are: softmax-2014" in capsys.readouterr().err
    about = ("means", 2026, "none", "none", "none", 8, 3, "CC0-1.0")
    card = extractors.Card(*about, differentiable=False)
    preprocessing = extractors.Preprocessing(size=8)
    means = BlackBoxExtractor(lambda array: array.mean((2, 3)), card, preprocessing, "means-1")
    monkeypatch.setattr("workbench.extractors.load", lambda name: means)
    assert run(album, tmp_path / "out", "--surrogates", "means") == 2
    assert "no cloak can be crafted on means: it is not differentiable" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_copies_made_on_other_surrogates_are_not_taken_for_this_runs(album, tmp_path, monkeypatch):
    def on(*names):
        chosen = [extractors.load(name) for name in names]
        public = people.load("public")
        return tools.at_strength("Fawkes v1.0", "low", public=public, surrogates=chosen)

    def brighter(self, images, seed, progress):
        return images + 0.1

    monkeypatch.setattr(FawkesV1, "_perturb", brighter)
    monkeypatch.setattr("workbench.folders.batches.retained_share", lambda *arguments: None)
    first = folders.cloak_folder(album, tmp_path / "out", on("dlib-2017"), **TOYS)
    again = folders.cloak_folder(album, tmp_path / "out", on("dlib-2017"), **TOYS)
    assert (first.cloaked, again.cloaked, again.cloaked_before) == (5, 0, 5)
    log = (tmp_path / "out" / cloaking.LOG).read_text(encoding="utf-8")
    assert "dlib-2017" in log.splitlines()[0]
    before = snapshot(tmp_path / "out")
    for names in (["arcface-2019"], ["dlib-2017", "arcface-2019"]):
        with pytest.raises(ValueError, match="is the log of another run .*dlib-2017"):
            folders.cloak_folder(album, tmp_path / "out", on(*names), **TOYS)
    assert snapshot(tmp_path / "out") == before


@pytest.mark.slow
def test_the_real_detector_and_a_real_tool_on_photographs_of_1200_by_1600(tmp_path):
    before = people.load("users").of("p00002")[:2]
    (tmp_path / "in" / "Ada").mkdir(parents=True)
    for number, (face, ending) in enumerate(zip(before, ("jpg", "png"), strict=True)):
        pixels = Image.fromarray((face * 255).round().byte().permute(1, 2, 0).numpy())
        photograph = picture(number, size=(1200, 1600))
        photograph.paste(pixels.resize((700, 700), Image.Resampling.BICUBIC), (250, 300))
        made = content(photograph, "PNG" if ending == "png" else "JPEG")
        (tmp_path / "in" / "Ada" / f"{number}.{ending}").write_bytes(made)
    out = tmp_path / "out"
    assert run(tmp_path / "in", out, "--mode", "mid") == 0
    report = folders.cloak_folder(
        tmp_path / "in",
        out,
        tools.at_strength("Fawkes v1.0", "mid", public=people.load("public")),
    )
    assert report.cloaked_before == 2 and min(report.retained) > 0.5
    read = folders.read_pairs(folders.pair(tmp_path / "in", out))
    change = (read.cloaked - read.clean).abs()
    assert len(read) == 2 and read.problems == ()
    assert 0.002 < change.mean() < 0.05 and change.amax() > 3 / 255
    assert len(from_folder(out)) == 2, "a tracker finds no face on the copies"
    for copy in sorted((out / "Ada").iterdir()):
        there = np.asarray(Image.open(copy).convert("RGB"), int)
        was = np.asarray(Image.open(tmp_path / "in" / "Ada" / copy.name).convert("RGB"), int)
        assert there.shape == was.shape == (1600, 1200, 3)

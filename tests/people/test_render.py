"""Rendering: the same picture whatever the order, and nothing lost when a run dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from torch.nn.functional import avg_pool2d

from poisonlib import atomic
from studio.people import store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("head_model")]
SEEDS, PHOTOS = (3, -1), 2


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.jpg"))}


def records(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.json"))}


@pytest.fixture(scope="module")
def reference(head_model, tmp_path_factory) -> Path:
    """Two people with two photographs each, rendered in this process."""
    from studio.people.render_many import render

    folder = tmp_path_factory.mktemp("reference")
    report = render(folder, seeds=SEEDS, photos=PHOTOS, processes=1)
    assert (report.rendered, report.kept) == (4, 0)
    return folder


def test_two_processes_and_another_order_give_the_same_files(reference, tmp_path):
    from studio.people.render_many import render

    render(tmp_path, seeds=SEEDS[::-1], photos=PHOTOS, processes=2)
    assert pictures(tmp_path) == pictures(reference)
    assert records(tmp_path) == records(reference)


def test_one_photograph_alone_is_the_same_picture(reference):
    from studio.people import identity, nuisance
    from studio.people.render import Character

    portrait = Character(identity.sample(-1)).photograph(nuisance.sample(-1, 1))
    assert portrait.jpeg() == (reference / "p-0001" / "001.jpg").read_bytes()
    assert portrait.image.shape == (224, 224, 3) and portrait.image.dtype == np.uint8
    assert portrait.landmarks.shape == (5, 2)
    assert (portrait.landmarks > 40).all() and (portrait.landmarks < 184).all()


def test_damaged_files_are_rendered_again_and_others_left(reference, tmp_path):
    from studio.people.render_many import render

    render(tmp_path, seeds=SEEDS, photos=1, processes=1)
    kept = (tmp_path / "p00003" / "000.jpg").stat().st_mtime_ns
    broken = tmp_path / "p-0001" / "000.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    (tmp_path / "p00003" / f".half{atomic.PARTIAL}").write_bytes(b"half a picture")
    report = render(tmp_path, seeds=SEEDS, photos=PHOTOS, processes=1)
    assert (report.rendered, report.kept) == (3, 1)
    assert (tmp_path / "p00003" / "000.jpg").stat().st_mtime_ns == kept
    assert pictures(tmp_path) == pictures(reference)
    assert not list(tmp_path.rglob(f"*{atomic.PARTIAL}"))
    again = render(tmp_path, seeds=SEEDS, photos=PHOTOS, processes=1)
    assert (again.rendered, again.kept) == (0, 4)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_run_goes_on_where_it_was(reference, tmp_path):
    command = [sys.executable, "-m", "poisonlib", "people", "render", "--identities", "1",
               "--photos", "2", "--first-identity", "3", "--out", str(tmp_path)]  # fmt: skip
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path.cwd())
    place = tmp_path / "p00003"
    deadline = time.monotonic() + 300
    while not store.read_record(place) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert store.read_record(place) is not None, "no photograph appeared in five minutes"
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, cwd=Path.cwd())
    expected = {name: b for name, b in pictures(reference).items() if name.startswith("p00003")}
    assert pictures(tmp_path) == expected
    assert (place / store.RECORD).read_bytes() == (reference / "p00003/person.json").read_bytes()


def test_photographs_of_one_person_differ_and_people_differ_more(reference):
    from studio.people import pack

    photos = pack.aligned(reference)
    one, other = photos.of("p00003"), photos.of("p-0001")
    assert (one[0] - one[1]).abs().mean() > 0.02
    middle = (slice(None), slice(30, 80), slice(30, 80))
    assert (one[0][middle] - other[0][middle]).abs().mean() > 0.02
    assert 0.1 < photos.images.mean() < 0.9


def test_the_detail_of_training_shows_the_same_faces(reference, tmp_path):
    from studio.people import pack
    from studio.people.render_many import render

    render(tmp_path, seeds=SEEDS, photos=PHOTOS, processes=1, detail="training")
    quick, fine = (
        avg_pool2d(pack.aligned(folder).images[..., 28:84, 28:84], 4)  # without the sensor's noise
        for folder in (tmp_path, reference)
    )
    assert quick.shape == fine.shape
    for one, same in zip(quick, fine, strict=True):  # the exposure may differ a little
        assert np.corrcoef(one.flatten(), same.flatten())[0, 1] > 0.9
    assert (quick - fine).abs().mean() < 0.08


def test_looks_take_turns_and_the_first_is_the_character(reference, tmp_path):
    from studio.people.render_many import render

    render(tmp_path, seeds=SEEDS, photos=PHOTOS, processes=1, looks=2)
    new, old = pictures(tmp_path), pictures(reference)
    for person in ("p00003", "p-0001"):
        assert new[f"{person}/000.jpg"] == old[f"{person}/000.jpg"]
        assert new[f"{person}/001.jpg"] != old[f"{person}/001.jpg"]
    again = render(tmp_path, seeds=SEEDS, photos=PHOTOS, processes=1)
    assert again.rendered == 4, "a folder of other settings is not taken for this one"


def test_what_cannot_be_rendered_is_said_before_anything_is_written(tmp_path):
    from studio.people.render_many import render

    for mistake, message in (
        ({"seeds": [], "photos": 1}, "at least one identity"),
        ({"seeds": [1], "photos": 0}, "at least one identity"),
        ({"seeds": [1, 1], "photos": 1}, "must differ"),
        ({"seeds": [1], "photos": 1, "processes": 0}, "processes must be >= 1"),
        ({"seeds": [1], "photos": 1, "looks": 0}, "looks must be >= 1"),
        ({"seeds": [1], "photos": 1, "detail": "huge"}, "no detail 'huge'; there are: packaged"),
    ):
        with pytest.raises(ValueError, match=message):
            render(tmp_path / "out", **mistake)
    assert not (tmp_path / "out").exists()


def test_a_damaged_head_model_is_built_again(head_model, tmp_path, monkeypatch, capsys):
    from studio.people import head

    whole = head.load()
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path))
    (tmp_path / "head-1.npz").write_bytes(b"PK not a model")
    arrays = {"template": whole.template}
    monkeypatch.setattr(head, "_build", lambda: arrays)
    with pytest.raises(KeyError):  # the stand-in holds a template only
        head.load.__wrapped__()
    assert "is damaged" in capsys.readouterr().out
    with np.load(tmp_path / "head-1.npz") as file:
        assert file.files == ["template"]

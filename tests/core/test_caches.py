"""A cache can only cost time: whatever happens to its folder, all results are right."""

from __future__ import annotations

import builtins
import errno
import logging
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from poisonlib import caching, trial
from poisonlib.attacks import Cached, CloakCache, LowKey, Unperturbed
from poisonlib.attacks import cache as cloak_cache
from poisonlib.caching import cached_array, can_write
from poisonlib.extractors import CachedExtractor
from poisonlib.trial import Trial, grid
from tests import toys
from tests.core.conftest import Negative, toy_extractor, toy_photos

IMAGES = toys.faces(2)
ATTACK = LowKey([toys.PooledLinear()], steps=2)
CLOAKED = ATTACK(IMAGES, seed=0)
EXTRACTOR = toy_extractor(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4)))
EMBEDDED = EXTRACTOR(IMAGES)
ARRAY = np.arange(6.0).reshape(2, 3)
KINDS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT, errno.EPERM)


@pytest.fixture(autouse=True)
def told_of_nothing(monkeypatch):
    monkeypatch.setattr(caching, "_TOLD", set())


def failing(monkeypatch, folder: Path, share: float, draw: random.Random, *, reads: bool) -> None:
    """Let a share of all calls that touch a folder fail, each for a reason of its own."""

    def wrap(module: object, name: str) -> None:
        usual = getattr(module, name)

        def call(path, *arguments, **settings):
            inside = isinstance(path, str | os.PathLike) and Path(path).is_relative_to(folder)
            writes = name != "open" or "r" not in (*arguments, "r")[0]
            if inside and (writes or reads) and draw.random() < share:
                kind = draw.choice(KINDS)
                raise OSError(kind, os.strerror(kind), str(path))
            return usual(path, *arguments, **settings)

        monkeypatch.setattr(module, name, call)

    for name in ("mkdir", "replace", "unlink"):
        wrap(os, name)
    wrap(builtins, "open")
    sync = os.fsync

    def full(handle: int) -> None:
        if draw.random() < share:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)


def check_all(folder: Path) -> None:
    """What every cache returns, a few times over, is what was computed without one."""
    cached = Cached(ATTACK, CloakCache(folder / "cloaks"))
    for _ in range(2):
        cloak = cached(IMAGES, seed=0)
        assert torch.equal(cloak.images, CLOAKED.images)
        assert torch.equal(cloak.dssim, CLOAKED.dssim)
        embedded = CachedExtractor(EXTRACTOR, folder=folder / "embeddings")(IMAGES)
        assert torch.equal(embedded, EMBEDDED)
        array = cached_array(folder / "landmarks" / "ab" / "array.npy", lambda: ARRAY)
        assert np.array_equal(array, ARRAY)


@pytest.mark.parametrize("seed", range(40))
def test_on_a_failing_disk_all_results_are_right(seed, tmp_path):
    draw = random.Random(seed)
    share = draw.choice([0.1, 0.5, 1.0])
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, tmp_path, share, draw, reads=draw.random() < 0.5)
        check_all(tmp_path)
    check_all(tmp_path)  # and what the failures have left behind does not harm


@pytest.mark.parametrize("seed", range(40))
def test_damaged_entries_are_made_again(seed, tmp_path):
    check_all(tmp_path)
    draw = random.Random(seed)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        content = path.read_bytes()
        place = draw.randrange(1, len(content))
        path.write_bytes(
            draw.choice(
                [
                    content[:place],
                    b"",
                    b"PK\x03\x04" + content,
                    b"\x93NUMPY" + content,
                    draw.randbytes(200),
                    content[:8] + bytes(len(content)),
                ]
            )
        )
    check_all(tmp_path)
    for path in files:
        assert path.stat().st_size > 8
    check_all(tmp_path)


def test_an_entry_of_another_shape_or_format_is_made_again(tmp_path):
    from safetensors.torch import save

    check_all(tmp_path)
    (embeddings,) = (tmp_path / "embeddings").iterdir()
    embeddings.write_bytes(save({"embeddings": torch.zeros(1, 4)}))
    np.savez(tmp_path / "landmarks" / "ab" / "array", ARRAY)
    os.replace(
        tmp_path / "landmarks" / "ab" / "array.npz", tmp_path / "landmarks" / "ab" / "array.npy"
    )
    import hashlib

    (cloak,) = (tmp_path / "cloaks").rglob("*.cloak")
    payload = save({"pictures": torch.zeros(1)})
    cloak.write_bytes(hashlib.sha256(payload).digest() + payload)
    check_all(tmp_path)


@pytest.mark.parametrize("what", ["a file", "folders where files should be"])
def test_something_in_the_way_costs_time_only(what, tmp_path, caplog):
    if what == "a file":
        folder = tmp_path / "cache"
        folder.write_text("in the way")
    else:
        folder = tmp_path
        check_all(folder)
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            path.unlink()
            (path / "sub").mkdir(parents=True)
    caplog.set_level(logging.WARNING)
    caplog.clear()
    assert not (what == "a file" and can_write(folder))
    check_all(folder)
    check_all(folder)
    assert len(caplog.records) == 1, "said once"
    assert "a cache cannot be written" in caplog.text and "POISONLIB_CACHE" in caplog.text


def test_a_cloak_that_could_not_be_stored_is_not_crafted_again(tmp_path):
    (tmp_path / "cache").write_text("a file")
    extractor = toys.PooledLinear()
    calls = []
    extractor.register_forward_hook(lambda *_: calls.append(1))
    cached = Cached(LowKey([extractor], steps=2), CloakCache(tmp_path / "cache"))
    first = cached(IMAGES, seed=0)
    count = len(calls)
    assert torch.equal(cached(IMAGES, seed=0).images, first.images)
    assert len(calls) == count > 0


def test_memory_for_cloaks_that_could_not_be_stored_is_bounded(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr(cloak_cache, "IN_MEMORY", 20_000)  # bytes: one cloak of 13,824 and no more
    cache = CloakCache(tmp_path / "cache")
    for seed in range(3):
        cache.put(f"{seed:064}", Unperturbed()(IMAGES, seed=0))
    assert [cache.get(f"{seed:064}") is None for seed in range(3)] == [False, True, True]


def test_a_grid_goes_on_without_its_log(tmp_path, caplog):
    photos = toy_photos()
    cases = [Trial(Negative(), toy_extractor())]
    expected = grid(cases, photos, users=2, seed=0)
    (tmp_path / "logs").write_text("a file")
    table = grid(cases, photos, users=2, seed=0, log=tmp_path / "logs" / "trials.log")
    assert table.equals(expected)
    assert "a cache cannot be written" in caplog.text


def test_a_full_disk_costs_no_cloaks_in_a_trial(tmp_path, monkeypatch):
    """As in chapter 6, whose cloaks are cached."""
    photos = toy_photos(4, 6)
    images = torch.nn.functional.interpolate(photos.images, 48).clamp(0, 1)
    photos = trial.as_published(trial.Photos(images, photos.labels, photos.names))
    attack = LowKey([EXTRACTOR], steps=2)
    expected = Trial(attack, EXTRACTOR).run(photos, users=2, seed=0).table
    failing(monkeypatch, tmp_path, 1.0, random.Random(0), reads=False)
    cached = Cached(attack, CloakCache(tmp_path / "cloaks"))
    assert Trial(cached, EXTRACTOR).run(photos, users=2, seed=0).table.equals(expected)


def test_a_checkpoint_that_cannot_be_written_does_not_stop_a_training(tmp_path):
    from studio.training.fit import fit

    def trained(checkpoint: Path | None) -> torch.Tensor:
        torch.manual_seed(0)
        line, x = torch.nn.Linear(1, 1), torch.linspace(-1, 1, 8)[:, None]

        def epoch(number, generator):
            yield (line(x) - 3 * x).square().mean(), 8

        about = {"epochs": 3, "steps": 1, "seed": 0, "settings": "", "learning_rate": 0.1}
        fit({"line": line}, epoch, checkpoint=checkpoint, **about)
        return line.weight.detach()

    (tmp_path / "a file").write_text("")
    assert torch.equal(trained(tmp_path / "a file" / "checkpoint"), trained(None))


def test_the_head_is_built_where_it_cannot_be_stored(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    from studio.people import head

    parts = head._PARTS.values()
    arrays = {"template": np.zeros((1, 3)), "shapes": np.zeros((1, 1, 3)), "mask": np.zeros((1, 1))}
    arrays |= {"index": np.array("{}"), "uv": np.zeros((1, 2))}
    arrays |= {f"{kind}/{part}": np.zeros(1) for kind in ("quads", "uv_quads") for part in parts}
    arrays |= {f"mask/{name}": np.zeros(1) for name in head._MASKS}
    monkeypatch.setattr(head, "_build", lambda: arrays)
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    head.load.cache_clear()
    try:
        assert head.load().template is arrays["template"]
    finally:
        head.load.cache_clear()


def test_cloaks_are_not_crafted_ahead_for_a_cache_that_keeps_none(tmp_path, monkeypatch):
    from studio.studies import Run, Study, precompute_cloaks

    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    asked = []

    def photographs():
        asked.append(1)
        return {"toys": toy_photos(2, 4)}

    study = Study(lambda run: [], lambda public, cache=None: {}, photographs)
    precompute_cloaks(study, Run(users=1, seed=0), processes=1)
    assert asked
    asked.clear()
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "a file"))
    precompute_cloaks(study, Run(users=1, seed=0), processes=1)
    assert not asked

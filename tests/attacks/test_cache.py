"""The cloak cache: same key same cloak, and nothing that happens to the files can hurt."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from poisonlib.attacks import Cached, Cloak, CloakCache, FawkesV03, FawkesV1, LowKey
from poisonlib.attacks.cache import cache_key
from poisonlib.photos import Photos
from tests import toys

IMAGES = toys.faces(2)


class Counted(toys.PooledLinear):
    """Counts how often it is asked."""

    calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(images)


def same(first: Cloak, second: Cloak) -> bool:
    return all(
        torch.equal(getattr(first, name), getattr(second, name))
        for name in ("images", "dssim", "lpips", "linf")
    ) and (first.steps, first.attack) == (second.steps, second.attack)


def test_the_second_call_computes_nothing_and_returns_the_same(tmp_path: Path) -> None:
    extractor = Counted()
    cached = Cached(LowKey([extractor], steps=3), CloakCache(tmp_path))
    first = cached(IMAGES, seed=0)
    calls, told = extractor.calls, []
    second = cached(IMAGES, seed=0, progress=lambda *step: told.append(step))
    assert extractor.calls == calls > 0 and told == [(3, 3, "cached")]
    assert same(first, second)


def test_the_key_depends_on_everything_that_the_cloak_depends_on() -> None:
    people = toys.people(3, 2, seed=7)
    others = Photos(people.images.flip(0), people.labels, people.names)
    extractor = toys.PooledLinear()
    base = dict(attack=LowKey([extractor]), images=IMAGES, seed=0)
    variants = [
        base,
        base | dict(seed=1),
        base | dict(images=IMAGES.flip(0)),
        base | dict(images=IMAGES[:1]),
        base | dict(attack=LowKey([extractor], step_size=0.002)),
        base | dict(attack=LowKey([toys.PooledLinear(seed=1)])),
        base | dict(attack=LowKey([extractor, extractor])),
        base | dict(attack=FawkesV1([extractor])),
        base | dict(attack=FawkesV03([extractor], targets=people)),
        base | dict(attack=FawkesV03([extractor], targets=others)),
    ]
    keys = [cache_key(v["attack"], v["images"], seed=v["seed"]) for v in variants]
    assert len(set(keys)) == len(keys)
    assert cache_key(LowKey([toys.PooledLinear()]), IMAGES.clone(), seed=0) == keys[0]


def test_an_extractor_without_fingerprint_is_refused(tmp_path: Path) -> None:
    extractor = toys.PooledLinear()
    del extractor.fingerprint
    with pytest.raises(ValueError, match="PooledLinear has no fingerprint.*without a cache"):
        Cached(LowKey([extractor]), CloakCache(tmp_path))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
        lambda content: b"not a cloak at all" * 1000,
    ],
    ids=["empty", "checksum cut", "half", "last byte", "longer", "one bit", "other"],
)
def test_a_damaged_file_is_computed_again_and_replaced(tmp_path: Path, damage) -> None:
    cached = Cached(LowKey([toys.PooledLinear()], steps=2), CloakCache(tmp_path))
    expected = cached(IMAGES, seed=0)
    (file,) = tmp_path.rglob("*.cloak")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert same(cached(IMAGES, seed=0), expected)
    assert file.read_bytes() == whole


def test_a_failed_write_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = Cached(LowKey([toys.PooledLinear()], steps=2), CloakCache(tmp_path))

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    expected = LowKey([toys.PooledLinear()], steps=2)(IMAGES, seed=0)
    assert same(cached(IMAGES, seed=0), expected)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _write_for_ever(folder: str) -> None:
    cache = CloakCache(folder)
    images = toys.faces(8, size=112)
    zeros = torch.zeros(8)
    while True:
        cache.put("ab" * 32, Cloak(images, zeros, zeros, zeros, 1, "x"))


def _cloak_once(folder: str) -> list[float]:
    torch.set_num_threads(1)
    cached = Cached(LowKey([toys.PooledLinear()], steps=2), CloakCache(folder))
    return cached(IMAGES, seed=0).images.flatten()[:50].tolist()


def test_readers_see_whole_cloaks_while_writers_race_and_are_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write_for_ever, args=(str(tmp_path),), daemon=True)
        for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    cache, key, seen = CloakCache(tmp_path), "ab" * 32, 0
    try:
        deadline = time.monotonic() + 300  # two interpreters start, maybe on a busy machine
        while seen < 50 and time.monotonic() < deadline:
            if cache.path(key).exists():
                assert cache.get(key) is not None, "a reader saw half a file"
                seen += 1
            else:
                time.sleep(0.05)
    finally:
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
    assert seen == 50
    kept = cache.get(key)
    assert kept is not None and torch.equal(kept.images, toys.faces(8, size=112))
    cache.put(key, dataclasses.replace(kept, steps=2))
    assert cache.get(key).steps == 2


def test_parallel_processes_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_cloak_once, [str(tmp_path)] * 2)
    assert first == second
    assert len(list(tmp_path.rglob("*.cloak"))) == 1


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path))
    assert CloakCache().folder == tmp_path / "cloaks"
    monkeypatch.delenv("POISONLIB_CACHE")
    assert CloakCache().folder.name == "cloaks" and "poisonlib" in str(CloakCache().folder)

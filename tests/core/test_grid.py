"""Many trials on the same photographs, resumed from a log."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest
import torch

from poisonlib.attacks import Cloak, FunctionAttack, Unperturbed
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing
from poisonlib.log import Log
from poisonlib.photos import Photos
from poisonlib.recognition import Linear, NearestNeighbour
from poisonlib.trial import Trial, cloak_user, grid, split
from tests import toys


@pytest.fixture(scope="module")
def photos() -> Photos:
    return toys.people(4, 6)


class Counted(toys.PooledLinear):
    """Counts the photographs that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        return super().forward(images)


def cases(extractor: ModuleExtractor) -> list[Trial]:
    negative = FunctionAttack(lambda images: 1 - images)
    return [
        Trial(attack, extractor, kind, name=name, columns={"year": 2020})
        for name, attack in (("nothing", Unperturbed()), ("negative", negative))
        for kind in (NearestNeighbour, Linear)
    ]


def extractor() -> ModuleExtractor:
    module = Counted()
    card = Card("toy-2020", 2020, "toy", "none", "none", 48, 16, "MIT")
    return ModuleExtractor(module, card, Preprocessing(None, 0.0, 1.0))


def test_a_grid_is_its_trials_one_below_the_other(photos: Photos) -> None:
    toy = extractor()
    table = grid(cases(toy), photos, users=3, seed=1)
    alone = [case.run(photos, users=3, seed=1).table for case in cases(toy)]
    keys = ["attack", "recogniser", "condition", "user", "whose"]
    expected = pandas.concat(alone).sort_values(keys).reset_index(drop=True)
    pandas.testing.assert_frame_equal(table.sort_values(keys).reset_index(drop=True), expected)
    assert (table["year"] == 2020).all()


def test_photographs_are_embedded_once_for_all_cases(photos: Photos) -> None:
    toy = extractor()
    assert toy.fingerprint, "it looks at two fixed pictures"
    before = toy.module.seen
    grid(cases(toy), photos, users=2, seed=0)
    training = int((~split(photos.labels, seed=0)).sum()) // len(photos.people)
    assert toy.module.seen - before == len(photos) + 4 * 2 * training


def test_a_run_that_was_stopped_resumes(photos: Photos, tmp_path: Path) -> None:
    toy, log = extractor(), tmp_path / "grid.log"

    def stop(done: int, total: int, doing: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grid(cases(toy), photos, users=2, seed=0, log=log, progress=stop)
    with log.open("a") as file:
        file.write('["half a li')  # killed while writing
    before = toy.module.seen
    table = grid(cases(toy), photos, users=2, seed=0, log=log)
    again = toy.module.seen - before
    pandas.testing.assert_frame_equal(table, grid(cases(toy), photos, users=2, seed=0))
    training = int((~split(photos.labels, seed=0)).sum()) // len(photos.people)
    assert again == len(photos) + (8 - 3) * training, "finished turns are not computed again"
    before = toy.module.seen
    grid(cases(toy), photos, users=2, seed=0, log=log)
    assert toy.module.seen == before, "all was finished"


def test_a_log_of_another_run_is_refused(photos: Photos, tmp_path: Path) -> None:
    toy, log = extractor(), tmp_path / "grid.log"
    grid(cases(toy)[:1], photos, users=1, seed=0, log=log)
    with pytest.raises(ValueError, match="log of another run"):
        grid(cases(toy)[:1], photos, users=1, seed=1, log=log)
    log.write_text("no log\n")
    with pytest.raises(ValueError, match="not the log of a run"):
        Log(log, about={})


def test_cases_that_cannot_be_told_apart_are_refused(photos: Photos) -> None:
    one = cases(extractor())[0]
    with pytest.raises(ValueError, match="cannot be told apart"):
        grid([one, one], photos, users=1, seed=0)


def test_a_users_cloak_depends_on_seed_and_user_alone(photos: Photos) -> None:
    test = split(photos.labels, seed=0)
    seeds = []

    def attack(images: torch.Tensor, *, seed: int, progress: object = None) -> Cloak:
        seeds.append(seed)
        return Unperturbed()(images, seed=seed)

    cloak = cloak_user(attack, photos, "person-2", test=test, seed=5)
    assert seeds == [5 + 2]
    assert torch.equal(cloak.images, photos.images[(photos.labels == 2) & ~test])

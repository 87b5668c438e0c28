"""The cloaks that ship."""

from __future__ import annotations

import pytest
import torch

from poisonlib import cloaks, people
from poisonlib.attacks import FawkesV1
from poisonlib.tools import SURROGATES, paper_tools, surrogates
from poisonlib.trial import as_published, cloak_user, split


@pytest.fixture(scope="module")
def tools():
    return cloaks.load()


def test_every_tool_has_all_training_photographs_of_all_users(tools) -> None:
    photos = people.load("users")
    test = split(photos.labels, seed=cloaks.SEED)
    assert list(tools) == list(SURROGATES)
    for user in cloaks.users():
        mask = (photos.labels == photos.label(user)) & ~test
        for tool in tools.values():
            cloak = cloak_user(tool, photos, user, test=test, seed=cloaks.SEED)
            assert cloak.images.shape == photos.images[mask].shape
            change = (cloak.images - photos.images[mask]).abs().amax(dim=(1, 2, 3))
            assert torch.allclose(change, cloak.linf, atol=1e-4)
            assert (cloak.dssim > 0).all() and (cloak.lpips > 0).all()


def test_the_settings_are_those_of_the_paper_tools(tools) -> None:
    for name, attack in paper_tools(people.load("public")).items():
        assert tools[name].cloak.attack == repr(attack)
        assert tools[name].cloak.steps == attack.steps


def test_other_photographs_are_crafted(tools, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = people.load("users")
    crafted = []
    monkeypatch.setattr(tools["LowKey"], "otherwise", lambda images, **how: crafted.append(how))
    held_out = photos.images[split(photos.labels, seed=cloaks.SEED)][:1]
    tools["LowKey"](held_out, seed=3)
    assert [how["seed"] for how in crafted] == [3]


@pytest.mark.slow
def test_a_cloak_crafted_again_is_the_one_that_ships(tools) -> None:
    photos = as_published(people.load("users"))
    test = split(photos.labels, seed=cloaks.SEED)
    user = cloaks.users()[0]
    attack = FawkesV1(surrogates("Fawkes v1.0"))
    again = cloak_user(attack, photos, user, test=test, seed=cloaks.SEED).images
    shipped = cloak_user(tools["Fawkes v1.0"], photos, user, test=test, seed=cloaks.SEED).images
    differ = (again - shipped).abs() > 1.5 / 255
    assert float(differ.float().mean()) < 0.01, (
        "processors round differently, and no more than that"
    )

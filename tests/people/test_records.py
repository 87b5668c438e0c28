"""Identities and circumstances: seeded, independent of one another, within their ranges."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from poisonlib.people import appearance
from studio.people import identity, nuisance
from studio.people.describe import describe
from studio.people.fields import stream

SEEDS = range(60)


@pytest.mark.parametrize("seed", [0, 7, -3, 10_000, 2**70])
def test_a_seed_is_one_identity(seed):
    assert identity.sample(seed) == identity.sample(seed)
    assert identity.sample(seed) != identity.sample(seed + 1)


def test_negative_seeds_are_people_of_their_own():
    assert identity.sample(-5).shape != identity.sample(5).shape


def test_circumstances_depend_on_person_and_photograph_only():
    first = nuisance.sample(4, 2)
    nuisance.sample(4, 1), identity.sample(4)
    assert nuisance.sample(4, 2) == first
    assert nuisance.sample(4, 3).pose != first.pose
    assert nuisance.sample(5, 2).pose != first.pose


def test_identity_does_not_know_the_level_nor_nuisance_the_amplitude():
    number = next(n for n in range(99) if abs(nuisance.sample(1, n).pose.yaw) < 15)
    plain, calm = nuisance.sample(1, number), nuisance.sample(1, number, level=0.5)
    assert calm.pose.yaw == pytest.approx(plain.pose.yaw * 0.5 / nuisance.LEVEL, rel=1e-6)
    assert calm.lighting == plain.lighting and calm.camera == plain.camera
    near = identity.sample(1, amplitude=0.1)
    assert near.skin == identity.sample(1).skin and near.hair == identity.sample(1).hair
    assert near.shape != identity.sample(1).shape


def test_traits_draw_from_streams_of_their_own():
    """Reading one stream further must not move another."""
    first = stream(3, "skin").random()
    stream(3, "hair").random(1000)
    assert stream(3, "skin").random() == first
    assert stream(3, "hair").random() != first


def test_records_are_frozen_and_travel_between_processes():
    for record in (identity.sample(9), nuisance.sample(9, 9)):
        assert pickle.loads(pickle.dumps(record)) == record
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.seed = 1


def test_everyone_is_adult_and_within_range():
    for seed in SEEDS:
        person = identity.sample(seed)
        assert identity.YOUNGEST <= person.shape.age <= 1
        assert sum(person.shape.lineage) == pytest.approx(1)
        assert all(abs(value) <= 1 for _, value in person.shape.measurements)
        assert all(0 < channel < 1 for channel in person.skin.base)
        assert person.beard.kind == "none" or person.shape.masculine


def test_a_larger_amplitude_makes_faces_differ_more():
    def spread(amplitude: float) -> float:
        rows = [
            [value for _, value in identity.sample(s, amplitude=amplitude).shape.measurements]
            for s in SEEDS
        ]
        return float(np.std(rows, axis=0).mean())

    assert spread(0.1) < 0.5 * spread(0.32)


def test_pose_keeps_to_what_albums_hold():
    poses = [nuisance.sample(s, n).pose for s in SEEDS for n in range(10)]
    reach = [np.hypot(pose.yaw / 42, pose.pitch / 20) for pose in poses]
    assert max(reach) <= 1 + 1e-9
    assert np.std([pose.yaw for pose in poses]) > 12


def test_captions_describe_a_picture_and_name_no_race():
    for seed in SEEDS:
        described = describe(identity.sample(seed))
        caption = described.caption()
        assert caption.startswith(("A ", "An ")) and caption.endswith(".")
        assert described.skin_tone in caption and "rendered character" in caption
        lower = caption.lower() + str(described.to_json()).lower()
        assert not any(word in lower for word in ("african", "asian", "caucasian", "race"))


def test_attributes_survive_json_and_say_what_is_missing():
    described = describe(identity.sample(2))
    values = described.to_json()
    assert appearance.Attributes.from_json(values) == described
    del values["beard"]
    with pytest.raises(ValueError, match="missing beard"):
        appearance.Attributes.from_json(values)


def test_attributes_say_what_the_identity_holds():
    person = identity.sample(2)
    shaved = dataclasses.replace(person.hair, style="shaved")
    grey = dataclasses.replace(person.hair, grey=0.9, style="short")
    assert "shaved head" in describe(dataclasses.replace(person, hair=shaved)).caption()
    assert describe(dataclasses.replace(person, hair=grey)).hair_colour == "grey"
    dark = dataclasses.replace(person.skin, base=(0.12, 0.07, 0.05))
    assert describe(dataclasses.replace(person, skin=dark)).skin_tone == "very dark"

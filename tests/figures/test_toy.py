"""The two-dimensional town."""

from __future__ import annotations

import numpy as np

from poisonlib.figures import toy


def at(strength: float, attention: float = 1.0, seed: int = 1) -> tuple[toy.ToyStep, np.ndarray]:
    gallery, probes = toy.town(seed=seed)
    step = toy.ToyStep(
        f"{strength} {attention}",
        toy.features(toy.cloak(gallery, strength=strength), attention=attention),
        toy.features(probes, attention=attention),
    )
    return step, gallery.labels


def test_the_same_seed_is_the_same_town() -> None:
    one, two = toy.town(seed=5)[0], toy.town(seed=5)[0]
    assert np.array_equal(one.faces, two.faces)
    assert not np.array_equal(one.faces, toy.town(seed=6)[0].faces)


def test_only_the_users_gallery_moves() -> None:
    (clean, labels), (cloaked, _) = at(0.0), at(1.0)
    assert np.array_equal(clean.gallery[labels != 0], cloaked.gallery[labels != 0])
    assert np.array_equal(clean.probes, cloaked.probes)
    moved = np.linalg.norm(cloaked.gallery - clean.gallery, axis=1)[labels == 0]
    assert np.allclose(moved, np.linalg.norm(toy.TRACE_DIRECTION))


def test_a_cloak_leaves_the_clean_town_as_it_was() -> None:
    gallery, _ = toy.town(seed=1)
    toy.cloak(gallery, strength=1.0)
    assert not gallery.trace.any()


def test_the_user_wins_the_first_move_and_the_trainer_the_second() -> None:
    for seed in range(5):
        counts = [toy.misnamed(*at(*how, seed=seed)) for how in ((0, 1), (1, 1), (1, 0))]
        assert counts[0] == 0, seed
        assert counts[1] == 6, seed
        assert counts[2] == 0, seed


def test_an_extractor_that_ignores_the_trace_only_turns_the_plane() -> None:
    gallery, _ = toy.town(seed=1)
    seen = toy.features(toy.cloak(gallery, strength=1.0), attention=0.0)
    assert np.allclose(np.linalg.norm(seen, axis=1), np.linalg.norm(gallery.faces, axis=1))
    assert not np.allclose(seen, gallery.faces)


def test_lines_lead_to_the_nearest_point() -> None:
    step, labels = at(1.0)
    fig = toy.moving_neighbour([step], labels=labels, prefix="strength")
    right, wrong = fig.data[:2]
    assert list(right.x) == [None], "nobody is named correctly at full strength"
    ends = np.array([[x, y] for x, y in zip(wrong.x, wrong.y, strict=True) if x is not None])
    starts, ends = ends[::2], ends[1::2]
    assert np.allclose(starts, step.probes)
    nearest = np.linalg.norm(step.gallery[None] - starts[:, None], axis=2).min(axis=1)
    assert np.allclose(np.linalg.norm(ends - starts, axis=1), nearest)


def test_the_title_of_each_frame_counts_the_misnamed() -> None:
    steps = [at(strength)[0] for strength in (0.0, 1.0)]
    fig = toy.moving_neighbour(steps, labels=at(0.0)[1], prefix="strength")
    titles = [frame.layout.title.text for frame in fig.frames]
    assert titles[0].startswith("Misnamed: 0 of 6")
    assert titles[1].startswith("Misnamed: 6 of 6")
    assert fig.layout.title.text == titles[0]
    assert len(fig.layout.sliders[0].steps) == 2

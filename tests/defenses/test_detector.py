"""Detectors find what they were shown, say so in one way, and filter galleries in one line."""

import dataclasses
import math

import pytest
import torch

from poisonlib import cloaks, real_faces
from poisonlib import people as packaged
from poisonlib.attacks import Unperturbed
from poisonlib.attacks.base import round_to_8_bits
from poisonlib.defenses import Detector, Filtered, TraceDetector, detector
from poisonlib.defenses.detector import Details, DetectorCard, TraceNet, pair_loss
from poisonlib.defenses.filtering import clean_enough
from poisonlib.defenses.pairs import Pairs
from poisonlib.defenses.traces import frequencies, traces
from poisonlib.extractors import ModuleExtractor, Preprocessing
from poisonlib.extractors.card import Card
from poisonlib.recognition import Linear, NearestNeighbour
from poisonlib.trial import Trial
from studio.training.detector import Start, Views, from_identities, from_imagenet, train_detector
from tests.toys import PooledLinear, people

CARD = DetectorCard("toy", "toy", "random weights", "toys", ("checks",), "none")
PHOTOS = people(6, 6, size=32)


def chequered(images, *, by=0.04):
    """The toy cloak: every other value a little lighter, the rest a little darker."""
    rows = torch.arange(images.shape[-1])
    board = ((rows[:, None] + rows) % 2 * 2 - 1).float()
    return round_to_8_bits(images + by * board)


def pairs(photos=PHOTOS):
    n = len(photos)
    zeros = torch.zeros(n, dtype=torch.int64)
    return Pairs(photos, torch.arange(n), chequered(photos.images), zeros, ("checks",))


class Board(torch.nn.Module):
    """Log-odds from how much of the chequered pattern an image holds."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([1000.0]))

    def forward(self, images):
        lighter = chequered(torch.full_like(images[:1], 0.5)) - 0.5
        found = (images * lighter.sign()).mean(dim=(1, 2, 3)) - 0.02
        return (self.weight * found)[:, None]


@pytest.fixture
def toy():
    return Detector(Board(), CARD)


@dataclasses.dataclass(frozen=True)
class Chequered(Unperturbed):
    """The toy cloak as a tool, on all photographs of a user but the first few."""

    spared: int = 0

    def _perturb(self, images, seed, progress):
        return torch.cat([images[: self.spared], chequered(images[self.spared :])])


def extractor():
    card = Card("toy", 2026, "linear", "none", "none", 32, 16, "MIT")
    return ModuleExtractor(PooledLinear(), card, Preprocessing(mean=0.0, std=1.0))


# What a detector is


def test_scores_are_probabilities_and_flags_are_those_above_the_threshold(toy):
    both = torch.cat([PHOTOS.images[:3], chequered(PHOTOS.images[:3])])
    scores = toy.scores(both)
    assert scores.shape == (6,) and scores.min() >= 0 and scores.max() <= 1
    assert toy.flags(both).tolist() == [False] * 3 + [True] * 3
    assert toy.flags(both, threshold=0.0).all()
    assert torch.equal(toy.scores(both, batch_size=4), scores)


def test_a_detector_is_frozen_and_in_evaluation_mode(toy):
    module = TraceNet(width=0.1).train()
    made = Detector(module, CARD)
    assert not any(part.training for part in module.modules())
    assert not any(weight.requires_grad for weight in module.parameters())
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.card = CARD
    assert made.fingerprint != Detector(TraceNet(width=0.1), CARD).fingerprint


def test_a_score_depends_on_its_own_photograph_only():
    made = Detector(TraceNet(width=0.1), CARD)
    alone = torch.cat([made.logits(image[None]) for image in PHOTOS.images[:3]])
    torch.testing.assert_close(made.logits(PHOTOS.images)[:3], alone, atol=1e-5, rtol=1e-4)


def test_bad_input_is_refused(toy):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        toy.scores(PHOTOS.images * 255)
    with pytest.raises(ValueError, match="threshold"):
        toy.flags(PHOTOS.images, threshold=1.5)
    with pytest.raises(TypeError, match="train_detector"):
        Detector(lambda images: images, CARD)
    with pytest.raises(ValueError, match="log-odds"):
        Detector(torch.nn.Flatten(), CARD).scores(PHOTOS.images)


def test_details_drop_what_is_smooth_and_keep_the_size():
    details = Details()
    flat = torch.full((1, 3, 24, 24), 0.7)
    assert details(flat).shape == flat.shape
    assert details(flat).abs().max() < 1e-5
    assert details(chequered(flat) - 0.3).abs().mean() > 0.3, "the finest pattern passes"


# Files


def test_a_written_detector_comes_back(tmp_path):
    made = Detector(TraceNet(width=0.1), CARD)
    detector.write(made, tmp_path / "d.safetensors")
    again = detector.read(tmp_path / "d.safetensors")
    assert again.card == CARD
    torch.testing.assert_close(
        again.logits(PHOTOS.images), made.logits(PHOTOS.images), atol=2e-2, rtol=2e-2
    )
    assert [path.name for path in tmp_path.iterdir()] == ["d.safetensors"]


def test_damaged_and_missing_files_are_refused(tmp_path, toy):
    path = tmp_path / "d.safetensors"
    with pytest.raises(FileNotFoundError, match="poisonlib detector"):
        detector.read(path)
    detector.write(Detector(TraceNet(width=0.1), CARD), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="not a whole detector"):
        detector.read(path)
    with pytest.raises(TypeError, match="TraceNet"):
        detector.write(toy, path)


def test_the_shipped_detector_is_small_and_says_where_it_comes_from():
    assert detector.PACKAGED.stat().st_size < 5_000_000
    shipped = detector.load()
    assert shipped is detector.load()
    assert shipped.card.start and len(shipped.card.tools) == 6


def test_the_shipped_detector_finds_the_cloaks_that_ship_and_spares_clean_photographs():
    """On rendered people whom it never saw; real ones are in the packaged scores."""
    judge, tools = detector.load(), cloaks.load()
    for tool, attack in tools.items():
        assert judge.flags(attack.cloak.images[::5]).float().mean() > 0.95, tool
    clean = packaged.load("users").of_people(range(0, 100, 5)).images
    assert judge.flags(clean).float().mean() < 0.03


def test_the_shipped_detector_works_on_real_people_as_one_of_rendered_people_did_not():
    scores = real_faces.load().scores
    alarms = {name: float((scores[name] >= 0.5).float().mean()) for name in scores}
    assert alarms["clean"] < 0.05 < 0.3 < alarms[real_faces.BEFORE]
    for tool in real_faces.load().tools:
        assert alarms[tool] > 0.95, tool


def test_the_loss_shows_both_of_a_pair_alike_and_weighs_both_kinds_equally():
    seen = []

    def view(images):
        seen.append(len(images))
        return images.flip(3)

    class Constant(torch.nn.Module):
        def forward(self, images):
            self.images = images
            return torch.full((len(images), 1), 0.5)

    module, clean = Constant(), PHOTOS.images[:2]
    copies = chequered(clean)
    loss = pair_loss(module, clean, copies, view, strength=2.0, others=PHOTOS.images[2:5])
    assert seen == [2, 2, 1, 1, 1], "a pair shares a view; others have their own"
    originals, louder = module.images[:4:2], module.images[1:4:2]
    assert torch.equal(originals, clean.flip(3))
    expected = (clean + 2 * (copies - clean)).clamp(0, 1).flip(3)
    torch.testing.assert_close(louder, expected)
    # Five clean at log-odds 0.5 cost log(1 + e^0.5) each, two cloaked log(1 + e^-0.5) at 5 / 2.
    both = 5 * math.log1p(math.exp(0.5)) + 2 * 2.5 * math.log1p(math.exp(-0.5))
    assert float(loss) == pytest.approx(both / 7, rel=1e-5)
    with pytest.raises(ValueError, match="shorter"):
        pair_loss(module, clean, copies[:1], view)


# Training


def quick(**changed):
    settings = {"seed": 3, "epochs": 2, "steps": 3, "batch_size": 8} | changed
    torch.manual_seed(0)
    return train_detector(pairs(), start=Start(TraceNet(width=0.1)), **settings)


def test_training_learns_the_cloak_and_not_the_people():
    views = Views(crop=32, jpeg=0, resize=0, blur=0)
    trained = quick(epochs=12, steps=20, learning_rate=1e-2, views=views)
    others = people(4, 5, seed=9, size=32).images
    flagged = trained.flags(chequered(others)).float().mean()
    alarms = trained.flags(others).float().mean()
    assert flagged - alarms > 0.5, f"flagged {flagged:.0%} cloaked, {alarms:.0%} clean"
    assert trained.card.tools == ("checks",) and "36 photographs of 6" in trained.card.data


def test_training_is_seeded_and_resumes_as_if_never_stopped(tmp_path):
    whole, seen = quick(), []

    def stop(done, epochs, loss):
        seen.append((done, epochs))
        if len(seen) == 1:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        quick(checkpoint=path, progress=stop)
    resumed = quick(checkpoint=path, progress=stop)
    assert seen == [(1, 2), (1, 2), (2, 2)], "a resumed run tells what it has behind it"
    assert torch.equal(resumed.logits(PHOTOS.images), whole.logits(PHOTOS.images))
    with pytest.raises(ValueError, match="another training"):
        quick(checkpoint=path, seed=4)


def test_training_leaves_its_inputs_and_the_global_state_alone():
    begin, mine = TraceNet(width=0.1), pairs()
    weights = [weight.clone() for weight in begin.parameters()]
    copies, state = mine.cloaked.clone(), torch.get_rng_state()
    train_detector(
        mine, seed=0, clean=PHOTOS.images, start=Start(begin), epochs=1, steps=1, batch_size=4
    )
    assert torch.equal(mine.cloaked, copies) and torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, begin.parameters(), weights))
    with pytest.raises(ValueError, match="epochs"):
        quick(epochs=0)


def test_views_are_seeded_and_the_same_for_all_images_of_a_call():
    views = Views(crop=20, jpeg=0, resize=0, blur=0, noise=0)
    twice = PHOTOS.images[:1].expand(2, -1, -1, -1)
    seen = set()
    for seed in range(20):
        first, second = views(twice, generator=torch.Generator().manual_seed(seed))
        assert first.shape == (3, 20, 20) and torch.equal(first, second)
        again = views(twice, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(first, again[0])
        seen.add(float(first.sum()))
    assert len(seen) > 10
    assert Views()(twice, generator=torch.Generator().manual_seed(0)).shape == (2, 3, 32, 32)


def test_a_start_from_identities_has_a_new_head():
    start = from_identities(PHOTOS, seed=0, epochs=1, width=0.1)
    assert start.module(PHOTOS.images[:2]).shape == (2, 1)
    assert "6 generated public people" in start.origin
    trained = train_detector(pairs(), seed=0, start=start, epochs=1, steps=1, batch_size=4)
    assert trained.card.start == start.origin


def test_imagenet_weights_are_checked_before_they_are_used(tmp_path):
    with pytest.raises(FileNotFoundError, match="download.pytorch.org"):
        from_imagenet(tmp_path / "mobilenet_v2-b0353104.pth", seed=0)
    wrong = tmp_path / "mobilenet_v2-b0353104.pth"
    torch.save({"features.0.0.weight": torch.zeros(1)}, wrong)
    with pytest.raises(ValueError, match="SHA-256"):
        from_imagenet(wrong, seed=0)


# Filtering


def test_the_filter_keeps_what_scores_below_the_threshold():
    scores = torch.tensor([0.1, 0.9, 0.5, 0.2])
    keep = clean_enough(scores, torch.tensor([0, 0, 1, 1]))
    assert keep.tolist() == [True, False, False, True]
    with pytest.raises(ValueError, match="leaves 1 of 2"):
        clean_enough(scores, torch.tensor([0, 0, 1, 1]), threshold=0.15)


@pytest.mark.parametrize("inner", [NearestNeighbour, Linear])
def test_a_filtered_gallery_is_the_inner_recogniser_on_what_is_left(toy, inner):
    images = PHOTOS.images.clone()
    images[PHOTOS.labels == 2] = chequered(images[PHOTOS.labels == 2])
    images[0] = chequered(images[:1])[0]
    recogniser = Filtered(toy, inner)(extractor()).fit(images, PHOTOS.labels)
    assert recogniser.people_.tolist() == [0, 1, 3, 4, 5], "wholly flagged people are dropped"
    keep = ~toy.flags(images)
    direct = inner(extractor()).fit(images[keep], PHOTOS.labels[keep])
    assert torch.equal(recogniser.predict(PHOTOS.images), direct.predict(PHOTOS.images))


def test_a_filter_composes_with_a_trial_and_undoes_a_cloak_with_leaks(toy):
    results = {}
    for spared in (0, 1):
        trial = Trial(Chequered(spared=spared), extractor(), Filtered(toy))
        result = trial.run(PHOTOS, users=[2], seed=0)
        mine = result.table.query("whose == 'user' and condition == 'cloaked'")
        results[spared] = float(mine["error"].iloc[0])
        assert mine["recogniser"].iloc[0] == "Filtered NearestNeighbour"
    assert results[0] == 1.0, "all flagged: the user is not in the gallery"
    assert results[1] < 1.0, "one leaked photograph is enough to be named again"


def test_a_photograph_is_judged_once(toy):
    looked = []

    class Counting:
        def scores(self, images):
            looked.append(len(images))
            return toy.scores(images)

    kind = Filtered(Counting())
    for _ in range(2):
        kind(extractor()).fit(PHOTOS.images, PHOTOS.labels)
    assert looked == [len(PHOTOS)]


def test_a_filter_that_leaves_nobody_says_so(toy):
    kind = Filtered(toy)
    with pytest.raises(ValueError, match="at least two people"):
        kind(extractor()).fit(chequered(PHOTOS.images), PHOTOS.labels)
    with pytest.raises(ValueError, match="threshold"):
        Filtered(toy, threshold=-1)


# By hand


def test_traces_put_each_pattern_into_its_ring():
    assert frequencies(32, 32).max() == pytest.approx(0.5**0.5)
    clean, cloaked = (traces(x, bands=8) for x in (PHOTOS.images, chequered(PHOTOS.images)))
    change = (cloaked - clean).mean(dim=0)
    assert change.shape == (24,)
    assert int(change.argmax()) == 7, "the chequered board is the finest brightness pattern"
    with pytest.raises(ValueError, match="fewer bands"):
        traces(PHOTOS.images[..., :8, :8], bands=24)


def test_the_detector_by_hand_learns_in_one_call_and_filters_like_the_other():
    train, held_out = PHOTOS.images[:24], PHOTOS.images[24:]
    by_hand = TraceDetector(bands=8).fit(train, chequered(train))
    assert not by_hand.flags(held_out).any() and by_hand.flags(chequered(held_out)).all()
    assert by_hand.scores(held_out).shape == (12,)
    Filtered(by_hand)(extractor()).fit(PHOTOS.images, PHOTOS.labels)
    with pytest.raises(ValueError, match="fit"):
        TraceDetector().scores(held_out)

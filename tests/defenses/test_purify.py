"""Purifiers keep one contract; each does what its name says; trials of them are one line."""

from __future__ import annotations

import dataclasses
import io

import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from poisonlib import cli, extractors
from poisonlib.defenses import (
    JPEG,
    Blur,
    Denoiser,
    Median,
    Pairs,
    Purified,
    Purifier,
    Resize,
    denoiser,
    pairs,
)
from poisonlib.defenses.denoiser import DenoiserCard, ResidualUNet
from poisonlib.extractors import Extractor, embed
from poisonlib.trial import Trial
from studio.training import train_denoiser
from tests import toys
from tests.core.conftest import Negative, toy_extractor, toy_photos


def untrained(seed: int = 0) -> Denoiser:
    """A network that changes something, for its last layer is not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = ResidualUNet(8)
        torch.nn.init.normal_(module.leave.weight, std=0.05)
    return Denoiser(module, DenoiserCard("toy", "none", "none", 0))


PURIFIERS = [JPEG(30), Resize(0.5), Blur(0.8), Median(3), untrained()]
each_purifier = pytest.mark.parametrize("purifier", PURIFIERS, ids=repr)


@each_purifier
def test_contract(purifier: Purifier) -> None:
    images = toys.faces(3, size=46)
    before = images.clone()
    pure = purifier(images)
    assert pure.shape == images.shape and pure.dtype == torch.float32
    assert 0 <= pure.min() and pure.max() <= 1 and torch.equal(images, before)
    assert torch.equal((pure * 255).round() / 255, pure), "8-bit files hold nothing else"
    assert not torch.equal(pure, images), "a purifier that changes nothing"
    assert not pure.requires_grad
    assert torch.equal(purifier(images), pure)
    alone = torch.cat([purifier(image[None]) for image in images])
    assert (alone - pure).abs().max() <= 1.5 / 255, "each photograph is washed on its own"


@each_purifier
def test_bad_images_are_refused(purifier: Purifier) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\], got"):
        purifier(torch.full((1, 3, 16, 16), 2.0))


@each_purifier
def test_frozen_with_a_fingerprint_of_its_settings(purifier: Purifier) -> None:
    first = dataclasses.fields(purifier)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(purifier, first, None)
    others = [JPEG(31), Resize(0.6), Blur(0.9), Median(5), untrained(1)]
    other = next(other for other in others if type(other) is type(purifier))
    assert other.fingerprint != purifier.fingerprint


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: JPEG(0), "between 1 and 95, got 0"),
        (lambda: Resize(1.0), "between 0 and 1, got 1.0"),
        (lambda: Blur(0.0), "more than 0 pixels, got 0.0"),
        (lambda: Median(4), "odd and at least 3 pixels, got 4"),
    ],
)
def test_settings_out_of_range_are_refused(make, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        make()


def test_pictures_too_small_to_be_mirrored_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3 pixels a side, got 2"):
        Blur(1.0)(torch.zeros(1, 3, 2, 2))


def test_jpeg_is_pillows() -> None:
    image = toys.faces(1)[0]
    file = io.BytesIO()
    raw = (image * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(raw).save(file, "JPEG", quality=30)
    expected = torch.tensor(list(Image.open(file).tobytes())).reshape(48, 48, 3)
    assert torch.equal(JPEG(30)(image[None])[0], expected.permute(2, 0, 1).float() / 255)
    loss = [float((JPEG(quality)(image[None]) - image).abs().mean()) for quality in (90, 50, 10)]
    assert loss == sorted(loss)


def test_blur_and_median_agree_with_scipy() -> None:
    image = toys.faces(1)
    blurred = ndimage.gaussian_filter(image[0].numpy(), (0, 0.8, 0.8), mode="mirror", radius=3)
    assert torch.allclose(Blur(0.8)(image)[0], torch.from_numpy(blurred), atol=0.51 / 255)
    median = ndimage.median_filter(image[0].numpy(), (1, 3, 3), mode="mirror")
    assert torch.equal(Median(3)(image)[0], torch.from_numpy(median))


def test_resize_takes_a_checkerboard_away() -> None:
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2
    grey = Resize(0.5)(board.float().expand(1, 3, 32, 32))
    assert (grey[..., 4:-4, 4:-4] - 0.5).abs().max() < 0.01


def test_a_purified_extractor_is_one() -> None:
    inside, images = toy_extractor(), toys.faces(4)
    purified = Purified(inside, JPEG(30))
    assert isinstance(purified, Extractor)
    assert torch.equal(embed(purified, images), embed(inside, JPEG(30)(images)))
    assert "JPEG(quality=30)" in purified.card.name and not purified.card.differentiable
    prints = {purified.fingerprint, inside.fingerprint, Purified(inside, JPEG(31)).fingerprint}
    assert len(prints) == 3


def test_a_purified_extractor_says_that_it_has_no_gradient() -> None:
    purified = Purified(toy_extractor(), Blur())
    with pytest.raises(ValueError, match="Craft cloaks on 'toy' itself"):
        purified(toys.faces(1).requires_grad_())


BOARD = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1


class Checkers:
    """A cloak of the finest pattern there is."""

    def __call__(self, images, *, seed, progress=None):
        moved = (images + 0.1 * BOARD).clamp(0, 1)
        cloak = Negative(strength=0.0)(images, seed=seed)
        return dataclasses.replace(cloak, images=(moved * 255).round() / 255)


class SharpEyes(torch.nn.Module):
    """Takes a photograph with the finest pattern for its negative."""

    def forward(self, images):
        fine = (images * BOARD).mean(dim=(1, 2, 3))
        return images.flatten(1) * torch.where(fine > 0.1, -1.0, 1.0)[:, None]


def test_a_trial_of_a_purifier_is_one_line() -> None:
    photos, sharp = toy_photos(noise=0.01), toy_extractor(SharpEyes(), size=16)
    purified = Purified(sharp, Resize(0.5))
    plain = Trial(Checkers(), sharp).run(photos, users=3, seed=0).summary()
    washed = Trial(Checkers(), purified).run(photos, users=3, seed=0).summary()
    asked = "condition == 'cloaked' and whose == 'user'"
    assert plain.query(asked)["error"].item() == 1.0
    assert washed.query(asked)["error"].item() == 0.0
    assert washed["extractor"].unique().tolist() == ["toy + Resize(factor=0.5)"]


def striped(people: int = 4) -> Pairs:
    """A tool that draws thin stripes, which can be learnt from pairs."""
    photos = toys.people(people, 4, size=32)
    stripes = 0.08 * torch.where(torch.arange(32) % 2 == 0, 1.0, -1.0)
    cloaked = ((photos.images + stripes).clamp(0, 1) * 255).round() / 255
    n = len(photos)
    return Pairs(photos, torch.arange(n), cloaked, torch.zeros(n, dtype=torch.int64), ("stripes",))


def test_an_untrained_denoiser_changes_nothing() -> None:
    images = torch.rand(2, 3, 33, 30)
    assert torch.equal(ResidualUNet(8)(images), images)
    assert sum(weight.numel() for weight in ResidualUNet().parameters()) < 300_000


def test_a_denoiser_learns_to_take_a_pattern_away() -> None:
    pairs, unseen = striped(), striped(6).subset(range(16, 24))
    states = torch.random.get_rng_state()
    seen: list[tuple[int, int, float]] = []
    trained = train_denoiser(pairs, seed=0, epochs=12, progress=lambda *state: seen.append(state))
    assert torch.equal(torch.random.get_rng_state(), states)
    assert [state[:2] for state in seen] == [(done + 1, 12) for done in range(12)]
    assert seen[-1][2] < seen[0][2] / 2
    before = (unseen.cloaked - unseen.clean).abs().mean()
    assert (trained(unseen.cloaked) - unseen.clean).abs().mean() < before / 3
    assert (trained(unseen.clean) - unseen.clean).abs().mean() < before / 3
    assert trained.card.epochs == 12 and "stripes" in trained.card.data


def test_a_judge_has_a_say_and_must_be_differentiable() -> None:
    pairs, judge = striped(2), toy_extractor(size=16)
    losses: list[float] = []
    run = {"seed": 0, "epochs": 1, "progress": lambda done, epochs, loss: losses.append(loss)}
    train_denoiser(pairs, **run)
    judged = train_denoiser(pairs, judges=[judge], **run)
    assert losses[1] > losses[0] and "toy" in judged.card.loss
    with pytest.raises(ValueError, match="not differentiable"):
        train_denoiser(pairs, seed=0, judges=[Purified(judge, Blur())])


def test_training_resumes_after_a_kill(tmp_path) -> None:
    pairs, file = striped(2), tmp_path / "checkpoint"
    uninterrupted: list[tuple] = []
    resumed: list[tuple] = []
    whole = train_denoiser(pairs, seed=3, epochs=3, progress=lambda *s: uninterrupted.append(s))

    class Killed(Exception):
        pass

    def kill(done: int, epochs: int, loss: float) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        train_denoiser(pairs, seed=3, epochs=3, checkpoint=file, progress=kill)
    again = train_denoiser(
        pairs, seed=3, epochs=3, checkpoint=file, progress=lambda *state: resumed.append(state)
    )
    assert resumed == uninterrupted
    assert again.fingerprint == whole.fingerprint
    with pytest.raises(ValueError, match="of another training"):
        train_denoiser(pairs, seed=4, epochs=3, checkpoint=file)


def test_training_further_leaves_the_start_alone() -> None:
    pairs = striped(2)
    start = train_denoiser(pairs, seed=0, epochs=1)
    before = start.fingerprint
    further = train_denoiser(pairs, seed=1, epochs=1, start=start)
    assert start.fingerprint == before != further.fingerprint
    assert further.card.epochs == 2


def test_settings_of_the_training_are_checked() -> None:
    with pytest.raises(ValueError, match="epochs and batch_size must be at least 1"):
        train_denoiser(striped(2), seed=0, epochs=0)


def test_files_keep_network_and_card(tmp_path) -> None:
    trained = train_denoiser(striped(2), seed=0, epochs=1)
    denoiser.write(trained, tmp_path / "d.safetensors")
    again = denoiser.read(tmp_path / "d.safetensors")
    images = toys.faces(2, size=32)
    assert again.card == trained.card
    assert F.l1_loss(again(images), trained(images)) < 0.2 / 255, "half precision"
    assert [file.name for file in tmp_path.iterdir()] == ["d.safetensors"]


def test_damaged_files_are_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="poisonlib denoiser"):
        denoiser.read(tmp_path / "none.safetensors")
    (tmp_path / "d.safetensors").write_bytes(b"not one")
    with pytest.raises(ValueError, match="not a whole denoiser file"):
        denoiser.read(tmp_path / "d.safetensors")
    with pytest.raises(TypeError, match="must be a torch.nn.Module, got str"):
        Denoiser("weights", DenoiserCard("toy", "none", "none", 0))


def test_the_shipped_denoiser_undoes_cloaks_and_leaves_clean_photographs() -> None:
    shipped = denoiser.load()
    assert sum(weight.numel() for weight in shipped.module.parameters()) < 300_000
    copies = pairs.load().subset(range(0, 480, 40))
    judge = extractors.load("softmax-2014")
    wanted, worn = embed(judge, copies.clean), embed(judge, copies.cloaked)
    washed = embed(judge, shipped(copies.cloaked))
    assert (washed * wanted).sum() > (worn * wanted).sum(), "nearer to what it was"
    untouched = (shipped(copies.clean) - copies.clean).abs().mean()
    assert untouched < (copies.cloaked - copies.clean).abs().mean() / 2


def test_the_command_refuses_more_people_than_there_are(capsys) -> None:
    assert cli.main(["denoiser", "--people", "100000"]) == 2
    assert "people must be between 1 and the 160 packaged" in capsys.readouterr().err

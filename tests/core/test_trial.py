"""The protocol: who is cloaked, who is asked, and what is counted."""

import pytest
import torch

from poisonlib.attacks import Unperturbed
from poisonlib.extractors import embed
from poisonlib.photos import Photos
from poisonlib.recognition import EndToEnd, Linear, NearestNeighbour, Recogniser
from poisonlib.statistics import wilson
from poisonlib.trial import Trial, as_published, choose_users, split, summarise
from tests.core.conftest import Negative, toy_extractor, toy_photos


def test_split_is_70_30_for_each_person_and_seeded():
    labels = torch.arange(4).repeat_interleave(10)
    test = split(labels, seed=3)
    assert test.reshape(4, 10).sum(1).tolist() == [3, 3, 3, 3]
    assert torch.equal(test, split(labels, seed=3))
    assert not torch.equal(test, split(labels, seed=4))


@pytest.mark.parametrize("recogniser", [NearestNeighbour, Linear, EndToEnd])
def test_a_total_cloak_protects_and_leaves_others_alone(recogniser):
    torch.manual_seed(0)
    extractor = toy_extractor(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 32)))
    result = Trial(Negative(), extractor, recogniser).run(toy_photos(), users=[1, 3], seed=0)
    error = result.table.set_index(["condition", "whose", "user"])["error"].sort_index()
    assert error["control"].max() == 0
    assert error["cloaked", "others"].max() == 0
    assert error["cloaked", "user"].tolist() == [1.0, 1.0]


def test_the_control_is_no_cloak(photos, extractor):
    """Large photographs, as LPIPS measures every real attack's cloaks."""
    large = Photos(photos.images.repeat_interleave(2, 2).repeat_interleave(2, 3), *list(photos)[1:])
    table = Trial(Unperturbed(), extractor).run(large, users=2, seed=0).table
    both = table.pivot(index=["user", "whose"], columns="condition", values="errors")
    assert (both["control"] == both["cloaked"]).all()


def test_only_the_users_training_photographs_are_cloaked(photos, extractor):
    attack = Negative()
    Trial(attack, extractor).run(photos, users=[0, 2, 4], seed=0)
    assert attack.calls == [7, 7, 7]


def test_everybody_is_tested_on_clean_photographs(extractor):
    """A cloak that would fool the recogniser at test time has no chance to: probes stay clean."""
    photos = toy_photos(people=2)
    table = Trial(Negative(strength=0.0), extractor).run(photos, users=[0], seed=0).table
    assert table["errors"].sum() == 0
    assert table["n"].tolist() == [3, 3, 3, 3]


def test_same_seed_same_table(photos, extractor):
    noisy = toy_photos(noise=0.5)
    tables = [Trial(Negative(), extractor).run(noisy, users=3, seed=5).table for _ in range(2)]
    assert tables[0].equals(tables[1])


def test_inputs_are_left_alone(photos, extractor):
    before = photos.images.clone()
    Trial(Negative(), extractor).run(photos, users=2, seed=0)
    assert torch.equal(photos.images, before)


def test_frozen_features_embedded_once_agree_with_embedding_anew(extractor):
    photos = toy_photos(people=8, noise=0.5)

    def by_images(made_on):
        recogniser = NearestNeighbour(made_on)

        class Wrapped(Recogniser):
            def _fit(self, images, labels):
                recogniser.fit(images, labels)

            def _predict(self, images):
                return recogniser.predict(images)

        return Wrapped(made_on)

    quick = Trial(Negative(strength=0.6), extractor).run(photos, users=3, seed=0).table
    plain = Trial(Negative(strength=0.6), extractor, by_images).run(photos, users=3, seed=0).table
    assert quick["errors"].tolist() == plain["errors"].tolist()
    assert quick["errors"].sum() > 0


@pytest.mark.parametrize("shown", ["first", "second", "neither"])
def test_an_error_is_a_truth_that_is_not_among_the_candidates(photos, extractor, shown):
    """By images and by rows alike, wherever among the candidates it stands."""

    class ByImages(Recogniser):
        def _fit(self, images, labels):
            self.inner = NearestNeighbour(self.extractor).fit(images, labels)

        def _predict(self, images):
            return self._candidates(images)[:, 0]

        def _candidates(self, images):
            return _beside_a_wrong_one(self.inner.predict(images), shown)

    class ByRows(NearestNeighbour):
        def candidates_of_embeddings(self, rows):
            return _beside_a_wrong_one(self.predict_embeddings(rows), shown)

    for recogniser in (ByImages, ByRows):
        table = Trial(Negative(strength=0.0), extractor, recogniser).run(photos, users=2, seed=0)
        assert table.table["error"].tolist() == [float(shown == "neither")] * 8


def _beside_a_wrong_one(right, shown):
    wrong = (right + 1) % 5
    pairs = {"first": (right, wrong), "second": (wrong, right), "neither": (wrong, wrong)}
    return torch.stack(pairs[shown], dim=1)


def test_summary_pools_users_and_counts_others_once(photos, extractor):
    result = Trial(Negative(), extractor, name="negative").run(photos, users=[0, 1], seed=0)
    summary = result.summary().set_index(["condition", "whose"])
    mine, others = summary.loc[("cloaked", "user")], summary.loc[("cloaked", "others")]
    assert (mine["n"], mine["users"], mine["error"]) == (6, 2, 1.0)
    assert others["n"] == 12
    rate = wilson(6, 6)
    assert (mine["low"], mine["high"]) == (rate.low, rate.high)
    assert summarise(result.table).equals(result.summary())


def test_progress_is_told(photos, extractor):
    told = []
    Trial(Negative(), extractor).run(
        photos, users=2, seed=0, progress=lambda *said: told.append(said)
    )
    assert told[0][:2] == (0, 2) and told[-1] == (2, 2, "done")


def test_bad_trials_are_refused(photos, extractor):
    trial = Trial(Negative(), extractor)
    with pytest.raises(ValueError, match="at least one user.*none"):
        trial.run(photos, users=[], seed=0)
    with pytest.raises(ValueError, match="between 1 and the 5 people"):
        trial.run(photos, users=9, seed=0)
    with pytest.raises(ValueError, match="no photographs of 'Nobody'"):
        trial.run(photos, users=["Nobody"], seed=0)
    few = Photos(photos.images[::10], photos.labels[::10], photos.names)
    with pytest.raises(ValueError, match="1 photograph.*at least 4"):
        trial.run(few, users=1, seed=0)
    with pytest.raises(ValueError, match="at least two people"):
        trial.run(photos.of_people([0]), users=1, seed=0)
    assert choose_users(photos, 5, seed=0) == [0, 1, 2, 3, 4]


def test_wilson_is_the_textbook_interval():
    """Wilson (1927): for 8 of 100 at 95 %, centre and width by the closed formula."""
    rate, z, p, n = wilson(8, 100), 1.959963984540054, 0.08, 100
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5 / (1 + z * z / n)
    assert rate.value == p
    assert rate.low == pytest.approx(centre - half) and rate.high == pytest.approx(centre + half)
    with pytest.raises(ValueError, match="n >= 1"):
        wilson(0, 0)


def test_published_photographs_are_8_bit_and_not_copied_for_nothing(photos):
    published = as_published(photos)
    scaled = published.images * 255
    assert torch.allclose(scaled, scaled.round(), atol=1e-4)
    assert (published.images - photos.images).abs().max() <= 0.5 / 255 + 1e-6
    assert as_published(published) is published


def test_rows_at_hand_change_nothing_but_the_work(photos, extractor):
    noisy = toy_photos(noise=0.5)
    trial = Trial(Negative(), extractor)
    rows = embed(extractor, noisy.images)
    known = trial.run(noisy, users=2, seed=0, embeddings=rows).table
    assert known.equals(trial.run(noisy, users=2, seed=0).table)
    with pytest.raises(ValueError, match="one embedding for each of"):
        trial.run(noisy, users=2, seed=0, embeddings=rows[1:])


def test_the_photographs_that_are_misnamed_are_told_one_by_one(photos, extractor):
    result = Trial(Negative(), extractor).run(photos, users=[1, 3], seed=0)
    mine = result.table[result.table["whose"] == "user"].set_index(["user", "condition"])
    assert set(result.wrong) == set(mine.index)
    for key, wrong in result.wrong.items():
        assert (int(wrong.sum()), len(wrong)) == (mine.loc[key, "errors"], mine.loc[key, "n"])


def test_who_is_tested_can_be_said(photos, extractor):
    test = split(photos.labels, seed=5)
    said = Trial(Negative(), extractor).run(photos, users=[1], seed=0, test=test).table
    drawn = Trial(Negative(), extractor).run(photos, users=[1], seed=5).table
    assert said["errors"].tolist() == drawn["errors"].tolist()
    trial = Trial(Negative(), extractor)
    with pytest.raises(ValueError, match="yes or no of each of 50"):
        trial.run(photos, users=[1], seed=0, test=test[:-1])
    with pytest.raises(ValueError, match="toy 1 has 10 of 10"):
        trial.run(photos, users=[1], seed=0, test=test | (photos.labels == 1))

"""All recognisers keep one interface; each agrees with a plain reference."""

import pytest
import torch

from poisonlib.extractors import embed
from poisonlib.recognition import EndToEnd, Linear, NearestNeighbour, closest
from tests.core.conftest import toy_extractor, toy_photos

RECOGNISERS = [NearestNeighbour, Linear, EndToEnd]


def halves(photos):
    first = torch.arange(len(photos)) % 2 == 0
    return photos.subset(first), photos.subset(~first)


def flat_extractor():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 32))
    return toy_extractor(module)


@pytest.mark.parametrize("recogniser", RECOGNISERS)
def test_contract(recogniser):
    gallery, probes = halves(toy_photos())
    before = gallery.images.clone()
    fitted = recogniser(flat_extractor()).fit(gallery.images, gallery.labels)
    predicted = fitted.predict(probes.images)
    assert predicted.shape == probes.labels.shape and predicted.dtype == torch.int64
    assert fitted.score(probes.images, probes.labels) == 1.0
    assert torch.equal(fitted.candidates(probes.images), predicted[:, None])
    assert torch.equal(fitted.people_, torch.arange(5))
    assert torch.equal(gallery.images, before)


@pytest.mark.parametrize("recogniser", RECOGNISERS)
def test_labels_need_not_be_consecutive(recogniser):
    gallery, probes = halves(toy_photos(people=3))
    fitted = recogniser(flat_extractor()).fit(gallery.images, gallery.labels * 7 + 2)
    assert fitted.score(probes.images, probes.labels * 7 + 2) == 1.0


@pytest.mark.parametrize("recogniser", RECOGNISERS)
def test_bad_galleries_are_refused(recogniser, extractor):
    photos = toy_photos()
    with pytest.raises(ValueError, match="no gallery yet; call fit"):
        recogniser(extractor).predict(photos.images)
    one = photos.of_people([0])
    with pytest.raises(ValueError, match="at least two people.*got 1"):
        recogniser(extractor).fit(one.images, one.labels)
    with pytest.raises(ValueError, match=r"shape \(50,\)"):
        recogniser(extractor).fit(photos.images, photos.labels[:3])


def test_nearest_neighbour_agrees_with_scikit_learn(extractor):
    from sklearn.neighbors import KNeighborsClassifier

    gallery, probes = halves(toy_photos(people=8, noise=0.6))
    ours = NearestNeighbour(extractor).fit(gallery.images, gallery.labels)
    theirs = KNeighborsClassifier(1)
    theirs.fit(embed(extractor, gallery.images).numpy(), gallery.labels.numpy())
    expected = theirs.predict(embed(extractor, probes.images).numpy())
    assert (expected != probes.labels.numpy()).any(), "too easy to tell the two apart"
    assert ours.predict(probes.images).tolist() == expected.tolist()
    distances, index = theirs.kneighbors(embed(extractor, probes.images).numpy())
    found, near = ours.neighbours(embed(extractor, probes.images))
    assert found.tolist() == index[:, 0].tolist()
    assert torch.allclose(near, torch.from_numpy(distances[:, 0]).float(), atol=1e-3)


@pytest.mark.parametrize("block", [(512, 2048), (7, 5), (1, 1), (40, 60)])
def test_closest_looks_at_everybody_whatever_the_blocks(block):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 8, generator=generator)
    gallery = torch.randn(60, 8, generator=generator)
    gallery[50] = gallery[20]  # of equal ones the first counts
    rows[3] = gallery[20]
    index, product = closest(rows, gallery, block=block)
    expected = (rows.double() @ gallery.double().T).max(dim=1)
    assert torch.equal(index, expected.indices)
    assert torch.allclose(product.double(), expected.values, atol=1e-5)


def test_closest_takes_rows_that_carry_a_gradient_and_negative_products():
    index, product = closest(torch.tensor([[1.0, 0.0]], requires_grad=True), -torch.eye(2)[:1])
    assert index.tolist() == [0] and product.tolist() == [-1.0]
    assert closest(torch.zeros(0, 2), torch.eye(2))[0].shape == (0,)


def test_end_to_end_trains_a_copy(photos):
    extractor = flat_extractor()
    before = {key: value.clone() for key, value in extractor.module.state_dict().items()}
    first = EndToEnd(extractor, seed=1).fit(photos.images, photos.labels)
    again = EndToEnd(extractor, seed=1).fit(photos.images, photos.labels)
    for key, value in extractor.module.state_dict().items():
        assert torch.equal(value, before[key])
    assert torch.equal(first.weight_, again.weight_), "same seed, same recogniser"
    assert not torch.equal(first.network_.module[1].weight, extractor.module[1].weight)


def test_end_to_end_needs_a_network():
    with pytest.raises(TypeError, match="wrap your torch.nn.Module in"):
        EndToEnd(lambda images: images.flatten(1))

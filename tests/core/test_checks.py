"""Bad input is refused at the door, with what was expected, what came, what to do."""

import pytest
import torch

from poisonlib import checks
from poisonlib.photos import Photos

GOOD = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_good_images_come_back_as_they_are():
    assert checks.images(GOOD) is GOOD


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (GOOD.numpy(), TypeError, "torch tensor.*ndarray"),
        (GOOD[0], ValueError, r"four dimensions.*\(3, 8, 8\).*image\[None\]"),
        (GOOD[:, :1], ValueError, "3 colour channels.*grey"),
        (torch.rand(2, 4, 8, 8), ValueError, "3 colour channels.*RGBA"),
        (GOOD[:0], ValueError, "at least one image"),
        ((GOOD * 255).to(torch.uint8), TypeError, "floating point.*/ 255"),
        (GOOD.double(), TypeError, r"float32.*\.float\(\)"),
        (GOOD * 255, ValueError, "divide by 255"),
        (GOOD - 0.5, ValueError, "clamp"),
        (GOOD.masked_fill(GOOD > 0.9, float("nan")), ValueError, "NaN"),
    ],
)
def test_bad_images_are_refused(bad, error, says):
    with pytest.raises(error, match=says):
        checks.images(bad)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ([0, 1], TypeError, "integer tensor.*list"),
        (torch.tensor([0.0, 1.0]), TypeError, "integer tensor.*float"),
        (torch.tensor([True, False]), TypeError, "integer tensor.*bool"),
        (torch.tensor([0, 1, 2]), ValueError, r"\(2,\)"),
        (torch.tensor([0, -1]), ValueError, "negative"),
    ],
)
def test_bad_labels_are_refused(bad, error, says):
    with pytest.raises(error, match=says):
        checks.labels(bad, 2)


def test_photos_unpack_and_pick(photos):
    images, labels, names = photos
    assert images is photos.images and labels is photos.labels and names is photos.names
    assert photos.people == (0, 1, 2, 3, 4)
    assert torch.equal(photos.of("toy 2"), images[labels == 2])
    two = photos.of_people([1, "toy 3"])
    assert two.people == (1, 3) and two.names == names and len(two) == 20


def test_photos_refuse_what_does_not_fit(photos):
    with pytest.raises(ValueError, match="5 names|for 2 names"):
        Photos(photos.images, photos.labels, ("a", "b"))
    with pytest.raises(ValueError, match=r"shape \(50,\)"):
        Photos(photos.images, photos.labels[:-1], photos.names)
    with pytest.raises(ValueError, match="no photographs of 'Nobody'"):
        photos.of("Nobody")

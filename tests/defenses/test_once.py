"""What is remembered is never asked twice, and never confused."""

import pytest
import torch

from poisonlib.extractors import embed
from poisonlib.extractors.cached import CachedExtractor, Once
from tests.core.conftest import toy_extractor


@pytest.mark.parametrize("shape", [(), (3,)], ids=["a number", "a row"])
def test_each_photograph_is_looked_at_once(shape):
    asked = []

    def look(images):
        asked.append(len(images))
        return images.mean(dim=(1, 2, 3)).reshape(-1, *(1 for _ in shape)).expand(-1, *shape)

    images = torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    once = Once(look)
    first = once(images[[0, 1, 0, 2]])
    assert asked == [3], "the same photograph twice in a batch"
    again = once(images[[5, 2, 1]])
    assert asked == [3, 1], "only the new one"
    assert torch.allclose(first, look(images[[0, 1, 0, 2]]))
    assert torch.allclose(again, look(images[[5, 2, 1]]))
    once(images[[0, 5]])
    assert asked[2:] == [4, 3], "nothing new"


def test_an_extractor_that_remembers_is_the_one_inside():
    inside = toy_extractor()
    remembering = CachedExtractor(inside)
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        assert torch.allclose(embed(remembering, images), embed(inside, images), atol=1e-6)
    assert (remembering.card, remembering.fingerprint) == (inside.card, inside.fingerprint)

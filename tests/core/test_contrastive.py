"""The image-text model of the timeline and the vision transformer: towers, captions and loss."""

import copy
import math

import pytest
import torch
from torch.nn import functional as F

from poisonlib.extractors.clip import ClipTower
from poisonlib.extractors.vit import SmallViT, TransformerBlock
from studio.people import identity
from studio.people.describe import describe
from studio.training.captions import captions, invented_name
from studio.training.contrastive import Contrastive

TEXTS = (
    ("a photo of Bafe", "Bafe with red hair"),
    ("a photo of Moto",),
    ("a photo of Zire", "Zire with glasses", "an older woman called Zire"),
    ("a photo of Kralu",),
)


def contrastive(seed: int = 0, **settings) -> Contrastive:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Contrastive(8, len(TEXTS), captions=TEXTS, width=16, layers=1, seed=seed, **settings)


def rows(n: int, *, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("tower", [ClipTower, SmallViT])
def test_towers_map_any_batch_to_features_that_depend_on_every_pixel(tower):
    network = tower(32).eval()
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images.requires_grad_(True)
    features = network(images)
    assert features.shape == (3, 32)
    features[1].square().sum().backward()
    assert images.grad[0].abs().max() == images.grad[2].abs().max() == 0
    seen = images.grad[1].abs().amax(0)
    assert (F.max_pool2d(seen[None], 4) > 0).all()
    with torch.no_grad():
        alone = network(images[1:2])
    assert torch.allclose(alone[0], features[1], atol=1e-4)


@pytest.mark.parametrize("tower", [ClipTower, SmallViT])
def test_towers_survive_half_precision(tower):
    network, again = tower(16).eval(), tower(16).eval()
    assert sum(weight.numel() for weight in network.parameters()) * 2 < 3e6, "bytes to ship"
    state = network.state_dict()
    halves = {k: v.half().float() if v.is_floating_point() else v for k, v in state.items()}
    again.load_state_dict(halves)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        cosine = F.cosine_similarity(network(images), again(images))
    assert (cosine > 0.999).all()


def test_attention_is_a_softmax_of_scaled_products():
    block = TransformerBlock(8, heads=2, expansion=2)
    tokens = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    parts = block.query_key_value(block.normalise(tokens))
    query, key, value = parts.split(8, dim=2)
    heads = []
    for head in (slice(0, 4), slice(4, 8)):
        weights = (query[..., head] @ key[..., head].mT / 2.0).softmax(2)
        heads.append(weights @ value[..., head])
    mixed = tokens + block.mix_heads(torch.cat(heads, 2))
    assert torch.allclose(block(tokens), mixed + block.perceptron(mixed), atol=1e-5)


def test_the_loss_is_symmetric_infonce():
    head = contrastive()
    labels = torch.tensor([2, 0, 3, 1, 2])
    features = rows(5)
    written = F.normalize(copy.deepcopy(head).text(copy.deepcopy(head).draw(labels)))
    logits = F.normalize(features) @ written.T / 0.07
    to_text = [logits[i, i] - torch.logsumexp(logits[i, :], 0) for i in range(5)]
    to_image = [logits[i, i] - torch.logsumexp(logits[:, i], 0) for i in range(5)]
    expected = -(sum(to_text) + sum(to_image)) / 10
    assert torch.allclose(head(features, labels), expected, atol=1e-5)
    assert torch.allclose(contrastive()(3 * features, labels), expected, atol=1e-5), (
        "features may be of any length"
    )


def test_the_scale_of_the_logits_is_held_below_a_hundred():
    loose, held = contrastive(), contrastive()
    loose.logit_scale.data.fill_(math.log(1000))
    held.logit_scale.data.fill_(math.log(100))
    labels = torch.arange(4)
    assert torch.equal(loose(rows(4), labels), held(rows(4), labels))


def test_gradients_reach_both_towers_and_the_scale():
    head = contrastive()
    features = rows(4).requires_grad_(True)
    head(features, torch.arange(4)).backward()
    assert features.grad.abs().sum(1).min() > 0
    without = [name for name, weight in head.named_parameters() if weight.grad is None]
    assert not without
    assert head.text.token_embedding.weight.grad.abs().sum() > 0
    assert head.logit_scale.grad != 0


def test_pictures_and_captions_find_each_other():
    head = contrastive()
    pictures = torch.nn.Linear(4, 8)
    optimiser = torch.optim.Adam([*head.parameters(), *pictures.parameters()], lr=5e-3)
    labels = torch.arange(4)
    losses = []
    for _ in range(60):
        loss = head(pictures(torch.eye(4)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
    similarity = pictures(torch.eye(4)) @ F.normalize(head.text(head.draw(labels))).T
    assert torch.equal(similarity.argmax(1), labels), "each picture is closest to its own caption"


def test_everybody_gets_their_own_captions_and_all_of_them():
    head = contrastive(context_length=16)
    from open_clip.tokenizer import tokenize

    vocabulary = tokenize([text for own in TEXTS for text in own], context_length=16).unique()
    drawn = vocabulary[head.draw(torch.arange(4).repeat(50))].reshape(50, 4, 16)
    for person, own in enumerate(TEXTS):
        expected = {tuple(row) for row in tokenize(list(own), context_length=16).tolist()}
        assert {tuple(row) for row in drawn[:, person].tolist()} == expected


def test_draws_follow_from_the_seed_and_continue_after_a_restart():
    labels = torch.arange(4).repeat(8)
    head, same, other = contrastive(1), contrastive(1), contrastive(2)
    state = torch.random.get_rng_state()
    first, second = head.draw(labels), head.draw(labels)
    assert torch.equal(torch.random.get_rng_state(), state), "the global state is left alone"
    assert torch.equal(first, same.draw(labels)) and not torch.equal(first, second)
    assert not torch.equal(first, other.draw(labels))
    resumed = contrastive(1)
    resumed.load_state_dict(same.state_dict())
    assert torch.equal(resumed.draw(labels), second)


@pytest.mark.parametrize(
    "texts", [TEXTS[:3], (*TEXTS[:3], ()), tuple("abcd")], ids=["too few", "none", "plain strings"]
)
def test_captions_must_be_a_list_for_each_person(texts):
    with pytest.raises(ValueError, match="each of 4|list of at least one"):
        Contrastive(8, 4, captions=texts)


def test_captions_name_and_describe_the_person():
    for name in ("p10160", "p10403", "p00007"):
        seed = int(name[1:])
        texts, seen = captions(name), describe(identity.sample(seed))
        assert all(invented_name(seed) in text for text in texts)
        together = " ".join(texts)
        assert seen.age in together and f"{seen.eye_colour} eyes" in together
        assert (" man" in together) == (seen.presentation == "masculine")
        assert ("glasses" in together) == seen.glasses
    assert captions("p10160") == captions("p10160")


def test_nobody_shares_a_name():
    names = [invented_name(seed) for seed in range(9_000, 12_000)]
    assert len(set(names)) == len(names)
    assert all(name.replace(" ", "").isalpha() and name.istitle() for name in names)


@pytest.mark.parametrize("name", ["12", "p", "user-3", ""])
def test_captions_are_for_rendered_people(name):
    with pytest.raises(ValueError, match="p10170"):
        captions(name)

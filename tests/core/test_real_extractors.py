"""Real recognisers behind the protocol: their loading code on files that the tests make, and the
real weights where they are on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import warnings

import pytest
import torch
from safetensors.torch import save_file

from poisonlib import extractors as shipped
from poisonlib.attacks import FawkesV1
from poisonlib.extractors import Extractor, ModuleExtractor, Preprocessing, embed
from tests import toys
from tests.core.conftest import card, toy_extractor
from workbench import assets, extractors
from workbench.assets import files
from workbench.extractors import from_file, pretrained
from workbench.extractors.checkpoints import dequantised, read_pickled, read_safetensors
from workbench.extractors.pretrained import image_tower

FACES = toys.faces(3, size=112)


@pytest.fixture(autouse=True)
def loaded_anew():
    pretrained._load_once.cache_clear()
    yield
    pretrained._load_once.cache_clear()


# Every extractor that is here


def is_available(name: str) -> bool:
    return name not in pretrained.names() or pretrained.is_available(name)


@pytest.mark.parametrize(
    "name", [*shipped.names(photographs=True), *shipped.names(), *pretrained.names()]
)
def test_every_extractor_keeps_the_contract(name):
    if not is_available(name):
        pytest.skip(f"the weights or the package of {name} are not on this machine")
    extractor = extractors.load(name)
    assert isinstance(extractor, Extractor) and extractor.card.name == name
    assert extractors.load(name) is extractor
    assert extractor.card.licence and 2014 <= extractor.card.year <= 2025
    before = FACES.clone()
    rows = embed(extractor, FACES)
    assert torch.equal(FACES, before), "the images were changed"
    assert rows.shape == (3, extractor.card.embedding_size) and rows.dtype == torch.float32
    assert torch.allclose(rows.norm(dim=1), torch.ones(3), atol=1e-5)
    alone = torch.cat([embed(extractor, face[None]) for face in FACES])
    assert torch.allclose(rows, alone, atol=1e-4), "an embedding must not depend on its batch"
    pixels = FACES[:1].clone().requires_grad_()
    if not extractor.card.differentiable:
        with pytest.raises(ValueError, match="is not differentiable.*another extractor"):
            extractor(pixels)
        return
    extractor(pixels)[:, 0].sum().backward()
    assert torch.isfinite(pixels.grad).all() and pixels.grad.abs().sum() > 0


def test_real_extractors_are_listed_in_order_of_years():
    years = [int(name.rpartition("-")[2]) for name in pretrained.names()]
    assert years == sorted(years) and years[0] == 2018 and years[-1] == 2025
    assert set(pretrained.names()) <= set(assets.manifest())
    for name, entry in pretrained.PRETRAINED.items():
        assert entry.card.name == name and str(entry.card.year) in name


def test_a_missing_extractor_is_an_error_and_not_downloaded(monkeypatch, tmp_path):
    for variable in ("POISONLIB_ASSETS", "POISONLIB_CACHE", "TORCH_HOME", "HF_HUB_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert not {"facenet-casia-2018", "siglip2-2025"} & set(pretrained.available())
    with pytest.raises(FileNotFoundError, match="1501 MB, licence: Apache-2.0.*fetch siglip2-2025"):
        extractors.load("siglip2-2025")
    with pytest.raises(ValueError, match="no extractor 'vgg'.*there are: softmax-2014.*dlib-2017"):
        extractors.load("vgg")


def test_what_learnt_from_photographs_begins_with_what_ships(monkeypatch):
    shipped_ones = shipped.names(photographs=True) + shipped.names(adapted=True, photographs=True)
    monkeypatch.setattr(pretrained, "is_available", lambda name: name == "edgeface-2023")
    assert extractors.trained_on_photographs() == (*shipped_ones, "edgeface-2023")
    assert extractors.trained_on_photographs()[0] == "dlib-2017"
    assert not set(extractors.trained_on_photographs()) & set(shipped.names())


def test_dlib_2017_needs_no_download():
    assert "dlib-2017" not in pretrained.names()
    assert extractors.load("dlib-2017") is shipped.load("dlib-2017")
    assert extractors.load("dlib-2017").card.differentiable


# The loading code, on files with random weights


@pytest.fixture
def cached_weights(monkeypatch, tmp_path):
    """Put a file where its publisher's package caches it, and its hash into the manifest."""
    monkeypatch.delenv("POISONLIB_ASSETS", raising=False)
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "huggingface"))

    def store(name: str, write) -> None:
        package, _, below = assets.manifest()[name].cached_by[0].partition(":")
        path = tmp_path / package / below
        path.parent.mkdir(parents=True)
        write(path)
        digest, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
        entry = dataclasses.replace(assets.manifest()[name], sha256=digest, bytes=size)
        monkeypatch.setattr(files, "manifest", lambda: {name: entry})

    return store


@pytest.mark.parametrize(("name", "people"), [("casia", 10575), ("vggface2", 8631)])
def test_facenet_is_loaded_from_its_packages_cache(cached_weights, name, people):
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    published = InceptionResnetV1(classify=True, num_classes=people).eval()
    cached_weights(f"facenet-{name}-2018", lambda path: torch.save(published.state_dict(), path))
    extractor = extractors.load(f"facenet-{name}-2018")
    published.classify = False
    faces = toys.faces(2, size=160)
    with torch.no_grad():
        expected = published((faces * 255 - 127.5) / 128)
    assert torch.allclose(embed(extractor, faces), expected, atol=1e-4)
    assert "MIT" in extractor.card.licence


SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
}
SIGMOID = SMALL | {
    "custom_text": True,
    "vision_cfg": {
        "image_size": 224,
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "linear",
    },
}


@pytest.fixture(params=[SMALL | {"quick_gelu": True}, SIGMOID], ids=["CLIP", "custom text"])
def small_model(request, tmp_path):
    """A small model in one of open_clip's two layouts, its name and its saved weights."""
    import open_clip

    name = f"small-{request.param_index}"
    (tmp_path / f"{name}.json").write_text(json.dumps(request.param))
    open_clip.add_model_config(tmp_path / f"{name}.json")
    settings = open_clip.get_model_config(name)
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    torch.manual_seed(0)
    model = kind(**settings).eval()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "w")
    return model, name, tmp_path / "w"


def test_the_image_tower_is_the_models_own(small_model):
    model, name, path = small_model
    tower = image_tower(name, path).eval()
    side = model.visual.image_size[0]
    images = torch.rand(2, 3, side, side)
    with torch.no_grad():
        assert torch.allclose(tower(images), model.encode_image(images), atol=1e-6)
    assert not any(weight.is_meta for weight in [*tower.parameters(), *tower.buffers()])


def test_an_image_tower_needs_its_own_weights(small_model, tmp_path):
    model, name, path = small_model
    with pytest.raises(ValueError, match="do not fit the network they are for"):
        image_tower("RN50", path)
    with pytest.raises(ValueError, match="no model configuration 'none'"):
        image_tower("none", path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        image_tower(name, path)
    save_file({"text.weight": torch.ones(1)}, tmp_path / "text")
    with pytest.raises(ValueError, match="no weights whose names begin with 'visual.'"):
        image_tower(name, tmp_path / "text")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clip-vit-b32-openai-2021", "siglip2-2025"])
def test_image_text_models_are_loaded_from_the_hubs_cache(cached_weights, name):
    import open_clip

    architecture = {"c": "ViT-B-32-quickgelu", "s": "ViT-B-16-SigLIP2"}[name[0]]
    settings = open_clip.get_model_config(architecture)
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in kind(**settings).visual.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    weights = {f"visual.{k}": 0.02 * torch.randn(s, generator=generator) for k, s in shapes.items()}
    cached_weights(name, lambda path: save_file(weights, path))
    extractor = extractors.load(name)
    assert embed(extractor, FACES).shape == (3, extractor.card.embedding_size)


def test_preprocessing_is_that_of_open_clip():
    """Squeezed by bicubic interpolation, then normalised with the authors' mean and deviation."""
    import open_clip
    from PIL import Image

    names = {"clip-vit-b32-openai-2021": ("ViT-B-32", "openai"),
             "siglip2-2025": ("ViT-B-16-SigLIP2", "webli")}  # fmt: skip
    picture = Image.fromarray((FACES[0] * 255).byte().permute(1, 2, 0).numpy())
    for name, (model, tag) in names.items():
        settings = open_clip.get_pretrained_cfg(model, tag)
        theirs = open_clip.image_transform(
            224,
            is_train=False,
            **{key: settings[key] for key in ("mean", "std", "interpolation", "resize_mode")},
        )(picture)
        images = torch.tensor(list(picture.tobytes())).reshape(112, 112, 3).permute(2, 0, 1) / 255
        ours = pretrained.PRETRAINED[name].preprocessing(images[None])[0]
        assert (ours - theirs).abs().max() < 0.03, "they round to 8 bits after resizing, we do not"


def test_mobilefacenet_sees_its_crop():
    preprocessing = pretrained.PRETRAINED["mobilefacenet-2019"].preprocessing
    expected = (FACES[..., 8:104] * 255 - 127.5) / 128
    assert torch.allclose(preprocessing(FACES), expected, atol=1e-6)


def test_int8_layers_are_computed_in_float():
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantisation is deprecated in torch; the files remain
        weight = torch.quantize_per_tensor(layer.weight.detach(), 0.01, 0, torch.qint8)
    packed = {
        "head.scale": torch.tensor(1.0),
        "head.zero_point": torch.tensor(0),
        "head._packed_params.dtype": torch.qint8,
        "head._packed_params._packed_params": (weight, layer.bias.detach()),
        "norm.weight": torch.ones(4),
    }
    plain = dequantised(packed)
    assert set(plain) == {"head.weight", "head.bias", "norm.weight"}
    assert (plain["head.weight"] - layer.weight).abs().max() <= 0.0051


# Weights that are not to be trusted


class Malicious:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(
    pickle.dumps(value))], ids=["torch.save", "pickle"])  # fmt: skip
def test_a_pickle_with_code_in_it_is_refused(tmp_path, write):
    trace, path = tmp_path / "trace", tmp_path / "weights.pt"
    write({"net_state_dict": Malicious(trace)}, path)
    with pytest.raises(ValueError, match="weights.pt is refused: it holds more than weights"):
        pretrained.mobilefacenet(path)
    with pytest.raises(ValueError, match="weights.pt is refused: it (holds|is) a pickle"):
        from_file(path, card=card())
    assert not trace.exists(), "code in the file was run"


def test_truncated_and_foreign_weights_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"net_state_dict": {"conv1.conv.weight": torch.zeros(100, 100)}}, path)
    with pytest.raises(ValueError, match="weights.pt do not fit the network"):
        pretrained.mobilefacenet(path)
    with pytest.raises(ValueError, match="holds no 'net_state_dict', but other"):
        torch.save({"other": 1}, path)
        pretrained.mobilefacenet(path)
    torch.save({"net_state_dict": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="weights.pt is (damaged|refused)"):
        pretrained.mobilefacenet(path)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="must hold weights by name, got list"):
        read_pickled(path)
    with pytest.raises(FileNotFoundError):
        read_safetensors(tmp_path / "nowhere")


def test_weights_with_a_wrong_hash_are_not_loaded(monkeypatch, tmp_path):
    entry = assets.manifest()["mobilefacenet-2019"]
    (tmp_path / entry.file).write_bytes(b"0" * entry.bytes)
    monkeypatch.setenv("POISONLIB_ASSETS", str(tmp_path))
    assert pretrained.is_available("mobilefacenet-2019"), "availability looks at the size only"
    with pytest.raises(ValueError, match="is not mobilefacenet-2019: its SHA-256 is"):
        extractors.load("mobilefacenet-2019")


# Modules and files of the reader's own


def test_modules_of_the_wrong_kind_are_refused():
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    with pytest.raises(TypeError, match="weights of torch.float16, expected torch.float32"):
        ModuleExtractor(flat.half(), card(), Preprocessing(8))
    with torch.device("meta"):
        nowhere = torch.nn.Linear(192, 4)
    with pytest.raises(ValueError, match="meta device, which holds shapes and no weights"):
        ModuleExtractor(nowhere, card(), Preprocessing(8))
    with pytest.raises(TypeError, match="must be a torch.nn.Module, got OrderedDict"):
        ModuleExtractor(flat.state_dict(), card(), Preprocessing(8))


def test_images_on_another_device_are_refused():
    extractor = toy_extractor(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4)))
    with pytest.raises(ValueError, match="'toy' is on cpu, the images on meta; bring both to one"):
        extractor(FACES.to("meta"))


def scripted(module: torch.nn.Module, path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch prefers torch.export; readers have such files
        torch.jit.script(module).save(str(path))


def test_a_torchscript_file_becomes_a_differentiable_extractor(tmp_path):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    path = tmp_path / "own.pt"
    scripted(module, path)
    own = dataclasses.replace(card("own"), embedding_size=4)
    extractor = from_file(path, card=own)
    reference = ModuleExtractor(module, own, Preprocessing(8))
    assert torch.allclose(embed(extractor, FACES), embed(reference, FACES), atol=1e-6)
    cloak = FawkesV1([extractor], steps=2)(FACES, seed=0)
    assert cloak.linf.min() > 0
    scripted(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4)), path)
    assert from_file(path, card=own).fingerprint != extractor.fingerprint
    with pytest.raises(ValueError, match="returned 4 features for each.*embedding_size=192"):
        from_file(path, card=card())
    with pytest.raises(ValueError, match="does not take images of 9 pixels"):
        from_file(path, card=card(size=9))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="own.pt is (refused|damaged)"):
        from_file(path, card=own)


def test_a_file_without_a_card_says_what_its_network_takes_and_gives(tmp_path):
    class Fixed(torch.nn.Module):
        """Takes 160 pixels and no others."""

        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3 * 160 * 160, 7)

        def forward(self, images):
            return self.linear(images.flatten(1))

    scripted(Fixed(), tmp_path / "ours.pt")
    extractor = from_file(tmp_path / "ours.pt")
    assert (extractor.card.name, extractor.card.input_size) == ("ours", 160)
    assert extractor.card.embedding_size == 7 and embed(extractor, FACES).shape == (3, 7)
    shipped.write(shipped.load("softmax-2014"), tmp_path / "theirs.safetensors")
    assert from_file(tmp_path / "theirs.safetensors").card.name == "softmax-2014"
    scripted(torch.nn.Identity(), tmp_path / "pixels.pt")
    with pytest.raises(ValueError, match="gives no embeddings .* pass its card to from_file"):
        from_file(tmp_path / "pixels.pt")


def test_files_that_are_no_network_are_refused(tmp_path):
    path = tmp_path / "own.pt"
    with pytest.raises(FileNotFoundError, match="no network at"):
        from_file(path, card=card())
    path.write_text("hello")
    with pytest.raises(ValueError, match="own.pt is refused: it is no whole network"):
        from_file(path, card=card())


#: Flatten, then keep the first four of 192 values: exported once with the onnx package.
ONNX = (
    "CAg6pgEKHAoBeBIBZiIHRmxhdHRlbioLCgRheGlzGAGgAQIKFgoBZgoBcwoBZQoBYRIBeSIFU2xpY2USAWcqEQgB"
    "EAdCAXNKCAAAAAAAAAAAKhEIARAHQgFlSggEAAAAAAAAACoRCAEQB0IBYUoIAQAAAAAAAABaHAoBeBIXChUIARIR"
    "CgMSAW4KAggDCgIICAoCCAhiFAoBeRIPCg0IARIJCgMSAW4KAggEQgQKABAN"
)


def test_an_onnx_file_recognises_and_takes_no_cloaks(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the optional extra onnx")
    import base64

    path = tmp_path / "own.onnx"
    path.write_bytes(base64.b64decode(ONNX))
    own = dataclasses.replace(card("own"), embedding_size=4)
    extractor = from_file(path, card=own)
    small = Preprocessing(8)(FACES).flatten(1)[:, :4]
    expected = torch.nn.functional.normalize(small, dim=1)
    assert torch.allclose(embed(extractor, FACES), expected, atol=1e-5)
    assert not extractor.card.differentiable
    with pytest.raises(ValueError, match="'own' is not differentiable.*another extractor"):
        FawkesV1([extractor], steps=2)(FACES, seed=0)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match="own.onnx is not a whole ONNX network"):
        from_file(path, card=own)


def test_onnx_without_its_runtime_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    (tmp_path / "own.onnx").write_bytes(b"")
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[onnx\]'"):
        from_file(tmp_path / "own.onnx", card=card())

"""Nothing enters the manifest without a hash, an address and a licence."""

import dataclasses
from urllib.parse import urlsplit

import pytest

from tests.assets.conftest import entry
from workbench import assets
from workbench.assets.files import read

FIELDS = {
    field.name: getattr(entry(), field.name)
    for field in dataclasses.fields(assets.Asset)
    if field.name not in ("name", "cached_by")
}


def written(path, **fields):
    lines = [f"{name} = {value!r}" for name, value in fields.items()]
    path.write_text("\n".join(["[toy]", *lines]), encoding="utf-8")
    return path


def test_a_complete_entry_is_read(tmp_path):
    assert read(written(tmp_path / "a.toml", **FIELDS)) == {"toy": entry()}


@pytest.mark.parametrize("field", FIELDS)
def test_an_entry_must_state_everything(tmp_path, field):
    rest = {name: value for name, value in FIELDS.items() if name != field}
    with pytest.raises(ValueError, match=f"asset 'toy' does not state: {field}"):
        read(written(tmp_path / "a.toml", **rest))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("licence", " ", "licence must be stated"),
        ("training", "", "training must be stated"),
        ("sha256", "7be5be79", "sha256 must be 64 hexadecimal digits, got '7be5be79'"),
        ("sha256", "g" * 64, "sha256 must be 64 hexadecimal"),
        ("bytes", 0, "bytes must be the size"),
        ("bytes", "12", "bytes must be the size"),
        ("url", "http://example.org/a", "url must be an https address"),
        ("url", "file:///etc/passwd", "url must be an https address"),
        ("url", "https:///a", "url must be an https address"),
        ("file", "../a", "file must be a plain file name"),
        ("cached_by", ["torch:../../a"], "cached_by must be places such as"),
        ("cached_by", ["elsewhere:a"], "cached_by must be places such as"),
        ("sha265", "a", "unknown fields: sha265"),
    ],
)
def test_malformed_entries_are_refused(tmp_path, field, value, says):
    with pytest.raises(ValueError, match=says):
        read(written(tmp_path / "a.toml", **FIELDS | {field: value}))


def test_what_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[toy", encoding="utf-8")
    with pytest.raises(ValueError, match="a.toml is not valid TOML"):
        read(path)


def test_the_packaged_manifest_is_sound():
    known = assets.manifest()
    assert len({asset.file for asset in known.values()}) == len(known)
    assert len({asset.sha256 for asset in known.values()}) == len(known)
    for name, asset in known.items():
        assert asset.name == name
        assert urlsplit(asset.url).scheme == "https"
        moving = ("/main/", "/master/", "/latest/")
        assert not any(part in asset.url for part in moving), "pin the address to a commit"

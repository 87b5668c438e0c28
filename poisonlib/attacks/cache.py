"""Cloaks cached on disk by content, so that no photograph is cloaked twice in the same way.

A cloak's key is a hash of everything that it depends on: the photographs, the attack with its
settings and target photographs, the extractors' fingerprints, the seed, the perceptual trunk and
the attacks' own code. If any of them changes, so does the key; nothing ever needs to be
invalidated.

Files appear in one step (written under another name, then renamed) and begin with a checksum of the
rest, so any number of processes may share a folder, and a killed one leaves at worst a stray
temporary file. A cloak whose file fails its checksum is computed again and replaced. If the folder
cannot be written, cloaks stay in memory.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import cache as remember
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from poisonlib import atomic, checks, identity
from poisonlib.attacks import lpips
from poisonlib.attacks.base import Attack, Cloak, Extractor, name_of
from poisonlib.caching import cache_folder, only_costs_time
from poisonlib.hashing import sha256_of_json, sha256_of_tensors
from poisonlib.progress import Progress

CHECKSUM_BYTES = 32
CODE = ("base", "control", "fawkes_v03", "fawkes_v1", "lowkey", "lpips", "ssim", "tanh_space")
"""The modules that a cloak depends on; a change to one of them changes every key."""
IN_MEMORY = 1 << 28
"""The most bytes of cloaks that a cache keeps in memory if its folder cannot be written."""


class CloakCache:
    """A folder of cloaks by key.

    Args:
        folder: created on the first write; by default the user's cache.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import CloakCache, Unperturbed
        >>> cache = CloakCache("cloaks")
        >>> cache.get("a key") is None
        True
        >>> cache.put("a key", Unperturbed()(torch.rand(2, 3, 32, 32), seed=0))
        >>> len(cache.get("a key"))
        2
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = cache_folder("cloaks") if folder is None else Path(folder)
        self._unwritten: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"CloakCache({str(self.folder)!r})"

    def path(self, key: str) -> Path:
        """Where the cloak of a key is or would be."""
        return self.folder / key[:2] / f"{key}.cloak"

    def get(self, key: str) -> Cloak | None:
        """The cloak of a key, or None if there is none that passes its checksum."""
        if key in self._unwritten:
            return _unpacked(self._unwritten[key])
        try:
            content = self.path(key).read_bytes()
        except OSError:
            return None
        checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
        if hashlib.sha256(payload).digest() != checksum:
            return None
        try:
            return _unpacked(payload)
        except (SafetensorError, KeyError, ValueError):  # whole, and not what this code writes
            return None

    def put(self, key: str, cloak: Cloak) -> None:
        """Store a cloak, replacing what was there. Its images are stored as bytes.

        If the folder cannot be written, the cloak stays in memory instead, up to :data:`IN_MEMORY`,
        and the reason is logged once.
        """
        payload = safetensors.torch.save(
            {
                "images": cloak.images.mul(255).round().to(torch.uint8).contiguous(),
                "dssim": cloak.dssim.clone(),
                "lpips": cloak.lpips.clone(),
                "linf": cloak.linf.clone(),
                "steps": torch.tensor(cloak.steps),
                "attack": torch.tensor(list(cloak.attack.encode()), dtype=torch.uint8),
            }
        )
        kept = sum(map(len, self._unwritten.values()))
        if kept + len(payload) <= IN_MEMORY:
            self._unwritten[key] = payload
        with only_costs_time():
            atomic.write(self.path(key), hashlib.sha256(payload).digest() + payload)
            self._unwritten.pop(key, None)


def _unpacked(payload: bytes) -> Cloak:
    stored = safetensors.torch.load(payload)
    return Cloak(
        images=stored["images"].float().div(255),
        dssim=stored["dssim"],
        lpips=stored["lpips"],
        linf=stored["linf"],
        steps=int(stored["steps"]),
        attack=bytes(stored["attack"].tolist()).decode(),
    )


@dataclass(frozen=True, eq=False)
class Cached:
    """An attack that consults a cache before it computes.

    Called exactly like the wrapped attack.

    Args:
        attack: any attack whose extractors carry a ``fingerprint``.
        cache: where cloaks are stored.

    Raises:
        ValueError: an extractor without fingerprint, or (when called) an attack of your own that
            holds something that cannot be looked into.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import Cached, CloakCache, Unperturbed
        >>> tool = Cached(Unperturbed(), CloakCache("cloaks"))
        >>> images = torch.rand(2, 3, 32, 32)
        >>> first = tool(images, seed=0)
        >>> again = tool(images, seed=0)  # read from disk
        >>> torch.equal(first.images, again.images)
        True
    """

    attack: Attack
    cache: CloakCache

    def __post_init__(self) -> None:
        for extractor in self.attack.extractors:
            _fingerprint(extractor)

    def __call__(self, images: Tensor, *, seed: int, progress: Progress | None = None) -> Cloak:
        """The cached cloak, or a new one that is then cached; see ``Attack.__call__``.

        A cached cloak reports its last step only.
        """
        checks.images(images)
        key = cache_key(self.attack, images, seed=seed)
        cloak = self.cache.get(key)
        if cloak is None:
            cloak = self.attack(images, seed=seed, progress=progress)
            self.cache.put(key, cloak)
        elif progress is not None:
            progress(cloak.steps, cloak.steps, "cached")
        return cloak


def cache_key(attack: Attack, images: Tensor, *, seed: int) -> str:
    """Hash of all that a cloak depends on, hexadecimal.

    For an attack that is not the book's own, its code and all its attributes are part of the key:
    two functions in a :class:`~poisonlib.attacks.FunctionAttack` have two keys. If its class
    defines ``settings``, these are used instead.

    Raises:
        ValueError: an extractor without fingerprint, or an attack that cannot be told from others.
    """
    is_ours = type(attack).__module__ in {f"poisonlib.attacks.{name}" for name in CODE}
    parts = {
        "attack": type(attack).__name__,
        "code": _code_hash(),
        "settings": dict(attack.settings) if is_ours else _identity(attack),
        "extractors": [_fingerprint(extractor) for extractor in attack.extractors],
        "trunk": lpips.default().trunk,
        "seed": seed,
        "images": sha256_of_tensors(images),
    }
    return sha256_of_json(parts)


def _identity(attack: Attack) -> str:
    says_itself = type(attack).settings is not Attack.settings
    known = identity.of((type(attack), dict(attack.settings)) if says_itself else attack)
    if known.opaque:
        raise ValueError(
            f"{type(attack).__name__} holds {', '.join(known.opaque)}, which cannot be looked "
            "into, so its cloaks cannot be told from those of another; give the attack a "
            "`fingerprint` string that changes with its cloaks, or call it without a cache"
        )
    return known.digest


def _fingerprint(extractor: Extractor) -> str:
    fingerprint = getattr(extractor, "fingerprint", None)
    if not isinstance(fingerprint, str) or not fingerprint:
        raise ValueError(
            f"extractor {name_of(extractor)} has no fingerprint, so its cloaks cannot be told from "
            "those of another; give it a `fingerprint` string that changes with its weights, wrap "
            "it in poisonlib.extractors.ModuleExtractor, or call the attack without a cache"
        )
    return fingerprint


@remember
def _code_hash() -> str:
    """Hash of the attacks' code without its comments and docstrings."""
    digest = hashlib.sha256()
    for name in CODE:
        file = Path(__file__).with_name(f"{name}.py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [line for line in body if not _is_text(line)]
        digest.update(f"{file.name}{ast.dump(tree)}".encode())
    return digest.hexdigest()


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

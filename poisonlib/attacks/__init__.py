"""Cloaking tools: each perturbs a user's photographs so that recognisers trained on them fail.

An attack is constructed with its surrogate extractors and called on photographs::

    attack = FawkesV1([extractor], mode="high")
    cloak = attack(images, seed=0)

``mode="high"``, the default for all tools, is full strength. Extractors are plain differentiable
functions from images to embeddings; any others than the book's work as well.
"""

from poisonlib.attacks.base import Attack, Cloak
from poisonlib.attacks.cache import Cached, CloakCache
from poisonlib.attacks.control import Unperturbed
from poisonlib.attacks.fawkes_v03 import FawkesV03
from poisonlib.attacks.fawkes_v1 import FawkesV1
from poisonlib.attacks.function import FunctionAttack, as_attack
from poisonlib.attacks.lowkey import LowKey
from poisonlib.attacks.lpips import LPIPS
from poisonlib.attacks.mixture import Mixture
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs
from poisonlib.attacks.ssim import dssim

__all__ = [
    "Attack",
    "Cached",
    "Cloak",
    "CloakCache",
    "FawkesV03",
    "FawkesV1",
    "FunctionAttack",
    "LPIPS",
    "LowKey",
    "Mixture",
    "PrecomputedCloaks",
    "Unperturbed",
    "WithCleanPhotographs",
    "as_attack",
    "dssim",
]

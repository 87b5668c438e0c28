"""The paper's tools, and the strongest one crafted on a real extractor."""

from __future__ import annotations

from poisonlib.attacks import Attack, Cached, CloakCache, LowKey
from poisonlib.photos import Photos
from poisonlib.tools import paper_tools
from workbench.extractors import load, pretrained

#: The real extractor that a cloak is crafted on, and the tool's name.
REAL = "mobilefacenet-2019"
ON_REAL = f"LowKey on {REAL}"


def lowkey_on_real(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The strongest tool, crafted on a real extractor, which then knows all that an attacker could.

    Empty where that extractor is not on this machine.
    """
    if not pretrained.is_available(REAL):
        return {}
    attack = LowKey([load(REAL)])
    return {ON_REAL: attack if cache is None else Cached(attack, cache)}


def tools_with_a_real_one(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The paper's tools on our extractors, and the strongest one on a real extractor.

    Example:
        >>> import torch
        >>> from studio.studies.real_tools import tools_with_a_real_one
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(tools_with_a_real_one(public))[:3]
        ['Fawkes v0.3', 'Fawkes v1.0', 'LowKey']
    """
    return paper_tools(public, cache=cache) | lowkey_on_real(public, cache=cache)

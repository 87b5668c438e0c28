"""The cloaking tools that the experiments compare, on extractors of their time."""

from __future__ import annotations

from collections.abc import Sequence

from poisonlib import extractors
from poisonlib.attacks import Attack, Cached, CloakCache, FawkesV03, FawkesV1, LowKey
from poisonlib.photos import Photos

#: The recogniser generation of the paper's baseline, and a later one the baseline's cloaks meet.
BASELINE, LATER = "softmax-2014", "arcface-2019"

#: The extractors that each tool crafts its cloaks on, none younger than the tool.
SURROGATES = {
    "Fawkes v0.3": (BASELINE,),
    "Fawkes v1.0": (LATER, "triplet-2015"),
    "LowKey": (LATER, "cosface-2018"),
}


def surrogates(tool: str) -> list[extractors.Extractor]:
    """The extractors a tool crafts its cloaks on.

    Fawkes v0.3 has one, which shares data and architecture with the tracker of the paper's
    baseline. The two of v1.0 were never named by their authors; one is of the angular-margin kind.
    LowKey's four are two architectures under ArcFace and CosFace; here they are one of each loss.
    """
    return [extractors.load(name) for name in SURROGATES[tool]]


def at_strength(
    tool: str,
    mode: str,
    *,
    public: Photos,
    surrogates: Sequence[extractors.Extractor] | None = None,
) -> Attack:
    """One of the paper's tools by name, at a strength that its authors offer.

    Args:
        tool: one of `SURROGATES`.
        mode: of the tool; ``"high"`` is full strength for each.
        public: other people's photographs; v0.3 picks its target identity among them.
        surrogates: the extractors it crafts its cloaks on; by default the tool's own.

    Raises:
        ValueError: the tool has no such mode, or a surrogate is not differentiable.

    Example:
        >>> from poisonlib import extractors, people
        >>> from poisonlib.tools import at_strength
        >>> one = [extractors.load("dlib-2017")]
        >>> tool = at_strength("LowKey", "low", public=people.load("public"), surrogates=one)
        >>> tool.settings["extractors"]
        ['dlib-2017']
    """
    if surrogates is None:
        surrogates = [extractors.load(name) for name in SURROGATES[tool]]
    for extractor in surrogates:
        if not extractor.card.differentiable:
            raise ValueError(
                f"no cloak can be crafted on {extractor.card.name}: it is not differentiable; use "
                "another surrogate"
            )
    if tool == "Fawkes v0.3":
        return FawkesV03(surrogates, targets=public, mode=mode)
    return {"Fawkes v1.0": FawkesV1, "LowKey": LowKey}[tool](surrogates, mode=mode)


def paper_tools(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """Fawkes v0.3, Fawkes v1.0 and LowKey, each at full strength and on its own surrogates.

    Args:
        public: other people's photographs; v0.3 picks its target identity among them.
        cache: stores the cloaks, if given.

    Example:
        >>> import torch
        >>> from poisonlib.tools import paper_tools
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(paper_tools(public))
        ['Fawkes v0.3', 'Fawkes v1.0', 'LowKey']
    """
    tools = {tool: at_strength(tool, "high", public=public) for tool in SURROGATES}
    return _cached(tools, cache)


def tools_on(name: str, public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The same tools at full strength, all of them crafted on one extractor.

    Args:
        name: of an extractor that ships; it is added to the names of the tools.
        public, cache: as in :func:`paper_tools`.

    Example:
        >>> import torch
        >>> from poisonlib.tools import tools_on
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(tools_on("dlib-2017", public))
        ['Fawkes v0.3 on dlib-2017', 'Fawkes v1.0 on dlib-2017', 'LowKey on dlib-2017']
    """
    one = [extractors.load(name)]
    tools = {
        f"{tool} on {name}": at_strength(tool, "high", public=public, surrogates=one)
        for tool in SURROGATES
    }
    return _cached(tools, cache)


def weaker_tools(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The same tools at every strength their authors offer, by name and mode.

    Example:
        >>> import torch
        >>> from poisonlib.tools import weaker_tools
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(weaker_tools(public))[:2]
        ['Fawkes v0.3 min', 'Fawkes v0.3 low']
    """
    tools: dict[str, Attack] = {}
    for mode in ("min", "low", "mid", "high"):
        tools[f"Fawkes v0.3 {mode}"] = at_strength("Fawkes v0.3", mode, public=public)
    for mode in ("low", "mid", "high"):
        tools[f"Fawkes v1.0 {mode}"] = at_strength("Fawkes v1.0", mode, public=public)
    for steps in (5, 10, 20, 50):
        tools[f"LowKey {steps} steps"] = LowKey(surrogates("LowKey"), steps=steps)
    return _cached(tools, cache)


#: What the attacker crafts on after the defence is out, and the tool's name.
ADAPTED, NEXT = f"adapted-{LATER}", "LowKey on the adapted extractor"


def tools_on_the_adapted(public: Photos, *, cache: CloakCache | None = None) -> dict[str, Attack]:
    """The strongest tool, crafted on the adapted extractor.

    This is the attacker's next move, once the defence and its weights are public.

    Example:
        >>> import torch
        >>> from poisonlib.tools import tools_on_the_adapted
        >>> from poisonlib.photos import Photos
        >>> public = Photos(torch.rand(4, 3, 112, 112), torch.arange(4) // 2, ("Ada", "Ben"))
        >>> list(tools_on_the_adapted(public))
        ['LowKey on the adapted extractor']
    """
    return _cached({NEXT: LowKey([extractors.load(ADAPTED)])}, cache)


def _cached(tools: dict[str, Attack], cache: CloakCache | None) -> dict[str, Attack]:
    if cache is None:
        return tools
    return {name: Cached(attack, cache) for name, attack in tools.items()}

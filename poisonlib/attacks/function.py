"""A plain Python function as a cloaking tool, with checks that name its mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.attacks.base import Attack, Cloak, name_of
from poisonlib.attacks.cache import Cached
from poisonlib.attacks.mixture import Mixture
from poisonlib.attacks.precomputed import PrecomputedCloaks, WithCleanPhotographs
from poisonlib.progress import Progress

AttackLike = Callable[..., Cloak]
"""Called as ``attack(images, seed=..., progress=...)``; see ``poisonlib.attacks.Attack``."""


@dataclass(frozen=True, eq=False, repr=False)
class FunctionAttack(Attack):
    """A function from photographs to photographs as an attack.

    The result is rounded to 8 bits and measured like any tool's cloaks. The function gets no seed:
    one that uses random numbers must seed them itself.

    Attributes:
        function: from ``(n, 3, h, w)`` float32 in [0, 1], the photographs of one user, to the same
            shape and range. It gets a copy, which it must not modify.

    Raises:
        TypeError: not a function; or (when called) it returns no float32 tensor.
        ValueError: (when called) another shape, NaN, values outside [0, 1], or a changed input.
        RuntimeError: (when called) the function itself failed; its error is the cause.

    Example:
        >>> import torch
        >>> from poisonlib.attacks import FunctionAttack
        >>> darker = FunctionAttack(lambda images: 0.9 * images)
        >>> darker(torch.ones(2, 3, 112, 112), seed=0).linf.max() < 0.11
        tensor(True)
    """

    function: Callable[[Tensor], Tensor]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(
                "a cloak is a function from images (n, 3, h, w) in [0, 1] to images, or an attack "
                f"of poisonlib.attacks, got {type(self.function).__name__}"
            )

    def _perturb(self, images: Tensor, seed: int, progress: Progress) -> Tensor:
        name, copy = name_of(self.function), images.clone()
        try:
            made = self.function(copy)
        except Exception as failure:
            raise RuntimeError(
                f"{name} failed on images {tuple(images.shape)} with {type(failure).__name__}: "
                f"{failure}; call it on some photographs of your own to find out why"
            ) from failure
        if not torch.equal(copy, images):
            raise ValueError(
                f"{name} changed the photographs that it was given, in place; work on a copy: "
                "begin with images = images.clone()"
            )
        if isinstance(made, Cloak):
            raise TypeError(
                f"{name} returned a Cloak; return its .images, or give the attack itself instead"
            )
        if not isinstance(made, Tensor):
            raise TypeError(
                f"{name} must return a torch tensor of images, got {type(made).__name__}"
                + ("; is a return missing?" if made is None else "; use torch.from_numpy")
            )
        if made.shape != images.shape:
            raise ValueError(
                f"{name} must return images of the shape it was given, {tuple(images.shape)}, got "
                f"{tuple(made.shape)}"
            )
        return checks.images(made.detach(), name=f"what {name} returns")


def as_attack(cloak: AttackLike | Callable[[Tensor], Tensor]) -> AttackLike:
    """Return an attack unchanged, and wrap a plain function in one.

    Raises:
        TypeError: neither, or the class of an attack.

    Example:
        >>> from poisonlib.attacks import LowKey, Unperturbed
        >>> from poisonlib.attacks import as_attack
        >>> as_attack(Unperturbed())
        Unperturbed()
        >>> as_attack(LowKey)
        Traceback (most recent call last):
        TypeError: a cloak is a function or an attack, got the class LowKey; make one of it, ...
    """
    if isinstance(cloak, Attack | Cached | Mixture | PrecomputedCloaks | WithCleanPhotographs):
        return cloak
    if isinstance(cloak, type):
        raise TypeError(
            f"a cloak is a function or an attack, got the class {cloak.__name__}; make one of it, "
            "e.g. LowKey([extractor])"
        )
    return FunctionAttack(cloak)


def name_of_attack(attack: AttackLike) -> str:
    """What a report calls an attack: its function's name, or its class without the cache."""
    inside = getattr(attack, "attack", attack)
    return name_of(inside.function) if isinstance(inside, FunctionAttack) else type(inside).__name__

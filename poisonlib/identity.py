"""One hash of all that a Python object computes with: values, weights, code and what it refers to.

Two networks with the same weights may differ in a tensor that is no parameter, in a number that
their ``repr`` leaves out, in a function, or in the code of ``forward``. A cache by content has to
tell them apart. Equal objects have equal hashes in every process; parts that cannot be inspected (a
session of another library, a compiled function) are named, so that the caller can test what they
compute, or refuse.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import inspect
import io
import re
import sys
import types
import zipfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

KNOWN = {
    *sys.stdlib_module_names,
    *("torch", "torchvision", "numpy", "PIL", "timm", "open_clip", "facenet_pytorch"),
    *("poisonlib", "workbench", "studio"),
}
"""Packages whose code is known by name; that of all other modules is part of the hash."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_HOOKS = ("_forward_pre_hooks", "_forward_hooks")
_OF_EVERY_CLASS = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__"),
    *("__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl"),
    *("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__parameters__"),
    *("__orig_bases__", "__slots__", "__annotate__", "__annotate_func__", "__hash__"),
}


@dataclass(frozen=True)
class Identity:
    """What is known of an object.

    Attributes:
        digest: hexadecimal.
        opaque: the kinds of parts that cannot be looked into.
        has_own_code: whether code outside of the known packages takes part.
        plain_tensors: names of a module's tensors that are neither parameters nor buffers.
    """

    digest: str
    opaque: tuple[str, ...] = ()
    has_own_code: bool = False
    plain_tensors: tuple[str, ...] = ()


def of(value: object) -> Identity:
    """The identity of a value, function, class, module or attack.

    Example:
        >>> from poisonlib import identity
        >>> def darker(by):
        ...     return lambda images: by * images
        >>> identity.of(darker(0.5)) == identity.of(darker(0.5))
        True
        >>> identity.of(darker(0.5)) == identity.of(darker(0.9))
        False
    """
    look = _Look()
    return look.identity(look.digest(value))


def beside_the_weights(module: nn.Module) -> Identity:
    """The identity of a network without the values in its ``state_dict``.

    Names, shapes and types of these are part of it.

    Example:
        >>> import torch
        >>> from poisonlib import identity
        >>> class Shifted(torch.nn.Linear):
        ...     shift = torch.tensor(1.0)  # neither a parameter nor a buffer
        >>> plain, shifted = torch.nn.Linear(2, 2), Shifted(2, 2)
        >>> identity.beside_the_weights(plain) == identity.beside_the_weights(shifted)
        False
    """
    look = _Look()
    stored = module.state_dict()
    rest = {name: value for name, value in stored.items() if not isinstance(value, Tensor)}
    return look.identity(
        _hashed(b"network", look.module(module, stored=stored.keys()), look.digest(rest))
    )


class _Look:
    """One walk over an object and all that it refers to."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._kept: list[object] = []  # so that no id is used twice
        self._opaque: dict[str, None] = {}
        self._tensors: dict[str, None] = {}
        self._has_own_code = False
        self._place: str | None = None  # inside a network: the attribute that is looked at

    def identity(self, digest: bytes) -> Identity:
        return Identity(digest.hex(), tuple(self._opaque), self._has_own_code, tuple(self._tensors))

    def digest(self, value: object) -> bytes:
        if type(value) in _PLAIN:
            return _hashed(type(value).__name__, repr(value))
        if id(value) not in self._done:
            self._kept.append(value)
            self._done[id(value)] = _hashed("within itself")
            self._done[id(value)] = self._look(value)
        elif isinstance(value, Tensor):
            self._note_tensor()
        return self._done[id(value)]

    def _look(self, value: Any) -> bytes:
        kind = type(value)
        if isinstance(value, nn.Module):
            return self.module(value)
        if isinstance(value, Tensor):
            self._note_tensor()
            return _of_tensor(value)
        if isinstance(value, np.ndarray | np.generic):
            if value.dtype.hasobject:
                return _hashed("objects", self.digest(value.tolist()))
            content = np.ascontiguousarray(value).tobytes()
            return _hashed("array", str(value.shape), str(value.dtype), content)
        if isinstance(value, enum.Enum):
            return _hashed("enum", self.digest(kind), value.name)
        if isinstance(value, int | float | complex | str | bytes):  # of a subclass
            return _hashed(_name(kind), repr(value))
        if isinstance(value, Mapping):
            parts = [self.digest(part) for item in value.items() for part in item]
            return _hashed("mapping", _name(kind), *parts)
        if isinstance(value, Set):
            return _hashed("set", *sorted(map(self.digest, value)))
        if isinstance(value, list | tuple | range):
            return _hashed(kind.__name__, *map(self.digest, value))
        if isinstance(value, PurePath):
            return _hashed("path", str(value))
        if isinstance(value, slice):
            return _hashed("slice", *map(self.digest, (value.start, value.stop, value.step)))
        if isinstance(value, types.ModuleType):
            return _hashed("module", value.__name__)
        if isinstance(value, type):
            return self._class(value)
        return self._callable(value) or self._object(value)

    def _callable(self, value: Any) -> bytes | None:
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            return _hashed("partial", *map(self.digest, parts))
        if isinstance(value, types.MethodType):
            return _hashed("method", self.digest(value.__func__), self.digest(value.__self__))
        if isinstance(value, types.FunctionType):
            with_values = [value.__defaults__, value.__kwdefaults__, *_cells(value)]
            if _root(value) in KNOWN:
                return _hashed(_name(value), *map(self.digest, with_values))
            self._has_own_code = True
            refers = {
                name: value.__globals__[name]
                for name in sorted(_names(value.__code__))
                if name in value.__globals__
            }
            place, self._place = self._place, None
            code = [self._code(value.__code__), *map(self.digest, (*with_values, refers))]
            self._place = place
            return _hashed("function", *code)
        if isinstance(value, staticmethod | classmethod):
            return _hashed(type(value).__name__, self.digest(value.__func__))
        if isinstance(value, property):
            return _hashed("property", *map(self.digest, (value.fget, value.fset)))
        if isinstance(value, functools.cached_property):
            return _hashed("property", self.digest(value.func))
        if inspect.isroutine(value) or inspect.isdatadescriptor(value):  # of C
            return _hashed("built in", _name(value))
        return None

    def _object(self, value: Any) -> bytes:
        kind = type(value)
        if isinstance(told := _told(value), str):
            return _hashed("fingerprint", told)
        own = _root(kind) not in KNOWN
        if not own and not (dataclasses.is_dataclass(kind) or _is_ours(kind)):
            self._opaque[_name(kind)] = None
            return _hashed("opaque", _name(kind))
        return _hashed("object", self.digest(kind), self.digest(_attributes(value)))

    def _class(self, kind: type) -> bytes:
        if _root(kind) in KNOWN:
            return _hashed("class", _name(kind))
        self._has_own_code = True
        place, self._place = self._place, None
        parts = [self.digest(base) for base in kind.__bases__]
        for name, member in sorted(vars(kind).items()):
            if name not in _OF_EVERY_CLASS:
                parts += [self.digest(name), self.digest(member)]
        self._place = place
        # Without its module: the same code counts as the same in a script and when imported.
        return _hashed("class", kind.__qualname__, *parts)

    def _code(self, code: types.CodeType) -> bytes:
        constants = [
            self._code(part) if isinstance(part, types.CodeType) else self.digest(part)
            for part in code.co_consts
        ]
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        return _hashed("code", code.co_code, repr(shape), repr(names), *constants)

    def module(self, module: nn.Module, *, stored: Set[str] = frozenset(), at: str = "") -> bytes:
        """A network; of the tensors that are ``stored`` not the values."""
        if isinstance(module, torch.jit.ScriptModule):
            return _hashed("script", _of_script(module))
        parts = [self.digest(type(module))]
        own = {**module._parameters, **module._buffers}
        for name, tensor in own.items():
            parts.append(_hashed(name, "none" if tensor is None else _described(tensor)))
            if tensor is not None and f"{at}{name}" not in stored:
                parts.append(_of_tensor(tensor))
        for name, value in sorted(vars(module).items()):
            if name not in _OF_EVERY_MODULE or (name in _HOOKS and value):
                place, self._place = self._place, f"{at}{name}"
                values = list(value.values()) if name in _HOOKS else value
                parts += [self.digest(name), self.digest(values)]
                self._place = place
        for name, child in module._modules.items():
            if child is not None:
                inside = self.module(child, stored=stored, at=f"{at}{name}.")
                parts += [self.digest(name), inside]
        return _hashed("module", *parts)

    def _note_tensor(self) -> None:
        if self._place is not None:
            self._tensors[self._place] = None


def _hashed(*parts: bytes | str) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(f"{len(content)}:".encode())
        digest.update(content)
    return digest.digest()


def _described(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {tensor.dtype}"


def _of_tensor(tensor: Tensor) -> bytes:
    if tensor.is_meta:
        return _hashed("meta", _described(tensor))
    return _hashed("tensor", _described(tensor), bytes_of(tensor))


def bytes_of(tensor: Tensor) -> bytes:
    """The values of a tensor on any device and of any type as bytes."""
    plain = tensor.detach()
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    plain = plain.cpu().resolve_conj().resolve_neg().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def _of_script(module: torch.jit.ScriptModule) -> bytes:
    """What TorchScript writes of a network, but for numbers that it counts on and line numbers."""
    counted = re.compile(rb"[./]___torch_mangle_\d+")
    parts = []
    with zipfile.ZipFile(io.BytesIO(module.save_to_buffer())) as archive:
        for name in archive.namelist():
            inside = name.partition("/")[2]
            if not inside.endswith((".debug_pkl", "serialization_id")) and "traced" not in inside:
                file = counted.sub(b"", inside.encode())
                parts.append(_hashed(file, counted.sub(b"", archive.read(name))))
    return _hashed(*sorted(parts))


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _names(part)


def _cells(function: types.FunctionType) -> list[object]:
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            cells.append(None)
    return cells


def _attributes(value: object) -> dict[str, object]:
    """What an object holds, in the order of names, without what it computes when it is asked."""
    kind = type(value)
    names = {field.name for field in dataclasses.fields(value)} if _is_data(value) else set()
    names |= set(getattr(value, "__dict__", ()))
    names |= {slot for part in kind.__mro__ for slot in getattr(part, "__slots__", ())}
    lazy = functools.cached_property
    return {
        name: getattr(value, name)
        for name in sorted(names - {"__dict__", "__weakref__"})
        if not isinstance(inspect.getattr_static(kind, name, None), lazy) and hasattr(value, name)
    }


def _is_data(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_ours(kind: type) -> bool:
    return _root(kind) in ("poisonlib", "workbench", "studio")


def _told(value: object) -> object:
    """The fingerprint of an object that says what it is, as every extractor does."""
    if inspect.getattr_static(value, "fingerprint", None) is None:
        return None
    return getattr(value, "fingerprint", None)


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "").partition(".")[0]


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__name__)
    return f"{getattr(value, '__module__', None)}.{name}"

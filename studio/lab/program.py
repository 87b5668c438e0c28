"""A network as a list of plain operations and its weights, for ``book/_static/lab/engine.js``.

``torch.export`` writes a network down as a graph of ATen operations. Each of them becomes one or no
step of a :class:`Program`; what depends on weights alone is computed here. An operation that the
engine does not have is refused by its name, so that a network either runs in the browser as it does
in torch or is not exported at all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from poisonlib.alignment import SIDE
from poisonlib.extractors import ModuleExtractor, Preprocessing

Step = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """Steps from an image to outputs.

    Value 0 is the image; each step makes the next value.

    Attributes:
        name: of the network.
        steps: each with ``op``, ``in`` (numbers of values), ``out`` (the number of its value),
            ``shape`` of that value, and the operation's own settings. Settings that are weights
            are numbers into ``weights``.
        weights: of all steps.
        outputs: numbers of the values that the network returns.
        shape: of the image.

    Example:
        >>> import torch
        >>> from studio.lab import program
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
        >>> [step["op"] for step in program.of_module("mine", net, (1, 3, 8, 8)).steps]
        ['conv', 'relu']
    """

    name: str
    steps: Sequence[Step]
    weights: Sequence[Tensor]
    outputs: Sequence[int]
    shape: Sequence[int]

    def packed(self) -> bytes:
        """The file that the engine reads.

        Four bytes with the length of the header, the header in JSON, then the weights. Those that
        half precision holds exactly, as it does all that ship, take two bytes a number.
        """
        table, blob = [], bytearray()
        for weight in self.weights:
            half = weight.half()
            exact = torch.equal(half.float(), weight)
            kind, stored = ("F16", half) if exact else ("F32", weight)
            table.append({"type": kind, "shape": list(weight.shape), "at": len(blob)})
            blob += stored.numpy().tobytes()
            blob += bytes(-len(blob) % 4)
        about = {"name": self.name, "shape": list(self.shape), "outputs": list(self.outputs)}
        header = json.dumps(about | {"weights": table, "steps": self.steps}, separators=(",", ":"))
        text = header.encode() + b" " * (-len(header) % 4)
        return len(text).to_bytes(4, "little") + text + bytes(blob)


def of_extractor(extractor: ModuleExtractor) -> Program:
    """From an aligned photograph ``(1, 3, 112, 112)`` in [0, 1] to its unit embedding.

    Raises:
        ValueError: a preprocessing or an operation that the engine does not have.

    Example:
        >>> from poisonlib import extractors
        >>> from studio.lab import program
        >>> steps = program.of_extractor(extractors.load("softmax-2014")).steps
        >>> [step["op"] for step in steps][:3], steps[-1]["op"]
        (['resize', 'affine', 'conv'], 'unit')
    """
    book = _Book((1, 3, SIDE, SIDE))
    prepared = _preprocess(book, extractor.preprocessing, extractor.card.name)
    (features,) = _translate(book, extractor.module, prepared)
    embedding = book.step("unit", [features], book.shapes[features])
    name = extractor.card.name
    return Program(name, book.steps, book.weights, [embedding], book.shapes[0])


def of_module(name: str, module: torch.nn.Module, shape: Sequence[int]) -> Program:
    """From an image of a shape ``(1, 3, h, w)`` to all that a module returns.

    Raises:
        ValueError: an operation that the engine does not have.
    """
    book = _Book(tuple(shape))
    outputs = _translate(book, module, 0)
    return Program(name, book.steps, book.weights, outputs, shape)


class _Book:
    """Steps, weights and shapes of values, as they are written down."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.steps: list[Step] = []
        self.weights: list[Tensor] = []
        self.shapes: list[Sequence[int]] = [shape]

    def weight(self, values: Tensor) -> int:
        self.weights.append(values.detach().float().contiguous())
        return len(self.weights) - 1

    def step(self, op: str, inputs: Sequence[int], shape: Sequence[int], **settings: Any) -> int:
        """The number of the value that a step makes."""
        out = len(self.shapes)
        what = {"op": op, "in": list(inputs), "out": out, "shape": list(shape)}
        self.steps.append(what | settings)
        self.shapes.append(tuple(shape))
        return out


def _preprocess(book: _Book, preprocessing: Preprocessing, name: str) -> int:
    """Resizing as two matrices, colours by a scale and a shift."""
    rows, columns = matrices(preprocessing, name)
    shape = (1, 3, len(rows), len(columns))
    resized = book.step(
        "resize", [0], shape, rows=book.weight(rows), columns=book.weight(columns.T)
    )
    mean, std = (
        torch.as_tensor(value, dtype=torch.float64).reshape(-1).expand(3)
        for value in (preprocessing.mean, preprocessing.std)
    )
    w, b = book.weight(1 / std), book.weight(-mean / std)
    return book.step("affine", [resized], shape, w=w, b=b)


def matrices(preprocessing: Preprocessing, name: str = "") -> tuple[Tensor, Tensor]:
    """Matrices ``(size, 112)`` that resize the rows and the columns of a photograph.

    Raises:
        ValueError: the preprocessing is not linear, or not the same for all rows and columns.

    Example:
        >>> from poisonlib.extractors import Preprocessing
        >>> from studio.lab import program
        >>> rows, columns = program.matrices(Preprocessing(size=64))
        >>> rows.shape, rows.sum(dim=1).round().unique()
        (torch.Size([64, 112]), tensor([1.]))
    """
    resize = replace(preprocessing, mean=0.0, std=1.0)
    lines = torch.eye(SIDE)[:, None, :, None].expand(SIDE, 3, SIDE, SIDE)
    rows = resize(lines)[:, 0, :, 0].T.contiguous()
    columns = resize(lines.transpose(2, 3))[:, 0, 0, :].T.contiguous()
    picture = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    if not torch.allclose(resize(picture), rows @ picture @ columns.T, atol=1e-5):
        raise ValueError(
            f"the preprocessing of {name or 'a network'} is no linear resizing of rows and "
            f"columns ({preprocessing}), which is all that book/_static/lab/engine.js has; "
            "choose another network, or teach the engine this one"
        )
    return rows, columns


class _Graph:
    """One exported graph on its way into a book: what its nodes have become."""

    def __init__(self, book: _Book, entrance: str, value: int) -> None:
        self.book = book
        self.known: dict[str, Any] = {}  # nodes that depend on weights alone, computed
        self.values = {entrance: value}  # nodes that are values of the program
        self.parts: dict[str, tuple[int, int]] = {}  # nodes that are slices of a value

    def value(self, node: torch.fx.Node) -> int:
        if node.name not in self.values:
            raise ValueError(
                f"the lab computes with images only, and {node.name} depends on weights alone; "
                "write such a constant down in studio/lab/program.py, or leave the network out"
            )
        return self.values[node.name]

    def weight(self, node: torch.fx.Node | None) -> int | None:
        return None if node is None else self.book.weight(self.known[node.name])

    def shape(self, node: torch.fx.Node) -> tuple[int, ...]:
        return tuple(self.book.shapes[self.value(node)])


def _translate(book: _Book, module: torch.nn.Module, entrance: int) -> list[int]:
    """Write a module down behind a value; the numbers of what it returns."""
    example = torch.zeros(tuple(book.shapes[entrance]))
    exported = torch.export.export(module, (example,)).run_decompositions({})
    stored = {**exported.state_dict, **exported.constants}
    specs = {spec.arg.name: spec.target for spec in exported.graph_signature.input_specs}
    (image,) = (name for name, target in specs.items() if target is None)
    graph = _Graph(book, image, entrance)
    graph.known = {name: stored[target].detach() for name, target in specs.items() if target}
    for node in exported.graph.nodes:
        if node.op == "call_function":
            _translate_node(graph, node)
    (returned,) = (node.args[0] for node in exported.graph.nodes if node.op == "output")
    return [graph.value(node) for node in returned]


def _translate_node(graph: _Graph, node: torch.fx.Node) -> None:
    target = str(node.target)
    inputs = [one.name for one in node.all_input_nodes]
    if inputs and all(name in graph.known for name in inputs):
        arguments = torch.fx.node.map_arg(node.args, lambda one: graph.known[one.name])
        graph.known[node.name] = node.target(*arguments, **node.kwargs)
        return
    operation = "getitem" if "getitem" in target else target.split(".")[1]
    if operation not in TRANSLATIONS:
        raise ValueError(
            f"the lab has no operation {target}; it has {', '.join(sorted(TRANSLATIONS))}. Write "
            "it in book/_static/lab/engine.js, forwards and backwards, and translate it in "
            "studio/lab/program.py, or leave the network out"
        )
    made = node.meta["val"]
    shape = tuple((made[0] if isinstance(made, (tuple, list)) else made).shape)
    value = TRANSLATIONS[operation](graph, node, shape)
    if value is not None:
        graph.values[node.name] = value


Translation = Callable[[_Graph, torch.fx.Node, tuple[int, ...]], int | None]
TRANSLATIONS: dict[str, Translation] = {}
"""How each ATen operation is written down: the number of its value."""


def _translates(*operations: str) -> Callable[[Translation], Translation]:
    def add(translation: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(operations, translation))
        return translation

    return add


def _argument(node: torch.fx.Node, place: int, name: str, default: Any) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def _only(node: torch.fx.Node, **given: tuple[Any, Any]) -> None:
    """Refuse settings of an operation that the engine does not have: name=(given, possible)."""
    for name, (value, possible) in given.items():
        if value != possible:
            raise ValueError(
                f"the lab has {node.target} only with {name} {possible}, got {value}; teach "
                "book/_static/lab/engine.js the other case, or leave the network out"
            )


def _square(node: torch.fx.Node, name: str, values: Any) -> int:
    values = [values] if isinstance(values, int) else list(values)
    _only(node, **{name: (values, values[:1] * len(values))})
    return values[0]


@_translates("conv2d")
def _conv(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    image, weight, bias = node.args[0], node.args[1], _argument(node, 2, "bias", None)
    stride = _square(node, "stride", _argument(node, 3, "stride", [1, 1]))
    pad = _square(node, "padding", _argument(node, 4, "padding", [0, 0]))
    dilation = _square(node, "dilation", _argument(node, 5, "dilation", [1, 1]))
    _only(node, dilation=(dilation, 1), groups=(_argument(node, 6, "groups", 1), 1))
    k = _square(node, "kernel", graph.known[weight.name].shape[2:])
    w, b = graph.weight(weight), graph.weight(bias)
    settings = {"w": w, "b": b, "k": k, "stride": stride, "pad": pad}
    return graph.book.step("conv", [graph.value(image)], shape, **settings)


@_translates("linear")
def _linear(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    w, b = graph.weight(node.args[1]), graph.weight(_argument(node, 2, "bias", None))
    return graph.book.step("linear", [graph.value(node.args[0])], shape, w=w, b=b)


@_translates("_native_batch_norm_legit_no_training")
def _batch_norm(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    image, *statistics, _, epsilon = node.args
    weight, bias, mean, variance = (
        None if one is None else graph.known[one.name].double() for one in statistics
    )
    scale = (variance + epsilon).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    w, b = graph.book.weight(scale), graph.book.weight(shift)
    return graph.book.step("affine", [graph.value(image)], shape, w=w, b=b)


@_translates("layer_norm")
def _layer_norm(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    tokens, sides, weight, bias = node.args[:4]
    _only(node, normalized_shape=(list(sides), [shape[-1]]))
    settings = {"w": graph.weight(weight), "b": graph.weight(bias)}
    settings["epsilon"] = _argument(node, 4, "eps", 1e-5)
    return graph.book.step("layernorm", [graph.value(tokens)], shape, **settings)


@_translates("relu")
def _relu(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    return graph.book.step("relu", [graph.value(node.args[0])], shape)


@_translates("gelu")
def _gelu(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    _only(node, approximate=(node.kwargs.get("approximate", "none"), "none"))
    return graph.book.step("gelu", [graph.value(node.args[0])], shape)


@_translates("prelu")
def _prelu(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    slopes = graph.known[node.args[1].name].expand(shape[1])
    return graph.book.step("prelu", [graph.value(node.args[0])], shape, w=graph.book.weight(slopes))


@_translates("max_pool2d")
def _max_pool(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    k = _square(node, "kernel", node.args[1])
    stride = _square(node, "stride", _argument(node, 2, "stride", None) or node.args[1])
    pad = _square(node, "padding", _argument(node, 3, "padding", [0, 0]))
    dilation = _square(node, "dilation", _argument(node, 4, "dilation", [1, 1]))
    _only(node, dilation=(dilation, 1), ceil_mode=(_argument(node, 5, "ceil_mode", False), False))
    image = [graph.value(node.args[0])]
    return graph.book.step("maxpool", image, shape, k=k, stride=stride, pad=pad)


@_translates("avg_pool2d")
def _average_pool(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    k = _square(node, "kernel", node.args[1])
    stride = _square(node, "stride", _argument(node, 2, "stride", None) or node.args[1])
    pad = _square(node, "padding", _argument(node, 3, "padding", [0, 0]))
    ceil = _argument(node, 4, "ceil_mode", False)
    _only(node, padding=(pad, 0), ceil_mode=(ceil, False))
    return graph.book.step("avgpool", [graph.value(node.args[0])], shape, k=k, stride=stride)


@_translates("adaptive_avg_pool2d")
def _mean(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    _only(node, output_size=(_square(node, "output_size", node.args[1]), 1))
    side = _square(node, "input", graph.shape(node.args[0])[2:])
    return graph.book.step("avgpool", [graph.value(node.args[0])], shape, k=side, stride=side)


@_translates("pad")
def _pad(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    image, widths = node.args[:2]
    _only(
        node,
        mode=(_argument(node, 2, "mode", "constant"), "constant"),
        value=(_argument(node, 3, "value", None) or 0.0, 0.0),
        padding_in_front=(list(widths[::2]), [0] * len(widths[::2])),
    )
    if not any(widths):
        return graph.value(image)
    return graph.book.step("pad", [graph.value(image)], shape)


@_translates("add")
def _add(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    _only(node, alpha=(node.kwargs.get("alpha", 1), 1))
    first, second = node.args
    if first.name in graph.known:
        first, second = second, first
    if second.name in graph.known:
        constant = graph.book.weight(graph.known[second.name].expand(shape))
        return graph.book.step("shift", [graph.value(first)], shape, w=constant)
    _only(node, shape=(graph.shape(first), graph.shape(second)))
    return graph.book.step("add", [graph.value(first), graph.value(second)], shape)


@_translates("view", "reshape", "flatten", "squeeze", "unsqueeze", "clone")
def _view(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    return graph.book.step("view", [graph.value(node.args[0])], shape)


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[place + 1 :]) for place in range(len(shape))]


@_translates("permute", "transpose")
def _permute(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    order = list(range(len(shape)))
    if "transpose" in str(node.target):
        a, b = node.args[1:]
        order[a], order[b] = order[b], order[a]
    else:
        order = [place % len(shape) for place in node.args[1]]
    strides = _strides(graph.shape(node.args[0]))
    moved = [strides[place] for place in order]
    return graph.book.step("gather", [graph.value(node.args[0])], shape, strides=moved, offset=0)


def _sliced(graph: _Graph, value: int, dim: int, index: int, shape: tuple[int, ...]) -> int:
    strides = _strides(graph.book.shapes[value])
    own = strides.pop(dim)
    return graph.book.step("gather", [value], shape, strides=strides, offset=own * index)


@_translates("select")
def _select(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    image, dim, index = node.args
    sides = graph.shape(image)
    dim %= len(sides)
    return _sliced(graph, graph.value(image), dim, index % sides[dim], shape)


@_translates("unbind")
def _unbind(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> None:
    graph.parts[node.name] = (graph.value(node.args[0]), _argument(node, 1, "dim", 0))


@_translates("getitem")
def _item(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    whole, index = node.args
    if whole.name in graph.parts:
        value, dim = graph.parts[whole.name]
        return _sliced(graph, value, dim, index, shape)
    _only(node, index=(index, 0))  # of what batch normalisation returns
    return graph.value(whole)


@_translates("cat")
def _cat(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    dim = _argument(node, 1, "dim", 0) % len(shape)
    return graph.book.step("cat", [graph.value(one) for one in node.args[0]], shape, dim=dim)


@_translates("scaled_dot_product_attention")
def _attention(graph: _Graph, node: torch.fx.Node, shape: tuple[int, ...]) -> int:
    mask = _argument(node, 3, "attn_mask", None)
    causal, scale = _argument(node, 5, "is_causal", False), node.kwargs.get("scale")
    _only(node, attn_mask=(mask, None), is_causal=(causal, False), scale=(scale, None))
    return graph.book.step("attention", [graph.value(one) for one in node.args[:3]], shape)

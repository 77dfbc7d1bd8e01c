"""A Spec as a graph, joined from the graphs of its rows, each kind of which is traced once and remembered.

Tracing a whole network takes seconds. A search looks at thousands that differ in a row or two, and most of these in
their widths or the sizes of their maps alone, for which a graph that was traced before is given other shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import lru_cache

import torch
from torch import nn

from featherlight.graph.ir import Constant, Graph, Op, Tensor
from featherlight.graph.read_torch import from_torch
from featherlight.graph.resize import resized
from featherlight.layers.head import HEADS
from featherlight.layers.network import Network, block
from featherlight.layers.shapes import head_shapes, row_shapes
from featherlight.spec import Head, Row, Spec, Style, feature_channels, out_channels, walk

Shape = tuple[int, ...]
Weights = Mapping[str, Shape]


def from_spec(spec: Spec, input_shape: Shape = (1, 3, 224, 224), num_classes: int = 1000) -> Graph:
    """The graph of a network of `spec`: operations, shapes and origins as `from_torch` gives them for its module.

    The weights are random: a graph to count and to time. Raises BadInput where the image is too small for the rows.
    """
    return join(parts(spec, input_shape, num_classes))


def from_network(network: nn.Module, input_shape: Shape) -> Graph | None:
    """The graph of a network of ours with its own weights, as `from_torch` gives it but for the names of the maps.

    None for any other module, or one that was altered and is no longer what its Spec says: that must be traced.
    """
    if type(network) is not Network or network.in_chans != input_shape[1] or not _as_its_spec_says(network):
        return None
    graph, weights = from_spec(network.spec, input_shape, network.num_classes), network.state_dict()
    return replace(graph, constants={name: weights[name].float().numpy(force=True).copy() for name in graph.constants})


def _as_its_spec_says(network: Network) -> bool:
    """Whether a fresh network of the same arguments prints as this one does, layer by layer with all its settings."""
    if network.head is None or network.global_pool != "avg" or not network.num_classes:
        return False
    if any("forward" in vars(each) or each._forward_hooks or each._forward_pre_hooks for each in network.modules()):
        return False
    with torch.device("meta"):
        fresh = Network(network.spec, network.num_classes, network.in_chans, network.drop_rate)
    return str(fresh) == str(network)


def join(parts: Iterable[tuple[str, Graph]]) -> Graph:
    """Graphs of one input and one output put one behind the other, each with where it stands."""
    joined: _Joined | None = None
    for where, part in parts:
        joined = joined or _Joined(part.tensors[part.inputs[0]].shape)
        joined.add(where, part)
    assert joined is not None
    return joined.graph()


def parts(spec: Spec, input_shape: Shape, num_classes: int) -> Iterator[tuple[str, Graph]]:
    """The graph of each row, and of the head, with where it stands; of equal rows it is the same object."""
    shape = input_shape
    for index, row, channels in walk(spec):
        part = _row(row, channels or input_shape[1], shape, spec.style)
        shape = part.tensors[part.outputs[0]].shape
        yield f"rows.{index}", part
    yield "head", _head(spec.head, feature_channels(spec), shape, num_classes)


# Graphs that were traced, by all that makes one but its numbers of channels and of pixels.
_TEMPLATES: dict[tuple[object, ...], Graph] = {}

_WIDTHS = ("channels", "middle", "expanded", "squeeze", "expand1", "expand3", "squeeze_excite", "hidden")


@lru_cache(maxsize=4096)
def _row(row: Row, channels: int, shape: Shape, style: Style) -> Graph:
    gate = getattr(row, "squeeze_excite", None)
    # By how much it is padded hangs on the size of the map.
    padded = shape[2:] if style.padding == "same" or getattr(row, "ceil", False) else ()
    parts = (getattr(row, "expanded", 0) is None, gate and gate.gate, out_channels(row, channels) == channels, style,
             padded)  # fmt: skip
    return _graph(row, parts, shape, lambda: block(row, channels, style), row_shapes(row, channels, style))


@lru_cache(maxsize=1024)
def _head(head: Head, channels: int, shape: Shape, num_classes: int) -> Graph:
    def make() -> nn.Module:
        return HEADS[head.kind](channels, head, num_classes, 0.0, "avg")

    pooled = shape[2:] if head.pool > 1 else ()  # its windows hang on the size of the map
    return _graph(head, (len(head.hidden), pooled), shape, make, head_shapes(head, channels, num_classes))


def _graph(
    record: Row | Head, parts: tuple[object, ...], shape: Shape, make: Callable[[], nn.Module], weights: Weights
) -> Graph:
    """Traced, or resized from the graph of a record that differs in its widths or its map alone.

    `parts` says which it has, and what else hangs on the map.
    """
    fixed = tuple(getattr(record, field.name) for field in fields(record) if field.name not in _WIDTHS)
    key = (type(record), *fixed, *parts, shape[0])
    if key in _TEMPLATES:
        template = _TEMPLATES[key]
        return resized(template, shape, {name: own for name, own in weights.items() if name in template.constants})
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        return _TEMPLATES.setdefault(key, from_torch(make().eval(), shape))


class _Joined:
    """Graphs put one behind the other: each reads what the one before gives."""

    def __init__(self, input_shape: Shape) -> None:
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {"x": Tensor(input_shape)}
        self.constants: dict[str, Constant] = {}
        self.end = "x"

    def add(self, where: str, part: Graph) -> None:
        names = {name: f"{where}.{name}" for name in part.tensors} | {part.inputs[0]: self.end}
        for op in part.ops:
            origin = f"{where}.{op.origin}" if op.origin else where
            inputs, outputs = (tuple(names[name] for name in side) for side in (op.inputs, op.outputs))
            self.ops.append(replace(op, inputs=inputs, outputs=outputs, origin=origin))
        self.tensors |= {names[name]: tensor for name, tensor in part.tensors.items() if name not in part.inputs}
        self.constants |= {names[name]: value for name, value in part.constants.items()}
        self.end = names[part.outputs[0]]

    def graph(self) -> Graph:
        return Graph(tuple(self.ops), ("x",), (self.end,), self.tensors, self.constants)

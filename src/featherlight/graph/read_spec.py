"""A Spec as a graph, joined from the graphs of its rows, each kind of which is traced once and remembered.

Tracing a whole network takes seconds. A search looks at thousands that differ in a row or two, and most of these in
their widths alone, for which a graph that was traced before is given other shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import lru_cache

import torch
from torch import nn

from featherlight.graph.ir import Constant, Graph, Op, Tensor
from featherlight.graph.read_torch import from_torch
from featherlight.graph.resize import resized
from featherlight.layers.head import HEADS
from featherlight.layers.network import block
from featherlight.layers.shapes import row_shapes
from featherlight.spec import Head, Row, Spec, Style, feature_channels, out_channels, walk

Shape = tuple[int, ...]


def from_spec(spec: Spec, input_shape: Shape = (1, 3, 224, 224), num_classes: int = 1000) -> Graph:
    """The graph of a network of `spec`: operations, shapes and origins as `from_torch` gives them for its module.

    The weights are random: a graph to count and to time. Raises BadInput where the image is too small for the rows.
    """
    joined = _Joined(input_shape)
    for where, part in _parts(spec, input_shape, num_classes):
        joined.add(where, part)
    return joined.graph()


def _parts(spec: Spec, input_shape: Shape, num_classes: int) -> Iterator[tuple[str, Graph]]:
    shape = input_shape
    for index, row, channels in walk(spec):
        part = _row(row, channels or input_shape[1], shape, spec.style)
        shape = part.tensors[part.outputs[0]].shape
        yield f"rows.{index}", part
    yield "head", _head(spec.head, feature_channels(spec), shape, num_classes)


@lru_cache(maxsize=4096)
def _row(row: Row, channels: int, shape: Shape, style: Style) -> Graph:
    """The graph of one row: traced, or resized from that of another which differs in its widths alone."""
    key = (_without_widths(row), out_channels(row, channels) == channels, shape[0], *shape[2:], style)
    template = _TEMPLATES.get(key)
    if template is None:
        return _TEMPLATES.setdefault(key, _traced(lambda: block(row, channels, style), shape))
    shapes = {name: own for name, own in row_shapes(row, channels, style).items() if name in template.constants}
    return resized(template, shape, shapes)


_TEMPLATES: dict[tuple[object, ...], Graph] = {}

_WIDTHS = ("channels", "middle", "expanded", "squeeze", "expand1", "expand3")


def _without_widths(row: Row) -> tuple[object, ...]:
    """All of a row that is not a number of channels: its kind, and which of its parts there are."""
    gate = getattr(row, "squeeze_excite", None)
    others = [getattr(row, field.name) for field in fields(row) if field.name not in (*_WIDTHS, "squeeze_excite")]
    return type(row), *others, getattr(row, "expanded", 0) is None, gate and gate.gate


@lru_cache(maxsize=128)
def _head(head: Head, channels: int, shape: Shape, num_classes: int) -> Graph:
    return _traced(lambda: HEADS[head.kind](channels, head, num_classes, 0.0, "avg"), shape)


def _traced(make: Callable[[], nn.Module], shape: Shape) -> Graph:
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        return from_torch(make().eval(), shape)


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
